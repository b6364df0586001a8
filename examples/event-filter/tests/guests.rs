//! Runs the example with a real guest: resource, record, variant and the host's
//! clock, through the embedder's own contract.

use std::path::Path;

use event_filter::{Event, EventFilter, EventFilterContract, Verdict};
use kumiki::Host;
use libtest_mimic::{Arguments, Failed, Trial};
use test_components::guests::Guest;

#[expect(dead_code, reason = "`main` is not called")]
#[path = "../examples/by_hand.rs"]
mod by_hand;
#[expect(dead_code, reason = "`main` is not called")]
#[path = "../examples/with_kumiki.rs"]
mod with_kumiki;

type Case = fn(&Path) -> Result<(), Failed>;

fn main() {
    let cases: [(&str, Case); 5] = [
        ("events are judged", events_are_judged),
        ("filters remember", filters_remember),
        (
            "rules that are none are refused",
            rules_that_are_none_are_refused,
        ),
        (
            "a plugin of another contract is refused",
            another_contract_is_refused,
        ),
        (
            "the code without Kumiki gives the same verdicts",
            code_without_kumiki_gives_the_same_verdicts,
        ),
    ];
    let trial = |(name, case): (&str, Case)| {
        let guest = Guest::find("event-filter-rust");
        let (ignored, label) = (guest.is_ignored(), guest.label());
        Trial::test(name, move || case(guest.path()?))
            .with_ignored_flag(ignored)
            .with_kind(label)
    };
    libtest_mimic::run(
        &Arguments::from_args(),
        cases.into_iter().map(trial).collect(),
    )
    .exit();
}

fn event(source: &str, severity: u8, message: &str) -> Event {
    Event {
        source: source.into(),
        severity,
        message: message.into(),
    }
}

fn events_are_judged(plugin: &Path) -> Result<(), Failed> {
    let rules = "# comment\n\ndrop noise\nbelow 2\nmask secret";
    let mut filter = EventFilter::new(&Host::new()?, plugin, rules)?;
    for (event, expected) in [
        (event("web", 5, "hello"), Verdict::Keep),
        (
            event("noise", 9, "hello"),
            Verdict::Drop("line 3: drop noise".into()),
        ),
        (
            event("web", 1, "hello"),
            Verdict::Drop("line 4: below 2, at 0 s".into()),
        ),
        (
            event("web", 5, "a secret 木 secret"),
            Verdict::Replace(self::event("web", 5, "a *** 木 ***")),
        ),
    ] {
        assert_eq!(filter.judge(&event)?, expected);
    }
    Ok(())
}

fn filters_remember(plugin: &Path) -> Result<(), Failed> {
    let host = Host::new()?;
    let mut one = EventFilter::new(&host, plugin, "")?;
    let mut other = EventFilter::new(&host, plugin, "")?;
    for _ in 0..3 {
        one.judge(&event("a", 1, "b"))?;
    }
    other.judge(&event("a", 1, "b"))?;
    assert_eq!((one.judged()?, other.judged()?), (3, 1));
    Ok(())
}

fn rules_that_are_none_are_refused(plugin: &Path) -> Result<(), Failed> {
    let Err(error) = EventFilter::new(&Host::new()?, plugin, "drop a\nexplode") else {
        return Err("the rules must be refused".into());
    };
    let text = error.to_string();
    assert!(
        text.starts_with("the plugin does not accept its rules: "),
        "{text}"
    );
    assert!(text.contains('2'), "the line is named: {text}");
    Ok(())
}

fn another_contract_is_refused(_plugin: &Path) -> Result<(), Failed> {
    let echo = test_components::TextPlugin::new("echo").build();
    let host = Host::<EventFilterContract>::new()?;
    let text = host
        .load_bytes("echo.wasm", &echo)
        .expect_err("it must be refused")
        .to_string();
    assert!(
        text.contains("`myapp:text-processor/host-api`, which this host does not provide"),
        "{text}"
    );
    Ok(())
}

/// The guide compares the two examples.
fn code_without_kumiki_gives_the_same_verdicts(plugin: &Path) -> Result<(), Failed> {
    let rules = "drop noise\nmask secret";
    for (source, message) in [("web", "hello"), ("noise", "hello"), ("web", "a secret")] {
        let ours = with_kumiki::judge(plugin, rules, &with_kumiki::event(source, 5, message))?;
        let by_hand = by_hand::judge(plugin, rules, &by_hand::event(source, 5, message))?;
        assert_eq!(format!("{by_hand:?}"), format!("{ours:?}"));
    }
    let refused = by_hand::judge(plugin, "explode", &by_hand::event("web", 5, "hello"));
    assert!(refused.is_err(), "these are no rules");
    Ok(())
}

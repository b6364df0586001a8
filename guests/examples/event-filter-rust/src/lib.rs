//! Filters events by rules: a plugin of a contract that is not text
//! processing, with a record, a variant and a resource.

mod rule;

use std::cell::Cell;

use example::event_filter::clock::uptime;
use exports::example::event_filter::rules::{Event, Filter, Guest, GuestFilter, Verdict};
use rule::{Action, Rule};

wit_bindgen::generate!({
    path: "../../../examples/event-filter/wit",
    world: "event-filter",
});

struct Component;

impl Guest for Component {
    type Filter = RuleFilter;
}

struct RuleFilter {
    rules: Vec<Rule>,
    judged: Cell<u64>,
}

impl GuestFilter for RuleFilter {
    fn create(rules: String) -> Result<Filter, String> {
        let rules = rule::parse(&rules)?;
        Ok(Filter::new(RuleFilter {
            rules,
            judged: Cell::new(0),
        }))
    }

    fn judge(&self, mut event: Event) -> Verdict {
        self.judged.set(self.judged.get() + 1);
        let mut masked = false;
        for Rule { line, action } in &self.rules {
            match action {
                Action::Drop(source) if event.source == *source => {
                    return Verdict::Drop(format!("line {line}: drop {source}"));
                }
                Action::Below(severity) if event.severity < *severity => {
                    let seconds = uptime();
                    return Verdict::Drop(format!("line {line}: below {severity}, at {seconds} s"));
                }
                Action::Mask(word) if event.message.contains(word) => {
                    event.message = event.message.replace(word, "***");
                    masked = true;
                }
                Action::Drop(_) | Action::Below(_) | Action::Mask(_) => {}
            }
        }
        if masked {
            Verdict::Replace(event)
        } else {
            Verdict::Keep
        }
    }

    fn judged(&self) -> u64 {
        self.judged.get()
    }
}

export!(Component);

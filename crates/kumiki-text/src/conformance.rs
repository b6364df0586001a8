//! The conformance kit: what every plugin of the contract should stand, tried
//! on a real instance.
//!
//! A check fails where the plugin breaks the contract or would surprise whoever
//! runs it: a trap where an error was due, an answer that changes, memory that
//! grows. What a plugin makes of a text is its own business.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use kumiki::{Plugin, excerpt};

use crate::growth::{Growth, SAMPLE};
use crate::{Config, Error, ProcessResult, TextContract, TextPlugin, Texts, Way};

/// A name or version longer than this is no name, in bytes.
const NAME_LIMIT: usize = 100;

/// Bytes of an answer that a finding shows.
const SHOWN: usize = 500;

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was tried.
    pub check: Cow<'static, str>,
    /// What happened: what was seen where it passed, what is wrong where not.
    pub outcome: Result<String, String>,
    /// How its memory grew, where that is what is wrong.
    pub leak: Option<Growth>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A check: a plugin in, what was seen or what is wrong out.
type Check = fn(&mut TextPlugin) -> Result<String, String>;

/// All but the last, which looks at memory.
const CHECKS: [(&str, Check); 10] = [
    ("says its name and version", names),
    ("empty input", |plugin| answers(plugin, "")),
    ("one character", |plugin| answers(plugin, "a")),
    ("blank input", |plugin| answers(plugin, " \t\r\n\u{3000}")),
    ("1 MB of input", |plugin| {
        answers(plugin, &"Hello, plugin! ".repeat(70_000))
    }),
    ("every plane of Unicode", |plugin| {
        answers(plugin, &planes())
    }),
    ("NUL and control characters", |plugin| {
        answers(plugin, &controls())
    }),
    ("the same input gives the same answer", same_answer),
    ("a new instance gives the same answer", same_answer_afresh),
    ("every way gives the same answers", same_answer_in_every_way),
];

/// Tries everything on `plugin`, in order, and hands each finding to `sink` as
/// soon as it is there. Takes seconds, a minute and some at the most.
///
/// ```
/// use kumiki_text::{TextHost, conformance};
///
/// # fn main() -> Result<(), kumiki_text::Error> {
/// # let bytes = test_components::TextPlugin::new("echo").build();
/// let plugin = TextHost::new()?.load_bytes("echo.wasm", &bytes)?;
/// conformance::check(&plugin, |finding| assert!(finding.outcome.is_ok(), "{finding:?}"));
/// # Ok(())
/// # }
/// ```
pub fn check(plugin: &Plugin<TextContract>, mut sink: impl FnMut(Finding)) {
    for (name, check) in CHECKS {
        sink(Finding::of(name.into(), plugin, Config::default(), check));
    }
    let start = Instant::now();
    let growth = Growth::measure(plugin);
    sink(Finding {
        check: "100,000 calls without growing".into(),
        leak: growth.as_ref().ok().copied().filter(Growth::is_leak),
        outcome: match growth {
            Err(error) => Err(error.to_string()),
            Ok(growth) if growth.is_leak() => Err(growth.to_string()),
            Ok(growth) => Ok(growth.to_string()),
        },
        elapsed: start.elapsed(),
    });
}

impl Finding {
    /// Tries one thing on an instance of its own, so that one that traps does
    /// not spoil the next.
    pub(crate) fn of(
        check: Cow<'static, str>,
        plugin: &Plugin<TextContract>,
        config: Config,
        try_it: impl FnOnce(&mut TextPlugin) -> Result<String, String>,
    ) -> Self {
        let start = Instant::now();
        let outcome = TextPlugin::new(plugin.clone(), config)
            .map_err(|error| error.to_string())
            .and_then(|mut plugin| try_it(&mut plugin));
        Self {
            check,
            outcome,
            leak: None,
            elapsed: start.elapsed(),
        }
    }
}

/// How many checks there are.
#[must_use]
pub fn count() -> usize {
    CHECKS.len() + 1
}

fn names(plugin: &mut TextPlugin) -> Result<String, String> {
    for (what, text) in [("name", plugin.name()), ("version", plugin.version())] {
        if text.trim().is_empty() {
            return Err(format!("its {what} is empty"));
        }
        if text.len() > NAME_LIMIT {
            return Err(format!("its {what} is {} bytes long", text.len()));
        }
    }
    Ok(format!("{} {}", plugin.name(), plugin.version()))
}

/// An answer in the contract's terms: a result or one of its errors.
fn answer(plugin: &mut TextPlugin, input: &str) -> Result<Result<ProcessResult, String>, String> {
    match plugin.process(input) {
        Ok(result) => Ok(Ok(result)),
        Err(error) => in_its_terms(&error),
    }
}

fn in_its_terms(error: &Error) -> Result<Result<ProcessResult, String>, String> {
    match error {
        Error::Plugin { .. } => Ok(Err(error.kind().to_owned())),
        Error::Host(_) | Error::SetAside { .. } | Error::Name { .. } => Err(error.to_string()),
    }
}

fn answers(plugin: &mut TextPlugin, input: &str) -> Result<String, String> {
    match answer(plugin, input)? {
        Ok(result) => {
            if let Some(entry) = result.metadata.iter().find(|entry| entry.key.is_empty()) {
                return Err(format!(
                    "its metadata has an empty key, with `{}`",
                    excerpt(&entry.value, SHOWN)
                ));
            }
            let (bytes, entries) = (result.output.len(), result.metadata.len());
            Ok(format!("{bytes} B of output, {entries} of metadata"))
        }
        Err(error) => Ok(error),
    }
}

/// Characters of every plane that has some, at its borders.
fn planes() -> String {
    (0..=16_u32)
        .flat_map(|plane| [0x20, 0x21, 0xd7ff, 0xe000, 0xfffd, 0xffff].map(|at| plane << 16 | at))
        .filter_map(char::from_u32)
        .collect()
}

fn controls() -> String {
    (0..0x20_u8)
        .chain([0x7f])
        .map(char::from)
        .chain('\u{80}'..='\u{9f}')
        .collect()
}

fn same_answer(plugin: &mut TextPlugin) -> Result<String, String> {
    let first = answer(plugin, SAMPLE)?;
    let _ = answer(plugin, "something else between")?;
    compare(first, answer(plugin, SAMPLE)?)
}

fn same_answer_afresh(plugin: &mut TextPlugin) -> Result<String, String> {
    let _ = answer(plugin, "something else before")?;
    let first = answer(plugin, SAMPLE)?;
    plugin.restart();
    compare(first, answer(plugin, SAMPLE)?)
}

/// Asks for many records in each way that the plugin offers, and for each of
/// them by itself.
fn same_answer_in_every_way(plugin: &mut TextPlugin) -> Result<String, String> {
    let (planes, controls) = (planes(), controls());
    let inputs = ["", "a", SAMPLE, "", &planes, " \t\r\n", "b", &controls, "a"];
    let single = inputs.map(|input| answer(plugin, input));
    let ways = plugin.ways().to_vec();
    for way in ways.iter().copied().filter(|way| *way != Way::SINGLE) {
        plugin.set_way(way);
        let answers = plugin.process_all(&Texts::from_iter(inputs));
        let together = answers.iter().map(|answer| match answer {
            Ok(answer) => Ok(Ok(answer.to_result())),
            Err(error) => in_its_terms(error),
        });
        for ((input, together), single) in inputs.iter().zip(together).zip(&single) {
            let wrong = |why| format!("by {}, {} B of input: {why}", way.name, input.len());
            compare(single.clone()?, together?).map_err(wrong)?;
        }
        // The host has mended it, at a price that its author should know of.
        if plugin.batching.cuts > 0 {
            let why = "fails with records that it answers one by one";
            return Err(format!("`process-{}` {why}", way.name));
        }
    }
    let names: Vec<_> = ways.iter().map(|way| way.name).collect();
    Ok(names.join(", "))
}

fn compare(
    first: Result<ProcessResult, String>,
    second: Result<ProcessResult, String>,
) -> Result<String, String> {
    if first == second {
        return Ok("yes".into());
    }
    let show = |answer: Result<ProcessResult, String>| match answer {
        Ok(result) => format!(
            "`{}` with {} of metadata",
            excerpt(&result.output, SHOWN),
            result.metadata.len()
        ),
        Err(error) => error,
    };
    Err(format!("first {}, then {}", show(first), show(second)))
}

//! The conformance kit: what every plugin of the contract should stand, tried
//! on a real instance.
//!
//! A check fails where the plugin breaks the contract or would surprise whoever
//! runs it: a trap where an error was due, an answer that changes, memory that
//! grows. What a plugin makes of a text is its own business.

use std::time::{Duration, Instant};

use kumiki::Plugin;

use crate::{Config, Error, ProcessResult, TextContract, TextPlugin};

/// How often the leak check calls the plugin.
const LEAK_CALLS: usize = 100_000;
/// How often it does before it looks: caches and pools may fill up first, and a
/// collector of garbage may wait for 4 MiB of it, as Go's does.
const WARM_UP_CALLS: usize = 100_000;
/// The longest that the leak check goes on; fewer calls say the same, coarser.
const LEAK_TIME: Duration = Duration::from_secs(60);
/// A name or version longer than this is no name, in bytes.
const NAME_LIMIT: usize = 100;

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was tried.
    pub check: &'static str,
    /// What happened: what was seen where it passed, what is wrong where not.
    pub outcome: Result<String, String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A check: a plugin in, what was seen or what is wrong out.
type Check = fn(&mut TextPlugin) -> Result<String, String>;

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
    ("100,000 calls without growing", does_not_grow),
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
        let start = Instant::now();
        // Each check has an instance of its own, so that one that traps does
        // not spoil the next.
        let outcome = TextPlugin::new(plugin.clone(), Config::default())
            .map_err(|error| error.to_string())
            .and_then(|mut plugin| check(&mut plugin));
        sink(Finding {
            check: name,
            outcome,
            elapsed: start.elapsed(),
        });
    }
}

/// How many checks there are.
#[must_use]
pub fn count() -> usize {
    CHECKS.len()
}

fn names(plugin: &mut TextPlugin) -> Result<String, String> {
    for (what, text) in [("name", plugin.name()), ("version", plugin.version())] {
        if text.trim().is_empty() {
            return Err(format!("its {what} is empty"));
        }
        if text.len() > NAME_LIMIT {
            return Err(format!("its {what} is {} bytes long", text.len()));
        }
        if text.contains(char::is_control) {
            return Err(format!("its {what} has control characters"));
        }
    }
    Ok(format!("{} {}", plugin.name(), plugin.version()))
}

/// An answer in the contract's terms: a result or one of its errors.
fn answer(plugin: &mut TextPlugin, input: &str) -> Result<Result<ProcessResult, String>, String> {
    match plugin.process(input) {
        Ok(result) => Ok(Ok(result)),
        Err(error @ Error::Plugin { .. }) => Ok(Err(error.kind().to_owned())),
        Err(error @ Error::Host(_)) => Err(error.to_string()),
    }
}

fn answers(plugin: &mut TextPlugin, input: &str) -> Result<String, String> {
    match answer(plugin, input)? {
        Ok(result) => {
            if let Some(entry) = result.metadata.iter().find(|entry| entry.key.is_empty()) {
                return Err(format!(
                    "its metadata has an empty key, with `{}`",
                    entry.value
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

const SAMPLE: &str = "Hello, plugin! 組木 😀 ß İ e\u{301}";

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
            result.output,
            result.metadata.len()
        ),
        Err(error) => error,
    };
    Err(format!("first {}, then {}", show(first), show(second)))
}

fn does_not_grow(plugin: &mut TextPlugin) -> Result<String, String> {
    let start = Instant::now();
    let mut call_often = |calls: usize| -> Result<(usize, usize), String> {
        let mut done = 0;
        while done < calls && start.elapsed() < LEAK_TIME {
            // What is refused must not leak either.
            let _ = answer(plugin, SAMPLE)?;
            let _ = answer(plugin, "")?;
            done += 2;
        }
        Ok((done, plugin.memory()))
    };
    let (_, before) = call_often(WARM_UP_CALLS)?;
    let (calls, after) = call_often(LEAK_CALLS)?;
    if after > before {
        let grown = after - before;
        return Err(format!(
            "its memory grew by {grown} bytes in {calls} calls, {} bytes a call",
            grown.div_ceil(calls.max(1))
        ));
    }
    Ok(format!("{} KiB after {calls} calls", after / 1024))
}

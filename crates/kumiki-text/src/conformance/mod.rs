//! Conformance checks for plugins of the contract, run on real instances.
//!
//! A check fails if the plugin violates the contract or would surprise its user:
//! a trap where the contract requires an error, an answer that changes between
//! calls, memory that grows. The content of the answers is not judged.

mod growth;
mod streaming;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use kumiki::{Plugin, excerpt};

use crate::{CallMode, Config, Error, ProcessResult, TextContract, TextPlugin, Texts};
pub use growth::Growth;
use growth::SAMPLE;

/// Maximum length of a name or version that conforms, in bytes.
const NAME_LIMIT: usize = 100;

/// Maximum bytes of an answer that a finding shows.
const SHOWN: usize = 500;

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The name of the check.
    pub check: Cow<'static, str>,
    /// What was observed if the check passed; what is wrong if it failed.
    pub outcome: Result<String, String>,
    /// The growth of memory, if that made the check fail.
    pub leak: Option<Growth>,
    /// The duration of the check.
    pub elapsed: Duration,
}

/// A check: returns what was observed, or what is wrong.
type Check = fn(&mut TextPlugin) -> Result<String, String>;

/// All checks except the last one, which measures memory.
const CHECKS: [(&str, Check); 10] = [
    ("name and version are set", names),
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
    (
        "every mode gives the same answers",
        same_answer_in_every_way,
    ),
];

/// Runs all checks on `plugin`, in order, and passes each finding to `sink` as
/// soon as it is available. Takes some seconds, or slightly more than a minute at
/// most.
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
    if is_streaming(plugin) {
        for (name, check) in streaming::CHECKS {
            sink(Finding::of(name.into(), plugin, Config::default(), check));
        }
    }
    let start = Instant::now();
    let growth = Growth::measure(plugin);
    sink(Finding {
        check: "100,000 calls without memory growth".into(),
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
    /// Runs one check on its own instance, so that a trap does not affect the next
    /// check.
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

fn is_streaming(plugin: &Plugin<TextContract>) -> bool {
    let plugin = TextPlugin::new(plugin.clone(), Config::default());
    plugin.is_ok_and(|plugin| plugin.is_streaming())
}

/// Returns the number of checks of this plugin.
#[must_use]
pub fn count(plugin: &Plugin<TextContract>) -> usize {
    let streaming = match is_streaming(plugin) {
        true => streaming::CHECKS.len(),
        false => 0,
    };
    CHECKS.len() + streaming + 1
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

/// Calls the plugin. Returns a result or the name of one of the contract's errors;
/// any other error is a violation.
fn answer(plugin: &mut TextPlugin, input: &str) -> Result<Result<ProcessResult, String>, String> {
    match plugin.process(input) {
        Ok(result) => Ok(Ok(result)),
        Err(error) => contract_error(&error),
    }
}

fn contract_error(error: &Error) -> Result<Result<ProcessResult, String>, String> {
    match error {
        Error::Plugin { .. } => Ok(Err(error.kind().to_owned())),
        error => Err(error.to_string()),
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

/// Returns the first and last characters of every plane of Unicode that has any.
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

/// Processes records in batches by each mode that the plugin offers, and compares
/// the answers with those of single calls.
fn same_answer_in_every_way(plugin: &mut TextPlugin) -> Result<String, String> {
    let (planes, controls) = (planes(), controls());
    let inputs = ["", "a", SAMPLE, "", &planes, " \t\r\n", "b", &controls, "a"];
    let single = inputs.map(|input| answer(plugin, input));
    let modes = plugin.modes().to_vec();
    for mode in modes
        .iter()
        .copied()
        .filter(|mode| *mode != CallMode::Single)
    {
        plugin.set_mode(mode);
        let answers = plugin.process_all(&Texts::from_iter(inputs));
        let together = answers.iter().map(|answer| match answer {
            Ok(answer) => Ok(Ok(answer.to_result())),
            Err(error) => contract_error(error),
        });
        for ((input, together), single) in inputs.iter().zip(together).zip(&single) {
            let wrong = |why| format!("by {}, {} B of input: {why}", mode.name(), input.len());
            compare(single.clone()?, together?).map_err(wrong)?;
        }
        // The host retried these records one by one, which is slow: tell the author.
        if plugin.batching.cuts > 0 {
            let why = "fails on records that succeed one by one";
            return Err(format!("`process-{}` {why}", mode.name()));
        }
    }
    let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
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

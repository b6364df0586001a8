//! The language matrix: the same small cases in every language, each with one
//! expected result.
//!
//! The guests, `guests/conformance/matrix-*`, run the commands that guests/README.md
//! lists. If a guest lacks a command, the trial fails and names it. A toolchain without
//! a guest does not compile here.

use std::iter;
use std::sync::Arc;

use kumiki::Level;
use kumiki_build::{Project, Toolchain};
use kumiki_text::CallMode;
use libtest_mimic::{Arguments, Failed, Trial};

use cases::{Answer, Call, Case, cases, neighbour};
use language::{Language, call_all, call_one, folder, guest_name, modes, place_of_trap};

mod cases;
mod language;
mod properties;
mod streams;

/// The maximum length of inputs and results in messages, in bytes.
const SHOWN: usize = 200;

fn main() {
    let arguments = Arguments::from_args();
    let trials = Toolchain::ALL.into_iter().flat_map(trials);
    libtest_mimic::run(&arguments, trials.chain(streams::trials()).collect()).exit();
}

/// All trials of a toolchain's guest, in every call mode that it offers.
fn trials(toolchain: Toolchain) -> Vec<Trial> {
    let language = Arc::new(Language::new(toolchain));
    let mut trials = vec![
        Trial::test(name("a guest", toolchain), move || has_a_guest(toolchain)),
        trial(&language, "name and version", has_name_and_version),
        trial(&language, "call modes", offers_expected_modes),
    ];
    // StarlingMonkey takes minutes on a busy machine. Python does not free all memory,
    // as docs/languages.md says, but that shows only after some hundred thousand
    // records.
    if !matches!(toolchain, Toolchain::StarlingMonkey | Toolchain::Python) {
        trials.push(trial(
            &language,
            "memory does not grow, by batch",
            frees_memory,
        ));
    }
    let cases = cases(toolchain).into_iter();
    let cases: Vec<(String, Arc<[Call]>)> = cases
        .map(|Case { name, calls }| (name, calls.into()))
        .collect();
    for mode in modes(toolchain) {
        let named = |what: &str| match mode {
            CallMode::Single => what.to_owned(),
            mode => format!("{what}, by {}", mode.name()),
        };
        let texts = [
            ("echo of any text", properties::echo as Property),
            (
                "upper-case of any text of the table's characters",
                properties::upper,
            ),
        ];
        for (what, property) in texts {
            trials.push(trial(&language, &named(what), move |language| {
                property(language, mode)
            }));
        }
        for (name, calls) in &cases {
            let calls = calls.clone();
            trials.push(trial(&language, &named(name), move |language| match mode {
                CallMode::Single => check(language, &calls),
                mode => check_together(language, mode, &calls),
            }));
        }
    }
    trials
}

/// A property of random texts.
type Property = fn(&Language, CallMode) -> Result<(), Failed>;

fn trial(
    language: &Arc<Language>,
    what: &str,
    run: impl FnOnce(&Language) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let shared = language.clone();
    Trial::test(name(what, language.toolchain), move || run(&shared))
        .with_ignored_flag(language.guest.is_ignored())
        .with_kind(language.guest.label())
}

fn name(what: &str, toolchain: Toolchain) -> String {
    format!("matrix {what}: {toolchain}")
}

/// The guest exists and uses the toolchain that it tests, whether or not it can be
/// built on this machine.
fn has_a_guest(toolchain: Toolchain) -> Result<(), Failed> {
    let project = Project::read(&folder(guest_name(toolchain)))?;
    if project.toolchain() == toolchain {
        Ok(())
    } else {
        Err(format!("it is built by {}", project.toolchain()).into())
    }
}

fn has_name_and_version(language: &Language) -> Result<(), Failed> {
    let plugin = language.loaded()?.plugin(CallMode::Single)?;
    let found = (plugin.name(), plugin.version());
    if found == ("matrix", "0.1.0") {
        Ok(())
    } else {
        Err(format!("its name and version are {found:?}").into())
    }
}

/// The trials cover all call modes that the guest offers.
fn offers_expected_modes(language: &Language) -> Result<(), Failed> {
    let plugin = language.loaded()?.plugin(CallMode::Single)?;
    let (offered, tried) = (plugin.modes(), modes(language.toolchain));
    if offered == tried {
        Ok(())
    } else {
        Err(format!("it offers {offered:?}, not {tried:?}").into())
    }
}

/// The memory of a batch is freed.
fn frees_memory(language: &Language) -> Result<(), Failed> {
    let growth = language.loaded()?.growth_by(CallMode::Batch)?;
    match growth.is_leak() {
        true => Err(growth.to_string().into()),
        false => Ok(()),
    }
}

/// Makes the calls in order and compares their results and logs.
fn check(language: &Language, calls: &[Call]) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.plugin(CallMode::Single)?;
    // Discards events of an earlier trial.
    loaded.take_events();
    for call in calls {
        let input = shown(&call.input);
        let answer = call_one(&mut plugin, &call.input)?;
        let events = loaded.take_events();
        compare(call, &answer)?;
        let traps = answer == Answer::Trap;
        if events.ended != usize::from(traps) {
            return Err(format!("{input} ended {} instances", events.ended).into());
        }
        if traps {
            says_what_it_was(language.toolchain, &events.log, 1)?;
        } else if events.log != call.log {
            let (log, expected) = (shown(&events.log), shown(&call.log));
            return Err(format!("{input} logged\n{log}, not\n{expected}").into());
        }
    }
    Ok(())
}

/// Makes all calls in one batch and compares their results and logs.
fn check_together(language: &Language, mode: CallMode, calls: &[Call]) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.plugin(mode)?;
    loaded.take_events();
    // A single record would go through `process`, so these are added. They must not be
    // affected.
    let (first, last) = (neighbour("first"), neighbour("last"));
    let calls: Vec<&Call> = iter::once(&first).chain(calls).chain([&last]).collect();
    let inputs: Vec<&str> = calls.iter().map(|call| &*call.input).collect();
    let answers = call_all(&mut plugin, &inputs)?;
    let events = loaded.take_events();
    for (call, answer) in calls.iter().zip(&answers) {
        compare(call, answer)?;
    }
    let traps = answers.contains(&Answer::Trap);
    // A failed batch call that is repeated singly would also end an instance.
    if traps != (events.ended > 0) {
        return Err(format!("it ended {} instances", events.ended).into());
    }
    if traps {
        return says_what_it_was(language.toolchain, &events.log, events.ended);
    }
    // Records that are called again are logged again.
    let log: Vec<_> = calls.iter().flat_map(|call| call.log.clone()).collect();
    if events.log != log {
        let (log, expected) = (shown(&events.log), shown(&log));
        return Err(format!("it logged\n{log}, not\n{expected}").into());
    }
    Ok(())
}

/// The command `trap` logs its message and place at level error, this many
/// times.
fn says_what_it_was(
    toolchain: Toolchain,
    log: &[(Level, String)],
    times: usize,
) -> Result<(), Failed> {
    let place = place_of_trap(&folder(guest_name(toolchain)), toolchain)?;
    let says = |(level, message): &(Level, String)| {
        *level == Level::Error && message.contains("on purpose") && message.contains(&place)
    };
    if log.len() == times && log.iter().all(says) {
        return Ok(());
    }
    let log = shown(&log);
    Err(format!("the trap logged {log}, not `on purpose` and `{place}`").into())
}

/// Compares an answer with the expected one.
fn compare(call: &Call, answer: &Answer) -> Result<(), Failed> {
    if *answer == call.answer {
        return Ok(());
    }
    let input = shown(&call.input);
    if lacks_command(answer) {
        return Err(format!("the guest does not support {input}").into());
    }
    let (answer, expected) = (shown(answer), shown(&call.answer));
    Err(format!("{input} gave\n{answer}, not\n{expected}").into())
}

/// Whether it is the guests' result for an unknown command.
fn lacks_command(answer: &Answer) -> bool {
    let Answer::Result(result) = answer else {
        return false;
    };
    result.metadata.iter().any(|entry| entry.key == "unknown")
}

/// A value for a message: escaped and truncated.
fn shown(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let cut = text.floor_char_boundary(SHOWN);
    match text.len() {
        length if length > cut => format!("{}… ({length} bytes)", &text[..cut]),
        _ => text,
    }
}

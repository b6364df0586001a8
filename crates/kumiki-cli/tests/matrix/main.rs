//! The language matrix: the same small cases in every language, each with one
//! expected result.
//!
//! The guests, `guests/conformance/matrix-*`, obey the commands that
//! guests/README.md lists. A guest that lacks a command says so, and the trial
//! of the case fails by that name; a toolchain without a guest does not
//! compile here.

use std::iter;
use std::sync::Arc;

use kumiki::Level;
use kumiki_build::{Project, Toolchain};
use kumiki_text::Way;
use libtest_mimic::{Arguments, Failed, Trial};

use cases::{Answer, Call, Case, cases, neighbour};
use language::{Language, ask, ask_together, folder, place_of_trap, ways};

mod cases;
mod language;
mod properties;

/// Inputs and answers longer than this are cut in messages, in bytes.
const SHOWN: usize = 200;

fn main() {
    let arguments = Arguments::from_args();
    let trials = Toolchain::ALL.into_iter().flat_map(trials).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// All trials of a toolchain's guest, in every way that it can be called.
fn trials(toolchain: Toolchain) -> Vec<Trial> {
    let language = Arc::new(Language::new(toolchain));
    let mut trials = vec![
        Trial::test(name("a guest", toolchain), move || has_a_guest(toolchain)),
        trial(&language, "name and version", has_name_and_version),
        trial(&language, "ways to call", offers_its_ways),
    ];
    // StarlingMonkey takes minutes on a busy machine. Python does not free all memory,
    // as docs/languages.md says, but that shows only after some hundred thousand
    // records.
    if !matches!(toolchain, Toolchain::StarlingMonkey | Toolchain::Python) {
        trials.push(trial(
            &language,
            "memory does not grow, by batch",
            keeps_its_memory,
        ));
    }
    let cases = cases(toolchain).into_iter();
    let cases: Vec<(String, Arc<[Call]>)> = cases
        .map(|Case { name, calls }| (name, calls.into()))
        .collect();
    for way in ways(toolchain) {
        let named = |what: &str| match way {
            Way::SINGLE => what.to_owned(),
            way => format!("{what}, by {}", way.name),
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
                property(language, way)
            }));
        }
        for (name, calls) in &cases {
            let calls = calls.clone();
            trials.push(trial(&language, &named(name), move |language| match way {
                Way::SINGLE => check(language, &calls),
                way => check_together(language, way, &calls),
            }));
        }
    }
    trials
}

/// A property of random texts.
type Property = fn(&Language, Way) -> Result<(), Failed>;

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
    let project = Project::read(&folder(toolchain))?;
    if project.toolchain() == toolchain {
        Ok(())
    } else {
        Err(format!("it is made by {}", project.toolchain()).into())
    }
}

fn has_name_and_version(language: &Language) -> Result<(), Failed> {
    let plugin = language.loaded()?.plugin(Way::SINGLE)?;
    let said = (plugin.name(), plugin.version());
    if said == ("matrix", "0.1.0") {
        Ok(())
    } else {
        Err(format!("it calls itself {said:?}").into())
    }
}

/// The trials cover all ways in which the guest can be called.
fn offers_its_ways(language: &Language) -> Result<(), Failed> {
    let plugin = language.loaded()?.plugin(Way::SINGLE)?;
    let (offered, tried) = (plugin.ways(), ways(language.toolchain));
    if offered == tried {
        Ok(())
    } else {
        Err(format!("it offers {offered:?}, not {tried:?}").into())
    }
}

/// The memory of a batch is freed.
fn keeps_its_memory(language: &Language) -> Result<(), Failed> {
    let growth = language.loaded()?.growth_by(Way::BATCH)?;
    match growth.is_leak() {
        true => Err(growth.to_string().into()),
        false => Ok(()),
    }
}

/// Makes the calls in order and compares their results and logs.
fn check(language: &Language, calls: &[Call]) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.plugin(Way::SINGLE)?;
    // Discards events of an earlier trial.
    loaded.heard();
    for call in calls {
        let input = shown(&call.input);
        let answer = ask(&mut plugin, &call.input)?;
        let heard = loaded.heard();
        compare(call, &answer)?;
        let traps = answer == Answer::Trap;
        if heard.ended != usize::from(traps) {
            return Err(format!("{input} ended {} instances", heard.ended).into());
        }
        if traps {
            says_what_it_was(language.toolchain, &heard.log, 1)?;
        } else if heard.log != call.log {
            let (log, expected) = (shown(&heard.log), shown(&call.log));
            return Err(format!("{input} logged\n{log}, not\n{expected}").into());
        }
    }
    Ok(())
}

/// Makes all calls in one batch and compares their results and logs.
fn check_together(language: &Language, way: Way, calls: &[Call]) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.plugin(way)?;
    loaded.heard();
    // A single record would be called by `process`, so these are added; they must
    // not be affected.
    let (first, last) = (neighbour("first"), neighbour("last"));
    let calls: Vec<&Call> = iter::once(&first).chain(calls).chain([&last]).collect();
    let inputs: Vec<&str> = calls.iter().map(|call| &*call.input).collect();
    let answers = ask_together(&mut plugin, &inputs)?;
    let heard = loaded.heard();
    for (call, answer) in calls.iter().zip(&answers) {
        compare(call, answer)?;
    }
    let traps = answers.contains(&Answer::Trap);
    // A failed batch call that is repeated singly would also end an instance.
    if traps != (heard.ended > 0) {
        return Err(format!("it ended {} instances", heard.ended).into());
    }
    if traps {
        return says_what_it_was(language.toolchain, &heard.log, heard.ended);
    }
    // Records that are called again are logged again.
    let log: Vec<_> = calls.iter().flat_map(|call| call.log.clone()).collect();
    if heard.log != log {
        let (log, expected) = (shown(&heard.log), shown(&log));
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
    let place = place_of_trap(toolchain)?;
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
        return Err(format!("the guest has no answer to {input}").into());
    }
    let (answer, expected) = (shown(answer), shown(&call.answer));
    Err(format!("{input} gave\n{answer}, not\n{expected}").into())
}

/// Whether it is the guests' answer to an unknown command.
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

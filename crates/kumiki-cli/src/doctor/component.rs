//! A file that should be a plugin: does it fit, does it leak, and is it larger
//! than it need be?

use kumiki::inspect::{Inspection, Kind, Part};
use kumiki_text::{Growth, TextHost};

use super::{Diagnosis, core_module, leak, out_of_step};
use crate::failure;

/// A part that costs more than this share of a component is worth a word,
const SHARE: f64 = 0.1;
/// if it is more than so many bytes: every component has some names.
const LEAST: usize = 4096;

/// Looks at the bytes of a file called `name`. If they fit the contract, tries
/// the plugin for leaks, which takes a second or some.
pub(crate) fn examine(host: &TextHost, name: &str, bytes: &[u8]) -> Vec<Diagnosis> {
    let inspection = Inspection::of(bytes);
    let mut diagnoses = Vec::new();
    match host.check(name, bytes) {
        Err(error) => diagnoses.push(misfit(name, &inspection, &error)),
        Ok(()) => diagnoses.extend(fault(host, name, bytes, &inspection)),
    }
    diagnoses.extend(debug_build(&inspection));
    diagnoses.extend(inspection.parts.iter().filter_map(|(part, size)| {
        let share = *size as f64 / bytes.len().max(1) as f64;
        needless(*part, name)
            .filter(|_| share > SHARE && *size > LEAST)
            .map(|cure| {
                let percent = (share * 100.0).round();
                let all = bytes.len();
                Diagnosis::mild(
                    format!("{size} of its {all} bytes ({percent} %) are {part}"),
                    cure,
                )
            })
    }));
    diagnoses
}

/// Why it does not fit the contract.
fn misfit(name: &str, inspection: &Inspection, error: &kumiki::Error) -> Diagnosis {
    if inspection.kind == Kind::CoreModule {
        return core_module::diagnose(name, inspection);
    }
    out_of_step::diagnose(inspection, error).unwrap_or_else(|| plainly(error))
}

/// What is wrong with a plugin that fits: it cannot be run, or it leaks.
fn fault(host: &TextHost, name: &str, bytes: &[u8], inspection: &Inspection) -> Option<Diagnosis> {
    let plugin = match host.load_bytes(name, bytes) {
        Ok(plugin) => plugin,
        Err(error) => {
            let known = out_of_step::diagnose(inspection, &error);
            return Some(known.unwrap_or_else(|| plainly(&error)));
        }
    };
    match Growth::measure(&plugin) {
        Ok(growth) if growth.is_leak() => Some(Diagnosis::severe(
            format!("it leaks: {growth}"),
            leak::cure(inspection),
        )),
        Ok(_) => None,
        Err(kumiki_text::Error::Host(kumiki::Error::Ungranted { missing, .. })) => {
            Some(Diagnosis::mild(
                format!(
                    "it requests `{}`, without which it is not started; whether it leaks was not \
                     tried",
                    missing
                        .iter()
                        .map(|request| request.what.to_string())
                        .collect::<Vec<_>>()
                        .join("`, `")
                ),
                format!("`kumiki check {name} --allow-requested` tries it with all of that"),
            ))
        }
        Err(error) => Some(Diagnosis::severe(
            error.to_string(),
            format!("`kumiki check {name}` says on which inputs"),
        )),
    }
}

fn debug_build(inspection: &Inspection) -> Option<Diagnosis> {
    let code = inspection
        .parts
        .iter()
        .find(|(part, _)| *part == Part::Code);
    let code = code.map_or(0, |(_, size)| *size);
    inspection.is_debug_build.then(|| {
        Diagnosis::mild(
            format!("it is a debug build: its {code} bytes of code check arithmetic for overflow"),
            "build it with `--release`; `kumiki build` does",
        )
    })
}

/// How to be rid of a part that a plugin does not need to run.
fn needless(part: Part, name: &str) -> Option<String> {
    let when = match part {
        Part::DebugInformation => "",
        Part::Names => "if backtraces need no names, ",
        _ => return None,
    };
    Some(format!(
        "{when}build without: `strip = true` in Cargo's profile, `-Wl,--strip-all` in C; or strip \
         what is built: `wasm-tools strip --all {name} -o {name}`"
    ))
}

/// What the library says, without more to add.
fn plainly(error: &kumiki::Error) -> Diagnosis {
    let mut fact = error.to_string();
    for cause in failure::causes(error) {
        fact.push_str(": ");
        fact.push_str(&cause);
    }
    Diagnosis::severe(fact, failure::hint(error).unwrap_or_default())
}

//! Examines a file that should be a plugin: whether it fits the contract, leaks
//! memory, or is larger than necessary.

use kumiki::inspect::{Inspection, Kind, Part};
use kumiki_text::{Growth, TextHost};

use super::{Diagnosis, core_module, leak, out_of_step};
use crate::failure;

/// A part is reported if it takes more than this share of the component
const SHARE: f64 = 0.1;
/// and more than this many bytes, because every component has some names.
const LEAST: usize = 4096;

/// Examines the bytes of a file called `name`. If they fit the contract, also
/// tests the plugin for leaks, which takes a few seconds.
pub(crate) fn examine(host: &TextHost, name: &str, bytes: &[u8]) -> Vec<Diagnosis> {
    let inspection = Inspection::of(bytes);
    let mut diagnoses = Vec::new();
    match host.check(name, bytes) {
        Err(error) => diagnoses.push(
            other_contract(name, &inspection).unwrap_or_else(|| misfit(name, &inspection, &error)),
        ),
        Ok(()) => diagnoses.extend(fault(host, name, bytes, &inspection)),
    }
    diagnoses.extend(debug_build(&inspection));
    diagnoses.extend(inspection.parts.iter().filter_map(|(part, size)| {
        let share = *size as f64 / bytes.len().max(1) as f64;
        removal(*part, name)
            .filter(|_| share > SHARE && *size > LEAST)
            .map(|fix| {
                let percent = (share * 100.0).round();
                let all = bytes.len();
                Diagnosis::mild(
                    format!("{size} of its {all} bytes ({percent} %) are {part}"),
                    fix,
                )
            })
    }));
    diagnoses
}

/// Whether a component exports something, but nothing of the text contract.
pub(crate) fn is_of_other_contract(inspection: &Inspection) -> bool {
    let exports = &inspection.interfaces.exports;
    let is_text = |export: &String| export.starts_with(out_of_step::CONTRACT);
    inspection.kind == Kind::Component && !exports.is_empty() && !exports.iter().any(is_text)
}

/// The diagnosis for a component of another contract. It may well be healthy.
pub(crate) fn other_contract(name: &str, inspection: &Inspection) -> Option<Diagnosis> {
    is_of_other_contract(inspection).then(|| {
        Diagnosis::mild(
            "this is a component of another contract; `kumiki check` and `kumiki doctor` test \
             only text plugins",
            format!("call its functions with `kumiki call {name}`"),
        )
    })
}

/// Explains why the file does not fit the contract.
fn misfit(name: &str, inspection: &Inspection, error: &kumiki::Error) -> Diagnosis {
    if inspection.kind == Kind::CoreModule {
        return core_module::diagnose(name, inspection);
    }
    out_of_step::diagnose(inspection, error).unwrap_or_else(|| from_error(error))
}

/// Finds what is wrong with a plugin that fits: it does not load, or it leaks.
fn fault(host: &TextHost, name: &str, bytes: &[u8], inspection: &Inspection) -> Option<Diagnosis> {
    let plugin = match host.load_bytes(name, bytes) {
        Ok(plugin) => plugin,
        Err(error) => {
            let known = out_of_step::diagnose(inspection, &error);
            return Some(known.unwrap_or_else(|| from_error(&error)));
        }
    };
    match Growth::measure(&plugin) {
        Ok(growth) if growth.is_leak() => Some(Diagnosis::severe(
            format!("it leaks: {growth}"),
            leak::fix(inspection),
        )),
        Ok(_) => None,
        Err(kumiki_text::Error::Host(kumiki::Error::Ungranted { missing, .. })) => {
            Some(Diagnosis::mild(
                format!(
                    "it requests `{}` and does not start without a grant; it was not tested for \
                     leaks",
                    missing
                        .iter()
                        .map(|request| request.permission.to_string())
                        .collect::<Vec<_>>()
                        .join("`, `")
                ),
                format!("run `kumiki check {name} --allow-requested` to test it with these grants"),
            ))
        }
        Err(error) => Some(Diagnosis::severe(
            error.to_string(),
            format!("run `kumiki check {name}` to see on which inputs"),
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
            "build it with `--release`, as `kumiki build` does",
        )
    })
}

/// How to remove a part that a plugin does not need to run; none if it needs it.
fn removal(part: Part, name: &str) -> Option<String> {
    let when = match part {
        Part::DebugInformation => "",
        Part::Names => "if backtraces need no names, ",
        _ => return None,
    };
    Some(format!(
        "{when}build without: `strip = true` in Cargo's profile, `-Wl,--strip-all` in C; or strip \
         the component: `wasm-tools strip --all {name} -o {name}`"
    ))
}

/// The library's error and hint, as a diagnosis.
fn from_error(error: &kumiki::Error) -> Diagnosis {
    let mut fact = error.to_string();
    for cause in failure::causes(error) {
        fact.push_str(": ");
        fact.push_str(&cause);
    }
    Diagnosis::severe(fact, failure::hint(error).unwrap_or_default())
}

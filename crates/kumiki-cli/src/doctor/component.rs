//! A file that should be a plugin: does it fit, and is it larger than it need
//! be?

use kumiki::inspect::{Inspection, Part};
use kumiki_text::TextHost;

use super::Diagnosis;
use crate::failure;

/// A part that costs more than this share of a component is worth a word.
const SHARE: f64 = 0.1;

/// Looks at the bytes of a file called `name`; runs nothing.
pub(crate) fn examine(host: &TextHost, name: &str, bytes: &[u8]) -> Vec<Diagnosis> {
    let inspection = Inspection::of(bytes);
    let mut diagnoses = Vec::new();
    if let Err(error) = host.check(name, bytes) {
        diagnoses.push(misfit(&inspection, &error));
    }
    for (part, size) in &inspection.parts {
        let cure = match part {
            Part::DebugInformation => {
                "build without it: `strip = true` in Cargo's profile, or `-Wl,--strip-all`"
            }
            Part::Names => {
                "strip it, if backtraces need no names: `strip = true` in Cargo's profile, or \
                 `-Wl,--strip-all`"
            }
            _ => continue,
        };
        let share = *size as f64 / bytes.len().max(1) as f64;
        if share > SHARE {
            let percent = (share * 100.0).round();
            diagnoses.push(Diagnosis::mild(
                format!(
                    "{part} is {size} of its {} bytes ({percent} %)",
                    bytes.len()
                ),
                cure,
            ));
        }
    }
    diagnoses
}

/// Why it does not fit; host and guest out of step have a diagnosis of their
/// own.
fn misfit(inspection: &Inspection, error: &kumiki::Error) -> Diagnosis {
    let newer = inspection
        .interfaces
        .imports
        .iter()
        .find(|name| name.starts_with("wasi:") && name.contains("@0.3."));
    match (newer, error) {
        (Some(import), kumiki::Error::UnknownImport { .. }) => Diagnosis::severe(
            format!("it imports `{import}` of WASI 0.3, and this host has WASI 0.2"),
            "build it for WASI 0.2: in Rust with `--target wasm32-wasip2`",
        ),
        _ => Diagnosis::severe(error.to_string(), failure::hint(error).unwrap_or_default()),
    }
}

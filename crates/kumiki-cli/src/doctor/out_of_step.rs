//! Diagnoses version mismatches: plugins built for interfaces that this host does
//! not have, of WASI or of the contract.

use kumiki::Error;
use kumiki::inspect::Inspection;

use super::Diagnosis;
use crate::failure;

/// Prefix of the contract's package.
pub(super) const CONTRACT: &str = "myapp:text-processor/";
/// The packages of WASI; `io` is in 0.2 only. Any other `wasi:` package is a proposal.
const WASI: [&str; 7] = [
    "cli",
    "clocks",
    "filesystem",
    "http",
    "io",
    "random",
    "sockets",
];

/// Explains a version mismatch, if the error is one.
pub(crate) fn diagnose(inspection: &Inspection, error: &Error) -> Option<Diagnosis> {
    match error {
        Error::UnknownImport { import, .. } if import.starts_with("wasi:") => Some(wasi(import)),
        Error::UnknownImport { import, .. } if import.starts_with(CONTRACT) => {
            Some(contract(import))
        }
        Error::Link { .. } => Some(newer_function(inspection, error)),
        _ if inspection.is_asynchronous => Some(asynchronous(error)),
        _ => None,
    }
}

/// The component has asynchronous functions, streams or futures, in the contract's
/// functions or elsewhere.
fn asynchronous(error: &Error) -> Diagnosis {
    Diagnosis::severe(
        format!("it uses asynchronous functions, and those of the contract may differ: {error}"),
        "build it with synchronous functions: `process` as in the contract, without `async` \
         in `wit_bindgen::generate!`, for `wasm32-wasip2`",
    )
}

/// The versions of WASI that this host has.
fn versions() -> String {
    format!(
        "WASI {} and {}",
        kumiki::WASI_VERSION,
        kumiki::WASI_0_3_VERSION
    )
}

/// The import is of WASI, and this host does not have it.
fn wasi(import: &str) -> Diagnosis {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    let package = interface
        .strip_prefix("wasi:")
        .and_then(|name| name.split('/').next())
        .unwrap_or_default();
    let is_draft = version.contains('-');
    let since = match version {
        _ if !WASI.contains(&package) => {
            format!("`wasi:{package}` is a proposal and in no release of WASI")
        }
        "" => "it has no version, and every WASI interface has one".into(),
        version if version.starts_with("0.3.") && is_draft => {
            "a draft from before WASI 0.3.0 (June 2026), compatible with no release".into()
        }
        version if version.starts_with("0.2.") && is_draft => {
            "a draft from before WASI 0.2.0 (January 2024), compatible with no release".into()
        }
        version if version.starts_with("0.3.") => {
            "no release of WASI 0.3 has it as a stable interface for plugins".into()
        }
        version if version.starts_with("0.2.") => {
            "no release of WASI 0.2 has it as a stable interface for plugins".into()
        }
        version => format!("its version is {version}, and this host has {}", versions()),
    };
    let fix = match package {
        "config" => "call the contract's own `get-config` instead",
        "logging" => "call the contract's own `log` instead",
        package if !WASI.contains(&package) => {
            "remove the import: a plugin gets its input, `log`, `get-config` and WASI"
        }
        _ if (version.starts_with("0.2.") || version.starts_with("0.3.")) && !is_draft => {
            "remove the import, or build the plugin without unstable WASI features"
        }
        _ => {
            "build it for WASI 0.2: in Rust with `--target wasm32-wasip2`, in other languages with \
             a release of the tool that builds components for WASI 0.2"
        }
    };
    Diagnosis::severe(
        format!("it imports `{import}`, which this host does not have: {since}"),
        fix,
    )
}

/// The import is from the contract's package, but not in the contract.
fn contract(import: &str) -> Diagnosis {
    let kumiki = env!("CARGO_PKG_VERSION");
    let fact = match import.split_once('@') {
        Some((_, version)) => {
            let version = version.split('#').next().unwrap_or(version);
            format!(
                "it imports `{import}`: it is built for version {version} of the contract, and \
                 the contract of this host (kumiki {kumiki}) has no version"
            )
        }
        None => format!(
            "it imports `{import}`, which the contract of this host (kumiki {kumiki}) does not have"
        ),
    };
    Diagnosis::severe(
        fact,
        "build it against this host's contract, the `wit/world.wit` that `kumiki new` writes, or \
         run it with a newer kumiki that has the import",
    )
}

/// The host has the interface, but not one of its functions.
fn newer_function(inspection: &Inspection, error: &Error) -> Diagnosis {
    let (host, versions) = (kumiki::WASI_VERSION, versions());
    let newest = ["0.2", "0.3"].map(|minor| newest_patch(inspection, minor));
    let made_for = newest.into_iter().flatten().collect::<Vec<_>>();
    let made_for = match made_for.is_empty() {
        true => String::new(),
        false => format!("; it is built for WASI {}", made_for.join(" and ")),
    };
    Diagnosis::severe(
        format!(
            "{error}: {}{made_for}, and this host has {versions}",
            failure::causes(error).join(": ")
        ),
        format!("build it with tools for WASI {host} or earlier, or run it with a newer kumiki"),
    )
}

/// The newest version with this start that the component imports.
fn newest_patch(inspection: &Inspection, minor: &str) -> Option<String> {
    let imports = inspection.interfaces.imports.iter();
    let patch = imports
        .filter(|import| import.starts_with("wasi:"))
        .filter_map(|import| import.rsplit_once(&format!("@{minor}.")))
        .filter_map(|(_, patch)| patch.parse::<u32>().ok())
        .max()?;
    Some(format!("{minor}.{patch}"))
}

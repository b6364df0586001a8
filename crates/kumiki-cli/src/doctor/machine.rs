//! Examines the machine: its toolchains and its sandbox; and the versions of WASI that
//! plugins may use.

use kumiki::Sandbox;
use kumiki_build::{Missing, Probe, Toolchain, Tools, Wasi};

use super::Diagnosis;

/// Probes every toolchain and the sandbox, and names the versions of WASI. Those that are
/// ready have a version.
pub(crate) fn examine(tools: &Tools) -> Vec<(&'static str, Result<String, Diagnosis>)> {
    let examine = |toolchain: Toolchain| {
        let found = match toolchain.probe(tools, Wasi::None) {
            Probe::Ready(ready) => Ok(format!("{} {}", ready.variant, ready.version)),
            Probe::Missing(missing) => {
                let fix = fix(toolchain, &missing);
                Err(Diagnosis::mild(missing.what, fix))
            }
        };
        (toolchain.name(), found)
    };
    let toolchains = Toolchain::ALL.into_iter().map(examine);
    let wasi = format!("{} and {}", kumiki::WASI_VERSION, kumiki::WASI_0_3_VERSION);
    toolchains
        .chain([("sandbox", sandbox()), ("WASI", Ok(wasi))])
        .collect()
}

/// How to install a toolchain: first with Kumiki, where that needs no root.
fn fix(toolchain: Toolchain, missing: &Missing) -> String {
    let by_hand = &missing.hint;
    if toolchain.tools().is_empty() || !missing.packages.is_empty() {
        return by_hand.clone();
    }
    format!("install it with `kumiki build FOLDER --install`; or by hand: {by_hand}")
}

/// The sandbox of the process, which contains a plugin that escapes WebAssembly.
fn sandbox() -> Result<String, Diagnosis> {
    let status = Sandbox::supported();
    match status.is_active() {
        true => Ok(status.to_string()),
        false => Err(Diagnosis::mild(
            status.to_string(),
            "use a newer kernel: plugins run without this second line of defence",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_installed_with_kumiki_first() {
        let missing = Missing {
            what: String::new(),
            hint: "by hand".to_owned(),
            packages: &[],
        };
        assert_eq!(
            fix(Toolchain::C, &missing),
            "install it with `kumiki build FOLDER --install`; or by hand: by hand"
        );
        assert_eq!(
            fix(Toolchain::Rust, &missing),
            "by hand",
            "needs a compiler"
        );
        let packages = Missing {
            packages: &["nodejs"],
            ..missing
        };
        assert_eq!(fix(Toolchain::JavaScript, &packages), "by hand");
    }
}

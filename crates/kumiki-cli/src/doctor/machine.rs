//! The machine: which languages plugins can be built in here, and what holds a
//! plugin that breaks out.

use kumiki::Sandbox;
use kumiki_build::{Probe, Toolchain, Tools, Wasi};

use super::Diagnosis;

/// Looks at every toolchain. What is ready comes with its version.
pub(crate) fn examine(tools: &Tools) -> Vec<(&'static str, Result<String, Diagnosis>)> {
    let examine = |toolchain: Toolchain| {
        let found = match toolchain.probe(tools, Wasi::None) {
            Probe::Ready(ready) => Ok(format!("{} {}", ready.way, ready.version)),
            Probe::Missing(missing) => Err(Diagnosis::mild(missing.what, missing.hint)),
        };
        (toolchain.name(), found)
    };
    let toolchains = Toolchain::ALL.into_iter().map(examine);
    toolchains.chain([("sandbox", sandbox())]).collect()
}

/// The second wall around plugins.
fn sandbox() -> Result<String, Diagnosis> {
    let status = Sandbox::supported();
    match status.is_active() {
        true => Ok(status.to_string()),
        false => Err(Diagnosis::mild(
            status.to_string(),
            "plugins run without a second wall; a newer kernel has one",
        )),
    }
}

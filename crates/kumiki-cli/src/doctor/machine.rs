//! Examines the machine: its toolchains and its sandbox.

use kumiki::Sandbox;
use kumiki_build::{Probe, Toolchain, Tools, Wasi};

use super::Diagnosis;

/// Probes every toolchain and the sandbox. Those that are ready have a version.
pub(crate) fn examine(tools: &Tools) -> Vec<(&'static str, Result<String, Diagnosis>)> {
    let examine = |toolchain: Toolchain| {
        let found = match toolchain.probe(tools, Wasi::None) {
            Probe::Ready(ready) => Ok(format!("{} {}", ready.variant, ready.version)),
            Probe::Missing(missing) => Err(Diagnosis::mild(missing.what, missing.hint)),
        };
        (toolchain.name(), found)
    };
    let toolchains = Toolchain::ALL.into_iter().map(examine);
    toolchains.chain([("sandbox", sandbox())]).collect()
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

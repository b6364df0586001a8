//! The machine: which languages plugins can be built in here.

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
    Toolchain::ALL.into_iter().map(examine).collect()
}

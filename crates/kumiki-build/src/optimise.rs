//! Makes a core module smaller, by Binaryen's wasm-opt.

use std::fs;
use std::path::Path;

use crate::command;
use crate::error::{Error, Missing};
use crate::install::node;
use crate::output::replace;
use crate::tool::Tool;
use crate::tools::Tools;

/// What compilers for WebAssembly use of late, which wasm-opt must be told. The
/// target-features section says less, and a stripped module has none.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// The version of wasm-opt, or that it is not there.
pub(crate) fn version(tools: &Tools) -> Result<String, Missing> {
    node()?;
    tools
        .node_version(Tool::Binaryen)
        .ok_or_else(|| tools.missing(Tool::Binaryen))
}

/// The same module, smaller. Custom sections stay, and with them what makes it
/// a component.
pub(crate) fn for_size(module: &[u8], tools: &Tools, work: &Path) -> Result<Vec<u8>, Error> {
    version(tools)?;
    let (from, to) = (work.join("large.wasm"), work.join("small.wasm"));
    replace(&from, module)?;
    let program = tools
        .folder(Tool::Binaryen)
        .join("node_modules/binaryen/bin/wasm-opt");
    let mut command = node()?;
    command.arg(program).arg("-Oz").args(FEATURES);
    command::run(command.arg(&from).arg("--output").arg(&to))?;
    fs::read(&to).map_err(Error::io("read", &to))
}

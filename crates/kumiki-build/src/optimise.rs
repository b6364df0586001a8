//! Shrinks core modules with Binaryen's wasm-opt.

use std::fs;
use std::path::Path;

use crate::command;
use crate::error::{Error, Missing};
use crate::install::node;
use crate::output::replace;
use crate::tool::Tool;
use crate::tools::Tools;

/// WebAssembly features that current compilers use and wasm-opt must enable.
/// The target-features section lists fewer, and a stripped module has none.
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

/// Returns the version of wasm-opt, or an error if it is not installed.
pub(crate) fn version(tools: &Tools) -> Result<String, Missing> {
    node()?;
    tools
        .node_version(Tool::Binaryen)
        .ok_or_else(|| tools.missing(Tool::Binaryen))
}

/// Optimises a module for size. Custom sections are kept, among them the
/// component type.
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

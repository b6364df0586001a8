//! The tools that build plugins.

use std::path::{PathBuf, absolute};

use kumiki_build::{RustCompiler, Tools};

use crate::failure::Failure;
use crate::folders::{self, variable};

/// The user's tools, shared by all of their plugins.
pub(crate) fn tools() -> Result<Tools, Failure> {
    let root = match variable("KUMIKI_TOOLS") {
        Some(root) => PathBuf::from(root),
        None => folders::cache()
            .map(|cache| cache.join("tools"))
            .ok_or_else(|| {
                Failure::usage(
                    "there is no home folder for tools",
                    "set KUMIKI_TOOLS to a folder",
                )
            })?,
    };
    // Absolute, because tools also run in other folders.
    let root = absolute(&root).unwrap_or(root);
    let rust = variable("KUMIKI_RUST").unwrap_or_default();
    let rust: RustCompiler = rust.to_string_lossy().parse().map_err(|error: String| {
        Failure::usage(
            format!("KUMIKI_RUST: {error}"),
            "set KUMIKI_RUST to one of them, or unset it",
        )
    })?;
    Ok(Tools::new(root).with_rust(rust))
}

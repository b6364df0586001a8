//! What a cargo command has built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::step::line;

/// The names and paths of the programs, shared libraries and modules that cargo built.
pub(super) struct Made(Vec<(String, PathBuf)>);

impl Made {
    pub(super) fn find(&self, name: &str) -> Result<PathBuf> {
        let found = self.0.iter().find(|(made, _)| made == name);
        let path = found.map(|(_, path)| path.clone());
        path.with_context(|| format!("cargo did not build `{name}`"))
    }
}

/// Runs cargo and returns what it built.
pub(super) fn executables(cargo: &mut Command) -> Result<Made> {
    cargo
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    let child = cargo
        .spawn()
        .with_context(|| format!("cannot run `{}`", line(cargo)))?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("`{}` failed ({})", line(cargo), output.status);
    }
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let made = messages.filter_map(|message| {
        let name = message["target"]["name"].as_str()?.to_owned();
        let files = message["filenames"].as_array()?.iter();
        let files = files.filter_map(Value::as_str).map(Path::new);
        let is_library = |file: &&Path| {
            let extension = file.extension().unwrap_or_default();
            extension == std::env::consts::DLL_EXTENSION || extension == "wasm"
        };
        let file = message["executable"]
            .as_str()
            .map(Path::new)
            .or_else(|| files.clone().find(is_library))?;
        Some((name, file.to_owned()))
    });
    Ok(Made(made.collect()))
}

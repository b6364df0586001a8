//! Builds and starts the programs that are measured: Kumiki and its peers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::skipped::Skipped;
use super::{How, peers};
use crate::place::Place;
use crate::step::{line, step};

/// Paths of the programs that the benchmark starts.
pub(crate) struct Programs {
    /// `kumiki` itself.
    pub(crate) kumiki: PathBuf,
    /// Kumiki and hand-written wasmtime code, as contenders.
    contender: PathBuf,
    pub(crate) peers: peers::Peers,
    /// The output folder of the benchmark.
    pub(crate) folder: PathBuf,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Programs {
    /// Builds Kumiki and its peers. Peers that cannot be built are `skipped`.
    pub(super) fn build(place: &Place, how: How, skipped: &mut Skipped) -> Result<Self> {
        let folder = place.target.join("bench");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let peers = peers::build(place, skipped);
        let (kumiki, contender) = step("Kumiki", || ours(place, how))?;
        Ok(Self {
            kumiki,
            contender,
            peers,
            environment: vec![
                ("KUMIKI_PLUGINS", place.plugins()),
                ("KUMIKI_FIXTURES", place.fixtures()),
                ("KUMIKI_CACHE", folder.join("artifacts")),
                ("KUMIKI_BENCH", folder.clone()),
                ("KUMIKI_BENCH_GUESTS", place.guests()),
                ("KUMIKI_BENCH_PEERS", place.root.join("benches/peers")),
            ],
            folder,
        })
    }

    /// Returns the command that starts a contender.
    ///
    /// # Errors
    /// Returns why it is skipped.
    pub(crate) fn command(&self, contender: &str) -> Result<Command, String> {
        let natives = || self.peers.natives.as_ref().map_err(Clone::clone);
        let mut command = match contender {
            "extism" => {
                let extism = self.peers.extism.as_ref().map_err(Clone::clone)?;
                let mut command = Command::new(&extism.contender);
                command.env("KUMIKI_BENCH_EXTISM", &extism.guest);
                command
            }
            "quickjs" | "lua" => Command::new(&natives()?.script),
            "in-process" | "memcpy" | "dylib" | "pipe" | "python" => {
                let mut command = Command::new(&natives()?.native);
                command.env("KUMIKI_BENCH_DYLIB", &natives()?.dylib);
                command
            }
            _ => Command::new(&self.contender),
        };
        command.arg(contender);
        self.add_environment(&mut command);
        Ok(command)
    }

    pub(crate) fn add_environment(&self, command: &mut Command) {
        for (name, path) in &self.environment {
            command.env(name, path);
        }
    }
}

/// Builds the program and the contender with the same selection as the tests, so that
/// cargo compiles dependencies once.
fn ours(place: &Place, how: How) -> Result<(PathBuf, PathBuf)> {
    let mut cargo = place.cargo();
    cargo.args(["build", "--workspace"]);
    if !how.dev {
        cargo.arg("--release");
    }
    cargo.args(["--bin", "kumiki", "--bench", "contender"]);
    let made = executables(&mut cargo)?;
    Ok((made.find("kumiki")?, made.find("contender")?))
}

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

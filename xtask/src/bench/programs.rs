//! Builds and starts the programs that are measured: Kumiki and its peers.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::made::executables;
use super::skipped::Skipped;
use super::{How, peers};
use crate::place::Place;
use crate::step::step;

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

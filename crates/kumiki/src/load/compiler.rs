//! The compiler: in this process, or in a child process with limits.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::compiled::Compiled;
use super::isolation::CompileCommand;
use super::machine_code::MachineCode;
use crate::{Engine, Error, Result};

/// Compiles one component and the core modules that it shares, within one time limit.
pub(super) struct Compiler<'a> {
    pub(super) engine: &'a Engine,
    command: Option<&'a CompileCommand>,
    /// The plugin's name, for errors.
    pub(super) plugin: &'a str,
    /// How long it has compiled so far. Waiting for a lock does not count.
    spent: Cell<Duration>,
}

impl<'a> Compiler<'a> {
    /// `command` compiles in a child process.
    pub(super) fn new(
        engine: &'a Engine,
        command: Option<&'a CompileCommand>,
        plugin: &'a str,
    ) -> Self {
        Self {
            engine,
            command,
            plugin,
            spent: Cell::default(),
        }
    }

    /// Compiles a component or a core module.
    pub(super) fn compile<C: MachineCode>(&self, bytes: &[u8]) -> Result<Compiled<C>> {
        let Some(command) = self.command else {
            let code = C::compile(self.engine.as_wasmtime(), bytes);
            return code
                .map(Compiled::Code)
                .map_err(|source| Error::compile(self.plugin, source));
        };
        let (config, spent, start) = (self.engine.config(), self.spent.get(), Instant::now());
        let artifact = command.compile::<C>(self.plugin, bytes, config, spent)?;
        self.spent.set(spent + start.elapsed());
        Ok(Compiled::Artifact(artifact))
    }

    /// Loads what was compiled.
    pub(super) fn load<C: MachineCode>(&self, compiled: Compiled<C>) -> Result<C> {
        compiled
            .into_code(self.engine.as_wasmtime())
            .map_err(|source| Error::compile(self.plugin, source))
    }
}

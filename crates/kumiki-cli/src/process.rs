//! Settings of the whole process: its compiler, its memory budget and its
//! sandbox.

use std::time::Duration;

use clap::Args;
use kumiki::{Budget, CompileCommand};

use crate::failure::Failure;
use crate::limits::{size, time};

/// The hidden subcommand that compiles a component for a parent process.
pub(crate) const COMPILE: &str = "compile-for-parent";

/// Settings of the whole process.
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessArguments {
    #[command(flatten)]
    memory: MemoryArguments,

    /// Disable the sandbox. On Linux, the process restricts itself to the files
    /// and ports that this run needs before it runs a plugin
    #[arg(long)]
    pub(crate) no_sandbox: bool,

    #[command(flatten)]
    pub(crate) compile: CompileArguments,
}

impl ProcessArguments {
    /// The memory budget of all plugins together.
    pub(crate) fn budget(&self) -> Budget {
        self.memory.budget()
    }
}

/// The memory of all plugins together.
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct MemoryArguments {
    /// Maximum memory of all plugins together [default: three quarters of the
    /// memory of this machine or container]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    total_memory: Option<usize>,
}

impl MemoryArguments {
    /// The memory budget of all plugins together.
    pub(crate) fn budget(&self) -> Budget {
        self.total_memory
            .map_or_else(Budget::of_process, Budget::new)
    }
}

/// How plugins are compiled.
#[derive(Args)]
pub(crate) struct CompileArguments {
    /// Maximum memory for compiling one plugin, in a separate process
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size)]
    compile_memory: usize,

    /// Maximum time for compiling one plugin
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    compile_time: Duration,
}

impl CompileArguments {
    /// The command that compiles plugins: this program, with these limits.
    pub(crate) fn command(&self) -> Result<CompileCommand, Failure> {
        Ok(command()?
            .with_memory(self.compile_memory as u64)
            .with_time(self.compile_time))
    }
}

/// The command that compiles plugins: this program, with the default limits.
pub(crate) fn command() -> Result<CompileCommand, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        let failure =
            Failure::failed("cannot find this program's own file, which compiles plugins");
        failure.because(error)
    })?;
    Ok(CompileCommand::new(program).arg(COMPILE))
}

//! What the process as a whole may use: how it compiles, how much memory all
//! plugins have together, and whether it is restricted.

use std::time::Duration;

use clap::Args;
use kumiki::{Budget, CompileCommand};

use crate::failure::Failure;
use crate::limits::{size, time};

/// The word that has this program compile for another one.
pub(crate) const COMPILE: &str = "compile-for-parent";

/// What holds for the whole process.
#[derive(Args)]
#[command(next_help_heading = "The process as a whole")]
pub(crate) struct ProcessArguments {
    /// The most memory that all plugins may hold together [default: three
    /// quarters of what this machine or container has]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    total_memory: Option<usize>,

    /// Do without the second wall: on Linux, the process restricts itself to
    /// the files and ports that this run needs before it runs a plugin
    #[arg(long)]
    pub(crate) no_sandbox: bool,

    #[command(flatten)]
    pub(crate) compile: CompileArguments,
}

impl ProcessArguments {
    /// How much all plugins may use together.
    pub(crate) fn budget(&self) -> Budget {
        self.total_memory
            .map_or_else(Budget::of_process, Budget::new)
    }
}

/// How plugins are compiled.
#[derive(Args)]
pub(crate) struct CompileArguments {
    /// The most memory that compiling one plugin may take, in a process of its own
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size)]
    compile_memory: usize,

    /// The longest that compiling one plugin may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    compile_time: Duration,
}

impl CompileArguments {
    /// This program, as what compiles plugins.
    pub(crate) fn command(&self) -> Result<CompileCommand, Failure> {
        Ok(command()?
            .with_memory(self.compile_memory as u64)
            .with_time(self.compile_time))
    }
}

/// This program, as what compiles plugins.
pub(crate) fn command() -> Result<CompileCommand, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        let failure = Failure::failed("cannot find this program's own file, to compile with");
        failure.because(error)
    })?;
    Ok(CompileCommand::new(program).arg(COMPILE))
}

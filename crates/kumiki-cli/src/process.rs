//! What the process as a whole may use: how it compiles, how much memory all
//! plugins have together, and whether it is restricted.

use std::time::Duration;

use clap::{Args, ValueEnum};
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
    /// Which plugins to compile in a process of their own, within the limits
    /// below: `all`, `large` ones (4 MiB of code or more), or `none`
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_value = "all",
        default_missing_value = "all"
    )]
    isolate_compile: Isolated,

    /// The most memory that compiling one plugin may take there
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size)]
    compile_memory: usize,

    /// The longest that compiling one plugin may take there
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    compile_time: Duration,
}

/// Bytes of code of a large plugin.
const LARGE: usize = 4 << 20;

/// Which plugins are compiled in a process of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Isolated {
    /// Those with much code
    Large,
    /// All of them
    All,
    /// None
    None,
}

impl CompileArguments {
    /// This program, as what compiles; none where nothing is isolated.
    pub(crate) fn command(&self) -> Result<Option<CompileCommand>, Failure> {
        if self.isolate_compile == Isolated::None {
            return Ok(None);
        }
        let command = command()?
            .with_memory(self.compile_memory as u64)
            .with_time(self.compile_time);
        Ok(Some(match self.isolate_compile {
            Isolated::Large => command.with_code(LARGE),
            _ => command,
        }))
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

//! Compilation in a separate process: a component that needs too much memory or time to
//! compile, or that crashes the compiler, ends that process and not this one.
//!
//! The embedder names the program to run as the child process; it calls
//! [`CompileCommand::serve`]. Requests and answers pass through its standard input and
//! output ([`protocol`]). The child limits and restricts itself before it reads the
//! component ([`child`]); the parent enforces the time limit and the maximum size of the
//! answer ([`parent`]).

mod child;
mod parent;
mod protocol;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The command that compiles components in a separate process, with limits, for
/// [`HostBuilder::compile_with`]. Without one, a host compiles in its own process, with
/// no limit on memory or time.
///
/// Most programs name themselves, and check for the argument first in `main`:
///
/// ```no_run
/// use std::env;
/// use std::process::ExitCode;
/// use kumiki::CompileCommand;
///
/// fn main() -> ExitCode {
///     if env::args().nth(1).as_deref() == Some("compile") {
///         return CompileCommand::serve();
///     }
///     let program = env::current_exe().expect("this program's own file");
///     let command = CompileCommand::new(program).arg("compile");
///     // TextHost::builder().compile_with(command).build() ...
///     ExitCode::SUCCESS
/// }
/// ```
///
/// [`HostBuilder::compile_with`]: crate::HostBuilder::compile_with
#[derive(Clone, Debug)]
pub struct CompileCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
    memory: u64,
    time: Duration,
}

impl CompileCommand {
    /// Creates a command that runs this program without arguments. The limits for each
    /// component are 4 GiB of memory and 5 minutes.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            memory: 4 << 30,
            time: Duration::from_mins(5),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets the memory limit for one component, in bytes. Default: 4 GiB. Enforced with
    /// `RLIMIT_DATA`, on Unix only.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets the time limit for one component. Default: 5 minutes.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Runs the child process: compiles the component on standard input, writes the
    /// result to standard output, and returns the code to exit with. Call it before any
    /// thread is started. It restricts the process permanently, so the program must exit
    /// afterwards.
    #[must_use]
    pub fn serve() -> ExitCode {
        child::serve()
    }
}

//! Compiling in a process of its own, so that a component which takes too much
//! memory or time to compile, or which the compiler itself fails at, ends that
//! process and not this one.
//!
//! The other process is a program that the embedder names; it calls
//! [`CompileCommand::serve`]. What it gets and gives goes through its standard
//! input and output ([`protocol`]). It limits and restricts itself before it
//! reads the component ([`child`]); who started it keeps the time and reads no
//! more than it must ([`parent`]).

mod child;
mod parent;
mod protocol;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The program that compiles components in a process of its own, and what it
/// may use, for [`HostBuilder::compile_with`]. Without one, a host compiles in
/// its own process, whose memory and time nothing bounds then.
///
/// Most programs name themselves, and look for the argument first thing:
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
    /// This program, without arguments. Each component may take 4 GiB of memory and
    /// 5 minutes.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            memory: 4 << 30,
            time: Duration::from_mins(5),
        }
    }

    /// The same with one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The same with another number of bytes of memory for one component. Kept
    /// by `RLIMIT_DATA`, on Unix only.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// The same with another time for one component.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// What the named program does: compiles the component that it gets on its
    /// standard input, writes what comes of it to its standard output, and
    /// returns the code to exit with. Call it first thing, before any thread is
    /// started; the process is restricted from then on, and of no other use.
    #[must_use]
    pub fn serve() -> ExitCode {
        child::serve()
    }
}

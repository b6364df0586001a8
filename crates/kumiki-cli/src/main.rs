//! The program `kumiki`: builds plugins and runs them over text, files and
//! streams.
//!
//! Only this crate deals with terminals, colours and exit codes. The exit codes
//! are: 0 success, 1 some plugin or record failed, 2 usage error.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator;
mod allowed;
mod arguments;
mod artifacts;
mod commands;
mod console;
mod doctor;
mod failure;
mod folders;
mod formats;
mod grants;
mod input_files;
mod limit_flags;
mod limits;
mod loading;
mod own_files;
mod process;
mod prompt;
mod requests;
mod sandbox;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use kumiki::CompileCommand;

use arguments::{Arguments, CacheArguments, Command};

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    allocator::keep_buffers();
    let Arguments { command } = Arguments::parse();
    let outcome = match command {
        Command::New(arguments) => commands::new::new(&arguments),
        Command::Build(arguments) if arguments.watch => commands::watch::watch(&arguments),
        Command::Build(arguments) => commands::build::build(&arguments),
        Command::Dev(arguments) => commands::dev::dev(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Cache(CacheArguments { command }) => commands::cache::cache(&command),
        Command::Call(arguments) => commands::call::call(&arguments),
        Command::Inspect(arguments) => commands::inspect::inspect(&arguments),
        Command::Check(arguments) => commands::check::check(&arguments),
        Command::Doctor(arguments) => commands::doctor::doctor(&arguments),
        Command::Thin(arguments) => commands::thin::thin(&arguments),
        Command::Fat(arguments) => commands::thin::fat(&arguments),
        Command::CompileForParent => return CompileCommand::serve(),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            console::print_failure(&failure);
            failure.exit_code()
        }
    }
}

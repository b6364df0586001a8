//! Reports the progress, outcome and duration of steps.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// Runs `work` and reports its start, outcome and duration under `name`.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("xtask: {name} …");
    let start = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "failed" };
    eprintln!(
        "xtask: {name} {outcome} ({:.1} s)",
        start.elapsed().as_secs_f32()
    );
    result
}

/// Runs a program with inherited output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Returns the command line as typed in a shell.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Prints a result to standard output, so that it can be piped.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn show(text: &str) {
    println!("{text}");
}

//! Says what is being done, how it went and how long it took.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// Does `work` under a `name`. What takes no time is said in one line when it is
/// done; so that a long silence is never unexplained, the start is said too.
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

/// Runs a program that speaks for itself.
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

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Prints a result, which is for whoever asked for it and may be piped on.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(crate) fn show(text: &str) {
    println!("{text}");
}

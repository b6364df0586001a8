//! Runs child processes and captures their output.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::Error;

/// Runs `command` and returns its output. If it fails, the error holds the full
/// output.
pub(crate) fn run(command: &mut Command) -> Result<Output, Error> {
    let output = start(command)?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(failed(command, &output))
    }
}

/// Like [`run`], but returns the output of a failed program as well.
pub(crate) fn start(command: &mut Command) -> Result<Output, Error> {
    let program = Path::new(command.get_program()).to_owned();
    command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("run", &program))
}

/// The error for a `command` that exited unsuccessfully with this `output`.
pub(crate) fn failed(command: &Command, output: &Output) -> Error {
    Error::Failed {
        program: command.get_program().to_string_lossy().into_owned(),
        status: output.status.to_string(),
        output: text(&output.stdout) + &text(&output.stderr),
    }
}

/// Probes for a program: returns its trimmed standard output if it exists and
/// succeeds.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    run(command)
        .ok()
        .map(|output| text(&output.stdout).trim().to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! Runs other programs: quietly, and with all that they said on failure.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::Error;

/// Runs `command` to its end. What it printed comes back; a failure carries it
/// whole.
pub(crate) fn run(command: &mut Command) -> Result<Output, Error> {
    let output = start(command)?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(failed(command, &output))
    }
}

/// Like [`run`], for callers who can use the output of a program that failed.
pub(crate) fn start(command: &mut Command) -> Result<Output, Error> {
    let program = Path::new(command.get_program()).to_owned();
    command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("run", &program))
}

/// The error of a `command` that ended badly with this `output`.
pub(crate) fn failed(command: &Command, output: &Output) -> Error {
    Error::Failed {
        program: command.get_program().to_string_lossy().into_owned(),
        status: output.status.to_string(),
        output: text(&output.stdout) + &text(&output.stderr),
    }
}

/// The trimmed standard output of a program that is there and succeeds: how
/// things are probed.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    run(command)
        .ok()
        .map(|output| text(&output.stdout).trim().to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

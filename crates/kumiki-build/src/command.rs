//! Runs child processes and captures their output.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

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

/// Answers that programs have given, by their command line.
static ANSWERS: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Probes for a program: returns its trimmed standard output if it exists and
/// succeeds. Each answer is kept as long as this process runs, because each build
/// probes its toolchain again; a failed probe is repeated.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let line = format!("{command:?}");
    let kept = || ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = kept().as_ref().and_then(|answers| answers.get(&line)) {
        return Some(answer.clone());
    }
    // Not locked while the program runs.
    let output = run(command).ok()?;
    let answer = text(&output.stdout).trim().to_owned();
    kept().get_or_insert_default().insert(line, answer.clone());
    Some(answer)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_answers_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("answer");
        let ask = || answer(Command::new("cat").arg(&file));
        assert_eq!(ask(), None, "no file yet");
        fs::write(&file, "one\n").unwrap();
        assert_eq!(ask().as_deref(), Some("one"));
        fs::remove_file(&file).unwrap();
        assert_eq!(ask().as_deref(), Some("one"), "kept");
    }
}

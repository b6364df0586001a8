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
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = groups::spawn(command).and_then(groups::Running::finish);
    output.map_err(Error::io("run", &program))
}

#[cfg(unix)]
pub use groups::{group_tools, stop_tools};

/// Tools and their children, such as cargo and the compilers that it starts, in process
/// groups of their own, so that they can be stopped together.
#[cfg(unix)]
mod groups {
    use std::collections::BTreeSet;
    use std::io;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Output};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

    /// The time that tools have to end by themselves.
    const GRACE: Duration = Duration::from_secs(1);

    static GROUPS: Mutex<Groups> = Mutex::new(Groups {
        is_on: false,
        is_stopped: false,
        running: BTreeSet::new(),
    });

    struct Groups {
        /// Whether tools are started in their own groups.
        is_on: bool,
        is_stopped: bool,
        /// The groups of running tools, named by their first process.
        running: BTreeSet<i32>,
    }

    fn groups() -> MutexGuard<'static, Groups> {
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts each tool in its own process group from now on. A signal to the group of
    /// this program, such as Ctrl-C on a terminal, no longer reaches the tools: handle it
    /// with [`stop_tools`].
    pub fn group_tools() {
        groups().is_on = true;
    }

    /// Stops all tools and their children, with SIGTERM and after a second with SIGKILL.
    /// It is for the end of a program: builds that run do not return any more, and no
    /// tool is started any more.
    pub fn stop_tools() {
        let running = {
            let mut groups = groups();
            groups.is_stopped = true;
            groups.running.clone()
        };
        let running: Vec<_> = running.into_iter().filter_map(Pid::from_raw).collect();
        for group in &running {
            // It may have ended.
            let _ = kill_process_group(*group, Signal::TERM);
        }
        let deadline = Instant::now() + GRACE;
        let is_running = |group: &Pid| test_kill_process_group(*group).is_ok();
        while running.iter().any(is_running) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        for group in running {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// A tool that has been started.
    pub(super) struct Running {
        child: Child,
        group: i32,
    }

    pub(super) fn spawn(command: &mut Command) -> io::Result<Running> {
        // Locked until the group is known, so that no tool is missed.
        let mut groups = groups();
        if groups.is_stopped {
            drop(groups);
            wait_for_end();
        }
        if groups.is_on {
            command.process_group(0);
        }
        let child = command.spawn()?;
        let group = child.id().cast_signed();
        if groups.is_on {
            groups.running.insert(group);
        }
        Ok(Running { child, group })
    }

    impl Running {
        pub(super) fn finish(self) -> io::Result<Output> {
            let output = self.child.wait_with_output();
            let mut groups = groups();
            groups.running.remove(&self.group);
            if groups.is_stopped {
                drop(groups);
                // Its failure is no error of the build.
                wait_for_end();
            }
            output
        }
    }

    /// Waits for the end of the program.
    fn wait_for_end() -> ! {
        loop {
            thread::park();
        }
    }
}

#[cfg(not(unix))]
mod groups {
    use std::io;
    use std::process::{Child, Command, Output};

    pub(super) struct Running(Child);

    pub(super) fn spawn(command: &mut Command) -> io::Result<Running> {
        command.spawn().map(Running)
    }

    impl Running {
        pub(super) fn finish(self) -> io::Result<Output> {
            self.0.wait_with_output()
        }
    }
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

//! The parent process, which starts the child and reads its answer.

use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::CompileCommand;
use super::protocol::{Answer, Request};
use crate::load::machine_code::MachineCode;
use crate::{EngineConfig, Error, Limit, Result};

/// The maximum size of an artifact, in bytes: this many for each byte of the component,
/// plus a constant, up to an absolute maximum.
const ARTIFACT_PER_BYTE: u64 = 64;
const ARTIFACT_BASE: u64 = 64 << 20;
const ARTIFACT_MAX: u64 = 1 << 30;

/// The maximum number of bytes read from the process's standard error.
const STDERR: u64 = 4 << 10;
/// The message of Rust programs that abort because an allocation failed.
const NO_MEMORY: &str = "memory allocation of";

/// The output of the process: its answer, and the text on its standard error.
struct Output {
    answer: io::Result<Answer>,
    stderr: String,
}

impl CompileCommand {
    /// Compiles a component or a core module in a child process; returns its artifact.
    /// `config` is that of the engine, and `spent` is how much of the time limit is used up
    /// already.
    ///
    /// # Errors
    /// [`Error::Limit`] when compiling exceeds a limit; [`Error::Compile`] when the
    /// component cannot be compiled; [`Error::CompileProcess`] when the process cannot be
    /// started or does not answer.
    pub(crate) fn compile<C: MachineCode>(
        &self,
        plugin: &str,
        bytes: &[u8],
        config: &EngineConfig,
        spent: Duration,
    ) -> Result<Vec<u8>> {
        let length = bytes.len() as u64;
        let time = self.time.saturating_sub(spent);
        let request = Request {
            is_module: C::IS_MODULE,
            fuel: config.fuel,
            concurrency: config.concurrency,
            memory: self.memory,
            time,
            length,
        };
        let cannot = |error: io::Error| {
            let program = self.program.display();
            self.error(plugin, format!("cannot start `{program}`: {error}"))
        };
        let mut child = self.start().map_err(cannot)?;
        let most = length
            .saturating_mul(ARTIFACT_PER_BYTE)
            .saturating_add(ARTIFACT_BASE)
            .min(ARTIFACT_MAX);
        let output = exchange(&mut child, request, bytes, most);
        let output = output.map(|output| output.recv_timeout(time));
        // It has answered, or its time is over.
        let _ = child.kill();
        let status = child.wait();
        match output.map_err(cannot)? {
            Ok(output) => self.interpret(plugin, output, status),
            Err(RecvTimeoutError::Timeout) => Err(self.too_long(plugin)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(self.error(plugin, "the thread that reads its answer ended".into()))
            }
        }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// Returns the artifact in the process's output, or the error that the output and the
    /// exit status indicate.
    fn interpret(
        &self,
        plugin: &str,
        output: Output,
        status: io::Result<ExitStatus>,
    ) -> Result<Vec<u8>> {
        let Output { answer, stderr } = output;
        match answer {
            Ok(Answer::Compiled(artifact)) => Ok(artifact),
            Ok(Answer::OutOfMemory) => Err(self.too_much(plugin)),
            Ok(Answer::Failed(message)) => {
                Err(Error::compile(plugin, wasmtime::Error::msg(message)))
            }
            Err(_) if stderr.contains(NO_MEMORY) => Err(self.too_much(plugin)),
            Err(_) if status.as_ref().is_ok_and(is_out_of_time) => Err(self.too_long(plugin)),
            Err(error) => {
                let ended = match status {
                    Ok(status) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        format!("it ended early ({status})")
                    }
                    _ => error.to_string(),
                };
                let message = match stderr.lines().find(|line| !line.trim().is_empty()) {
                    Some(line) => format!("{ended}; standard error: {line}"),
                    None => ended,
                };
                Err(self.error(plugin, message))
            }
        }
    }

    fn too_long(&self, plugin: &str) -> Error {
        limit(plugin, Limit::CompileTime(self.time))
    }

    fn too_much(&self, plugin: &str) -> Error {
        let memory = usize::try_from(self.memory).unwrap_or(usize::MAX);
        limit(plugin, Limit::CompileMemory(memory))
    }

    fn error(&self, plugin: &str, message: String) -> Error {
        Error::CompileProcess {
            plugin: plugin.into(),
            message,
        }
    }
}

fn limit(plugin: &str, limit: Limit) -> Error {
    Error::Limit {
        plugin: plugin.into(),
        function: "compile".into(),
        limit,
    }
}

/// Sends the request and receives the output on two separate threads. They are not
/// joined: another process that holds the other ends of the pipes cannot delay the caller.
fn exchange(
    child: &mut Child,
    request: Request,
    bytes: &[u8],
    most: u64,
) -> io::Result<Receiver<Output>> {
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("its standard streams are not pipes"));
    };
    let bytes = bytes.to_vec();
    let writer = thread::Builder::new().name("compile request".into());
    // A failed write is ignored: a process that ended early has reported the reason.
    writer.spawn(move || drop(send(input, request, &bytes)))?;
    let (sender, receiver) = channel();
    let reader = thread::Builder::new().name("compile answer".into());
    reader.spawn(move || drop(sender.send(receive(output, errors, most))))?;
    Ok(receiver)
}

fn send(mut input: ChildStdin, request: Request, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;

    request.write(&mut input)?;
    input.write_all(bytes)
}

fn receive(mut output: ChildStdout, errors: ChildStderr, most: u64) -> Output {
    let answer = Answer::read(&mut output, most);
    let mut stderr = Vec::new();
    // Only if the process has ended: otherwise reading could block forever.
    if matches!(&answer, Err(error) if error.kind() == io::ErrorKind::UnexpectedEof) {
        let _ = errors.take(STDERR).read_to_end(&mut stderr);
    }
    Output {
        answer,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Returns whether the system ended the process because of its processor time.
#[cfg(unix)]
fn is_out_of_time(status: &ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;

    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

#[cfg(not(unix))]
fn is_out_of_time(_: &ExitStatus) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    /// Set in the process that runs out of memory.
    const CHILD: &str = "KUMIKI_TEST_OUT_OF_MEMORY";

    /// [`NO_MEMORY`] is a message of Rust's standard library, and the only sign of the
    /// cause that an aborted process leaves.
    #[test]
    fn failed_allocation_is_detected_by_its_message() {
        if env::var_os(CHILD).is_some() {
            let bytes = vec![1_u8; isize::MAX as usize];
            unreachable!("allocated {} bytes", bytes.len());
        }
        let test = concat!(
            module_path!(),
            "::failed_allocation_is_detected_by_its_message"
        );
        let (_, test) = test.split_once("::").unwrap();
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && stderr.contains(NO_MEMORY),
            "{stderr}"
        );
    }
}

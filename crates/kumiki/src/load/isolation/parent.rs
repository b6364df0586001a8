//! The process that has a component compiled.

use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use super::CompileCommand;
use super::protocol::{Answer, Request};
use crate::{Error, Limit, Result};

/// The most that an artifact may be, in bytes for each byte of the component,
/// besides what every artifact has, and of the largest one.
const EACH: u64 = 64;
const BESIDES: u64 = 64 << 20;
const LARGEST: u64 = 1 << 30;

/// How much of what the process says on its standard error is read, in bytes.
const SAID: u64 = 4 << 10;
/// How Rust's programs say that an allocation failed, and ended them.
const NO_MEMORY: &str = "memory allocation of";

/// What was read of a process: its answer, and what it said besides.
struct Heard {
    answer: io::Result<Answer>,
    said: String,
}

impl CompileCommand {
    /// Has a component compiled; gives its artifact.
    ///
    /// # Errors
    /// [`Error::Limit`] when that takes too much; [`Error::Compile`] when it
    /// cannot be compiled; [`Error::CompileProcess`] when there is no such
    /// process, or it gives no answer.
    pub(crate) fn compile(&self, plugin: &str, component: &[u8], fuel: bool) -> Result<Vec<u8>> {
        let length = component.len() as u64;
        let request = Request {
            fuel,
            memory: self.memory,
            time: self.time,
            length,
        };
        let cannot = |error: io::Error| {
            let program = self.program.display();
            self.error(plugin, format!("cannot start `{program}`: {error}"))
        };
        let mut child = self.start().map_err(cannot)?;
        let most = length
            .saturating_mul(EACH)
            .saturating_add(BESIDES)
            .min(LARGEST);
        let heard = exchange(&mut child, request, component, most);
        let heard = heard.map(|heard| heard.recv_timeout(self.time));
        // It has answered, or never will.
        let _ = child.kill();
        let status = child.wait();
        match heard.map_err(cannot)? {
            Ok(heard) => self.judge(plugin, heard, status),
            Err(RecvTimeoutError::Timeout) => Err(self.too_long(plugin)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(self.error(plugin, "nobody listens to it".into()))
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

    /// What the answer means, or that there is none.
    fn judge(&self, plugin: &str, heard: Heard, status: io::Result<ExitStatus>) -> Result<Vec<u8>> {
        let Heard { answer, said } = heard;
        match answer {
            Ok(Answer::Compiled(artifact)) => Ok(artifact),
            Ok(Answer::OutOfMemory) => Err(self.too_much(plugin)),
            Ok(Answer::Failed(message)) => {
                Err(Error::compile(plugin, wasmtime::Error::msg(message)))
            }
            Err(_) if said.contains(NO_MEMORY) => Err(self.too_much(plugin)),
            Err(_) if status.as_ref().is_ok_and(is_out_of_time) => Err(self.too_long(plugin)),
            Err(error) => {
                let ended = match status {
                    Ok(status) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        format!("it ended early ({status})")
                    }
                    _ => error.to_string(),
                };
                let message = match said.lines().find(|line| !line.trim().is_empty()) {
                    Some(said) => format!("{ended}; it said: {said}"),
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

/// Writes and reads on threads of their own, which are not waited for: whoever
/// holds the other ends of the pipes, nobody here waits longer than they must.
fn exchange(
    child: &mut Child,
    request: Request,
    component: &[u8],
    most: u64,
) -> io::Result<Receiver<Heard>> {
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("its standard streams are no pipes"));
    };
    let component = component.to_vec();
    let writer = thread::Builder::new().name("compile request".into());
    // One that ends early reads no more of it, and has said why.
    writer.spawn(move || drop(send(input, request, &component)))?;
    let (sender, receiver) = channel();
    let reader = thread::Builder::new().name("compile answer".into());
    reader.spawn(move || drop(sender.send(hear(output, errors, most))))?;
    Ok(receiver)
}

fn send(mut input: ChildStdin, request: Request, component: &[u8]) -> io::Result<()> {
    use std::io::Write as _;

    request.write(&mut input)?;
    input.write_all(component)
}

fn hear(mut output: ChildStdout, errors: ChildStderr, most: u64) -> Heard {
    let answer = Answer::read(&mut output, most);
    let mut said = Vec::new();
    // Only of one that has ended: others may say nothing, and never end.
    if matches!(&answer, Err(error) if error.kind() == io::ErrorKind::UnexpectedEof) {
        let _ = errors.take(SAID).read_to_end(&mut said);
    }
    Heard {
        answer,
        said: String::from_utf8_lossy(&said).into_owned(),
    }
}

/// Whether the system ended it for its time on processors.
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

    /// Set in the process that is to run out of memory.
    const CHILD: &str = "KUMIKI_TEST_OUT_OF_MEMORY";

    /// [`NO_MEMORY`] is a text of Rust's standard library, and has no type: a process
    /// that is ended can say nothing else.
    #[test]
    fn an_allocation_that_fails_says_so() {
        if env::var_os(CHILD).is_some() {
            let much = vec![1_u8; isize::MAX as usize];
            unreachable!("it has {} bytes", much.len());
        }
        let test = concat!(module_path!(), "::an_allocation_that_fails_says_so");
        let (_, test) = test.split_once("::").unwrap();
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(NO_MEMORY),
            "{said}"
        );
    }
}

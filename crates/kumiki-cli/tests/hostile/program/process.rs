//! A process that a row starts, and its output.

use std::fmt;
use std::io::{self, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::suite::memory;
use crate::suite::to_text;

/// The time limit of a process. Most rows have a shorter limit.
const TIME: Duration = Duration::from_secs(120);
/// The interval at which a process is polled.
const INTERVAL: Duration = Duration::from_millis(2);
/// The number of bytes of each stream that are kept. The rest is only counted.
const KEPT: usize = 1 << 20;
/// The number of characters of a stream that a failure shows.
const SHOWN: usize = 1000;

/// A running process.
pub(crate) struct Process {
    child: Child,
    stdout: JoinHandle<io::Result<Stream>>,
    stderr: JoinHandle<io::Result<Stream>>,
}

/// The result of a process.
#[derive(Debug)]
pub(crate) struct Output {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Stream,
    pub(crate) stderr: Stream,
    /// Its peak resident memory in bytes, or 0 if the system does not report it.
    pub(crate) peak: usize,
}

/// The output of a process on one stream.
#[derive(Default)]
pub(crate) struct Stream {
    /// The beginning, at most 1 MiB. Invalid UTF-8 is replaced.
    pub(crate) text: String,
    /// The total number of bytes.
    pub(crate) length: u64,
}

/// Runs a command to its end, without standard input.
///
/// # Errors
/// It does not start, or exceeds its time limit.
pub(crate) fn run(command: &mut Command) -> Result<Output, String> {
    start(command, Stdio::null())?.wait()
}

/// Starts a command with this standard input.
pub(crate) fn start(command: &mut Command, stdin: Stdio) -> Result<Process, String> {
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the program does not start: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    Ok(Process {
        stdout: thread::spawn(move || read(stdout)),
        stderr: thread::spawn(move || read(stderr)),
        child,
    })
}

impl Process {
    /// Takes its standard input, if it is piped.
    pub(crate) fn take_stdin(&mut self) -> Result<ChildStdin, String> {
        let stdin = self.child.stdin.take();
        stdin.ok_or_else(|| "standard input is not piped".to_owned())
    }

    /// Waits until a condition holds. If it does not hold in time, kills the process.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        mut condition: impl FnMut() -> bool,
    ) -> Result<(), String> {
        let start = Instant::now();
        while !condition() {
            if start.elapsed() > TIME || !matches!(self.child.try_wait(), Ok(None)) {
                self.kill()?;
                return Err(format!("it ended, or {TIME:?} passed, before {what}"));
            }
            thread::sleep(INTERVAL);
        }
        Ok(())
    }

    /// Sends it an interrupt, as Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) -> Result<(), String> {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-INT", &id]))?.expect(0, &[])
    }

    /// Kills it with a signal.
    pub(crate) fn kill(&mut self) -> Result<(), String> {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.map(drop).map_err(to_text)
    }

    /// Waits for its end and measures its memory. The system records the peak, so only
    /// growth after the last poll is missed.
    pub(crate) fn wait(mut self) -> Result<Output, String> {
        let (start, mut peak) = (Instant::now(), 0);
        let status = loop {
            peak = peak.max(memory::peak(self.child.id()).unwrap_or(0));
            if let Some(status) = self.child.try_wait().map_err(to_text)? {
                break status;
            }
            if start.elapsed() > TIME {
                self.kill()?;
                return Err(format!("it has not ended after {TIME:?}"));
            }
            thread::sleep(INTERVAL);
        };
        let streams = (self.stdout.join(), self.stderr.join());
        let (Ok(Ok(stdout)), Ok(Ok(stderr))) = streams else {
            return Err("its output cannot be read".to_owned());
        };
        Ok(Output {
            code: status.code(),
            stdout,
            stderr,
            peak,
        })
    }
}

impl Output {
    /// Fails unless it ended with this exit code and its standard error contains
    /// all of these texts.
    pub(crate) fn expect(&self, code: i32, stderr: &[&str]) -> Result<(), String> {
        let missing = stderr
            .iter()
            .find(|text| !self.stderr.text.contains(**text));
        match missing {
            None if self.code == Some(code) => Ok(()),
            None => Err(format!("expected exit code {code}: {self:?}")),
            Some(text) => Err(format!("expected exit code {code} and `{text}`: {self:?}")),
        }
    }

    /// Fails if it used more memory than this. Returns the peak as text.
    pub(crate) fn within(&self, mebibytes: usize) -> Result<String, String> {
        match self.peak >> 20 {
            peak if peak <= mebibytes => Ok(format!("the program used {peak} MiB")),
            peak => Err(format!("it used {peak} MiB, over {mebibytes}: {self:?}")),
        }
    }

    /// Fails unless it ended with this exit code and used at most this much memory.
    /// Returns the peak as text.
    pub(crate) fn expect_within(&self, code: i32, mebibytes: usize) -> Result<String, String> {
        self.expect(code, &[])?;
        self.within(mebibytes)
    }

    /// Returns both streams, or fails if they were not kept completely.
    pub(crate) fn whole_text(&self) -> Result<String, String> {
        Ok(format!("{}{}", self.stdout.whole()?, self.stderr.whole()?))
    }
}

impl Stream {
    /// Returns the text, or fails if it was not kept completely. For checks that
    /// something is absent.
    pub(crate) fn whole(&self) -> Result<&str, String> {
        match self.length <= KEPT as u64 {
            true => Ok(&self.text),
            false => Err(format!("{} bytes were written", self.length)),
        }
    }
}

/// Shows the beginning.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.text.chars().take(SHOWN).collect();
        write!(f, "{shown:?} ({} bytes)", self.length)
    }
}

/// Reads a stream to its end, so that the process never blocks on a full pipe.
fn read(stream: Option<impl Read>) -> io::Result<Stream> {
    let Some(mut stream) = stream else {
        return Ok(Stream::default());
    };
    let (mut kept, mut length) = (Vec::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        length += read as u64;
        let room = KEPT - kept.len();
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
    let text = String::from_utf8_lossy(&kept).into_owned();
    Ok(Stream { text, length })
}

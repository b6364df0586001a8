//! The real program as a child process: what it wrote, and the most memory that
//! it held.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long one run may take on any machine before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);
/// How much of each stream is kept, in bytes; the rest is only counted.
const KEPT: usize = 256 << 10;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Stream,
    pub(crate) stderr: Stream,
    /// The most resident memory that the process held at any time, in bytes; 0
    /// where the system does not say.
    pub(crate) peak: usize,
}

/// What was written to a stream: its beginning, and how long it was.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The first 256 KiB, with invalid UTF-8 replaced.
    pub(crate) text: String,
    /// All of it, in bytes.
    pub(crate) length: u64,
}

/// `kumiki` with these arguments in this folder, without a cache and away from
/// the user's settings. Add to the command before [`run_command`] runs it.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "KUMIKI_WORK"] {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("KUMIKI_TOOLS", folder.join("tools"))
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("KUMIKI_CACHE", "off")
        .args(arguments);
    command
}

/// Runs `kumiki` with these arguments in this folder, with nothing to read on
/// standard input.
///
/// # Errors
/// When it does not start, or has not ended after two minutes.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Result<Ran, String> {
    run_command(command(folder, arguments))
}

/// The same for a command from [`command`].
pub(crate) fn run_command(mut command: Command) -> Result<Ran, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the program does not start: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdout = thread::spawn(move || drain(stdout));
    let stderr = thread::spawn(move || drain(stderr));
    let (code, peak) = wait(&mut child)?;
    let streams = (stdout.join(), stderr.join());
    let (Ok(Ok(stdout)), Ok(Ok(stderr))) = streams else {
        return Err("its output cannot be read".to_owned());
    };
    Ok(Ran {
        code,
        stdout,
        stderr,
        peak,
    })
}

/// Waits for the end, and looks at the memory on the way. The system keeps the
/// peak, so only what happens in the last moments could be missed.
fn wait(child: &mut Child) -> Result<(Option<i32>, usize), String> {
    let (start, mut peak) = (Instant::now(), 0);
    loop {
        peak = peak.max(resident(child.id()));
        let status = child.try_wait().map_err(|error| error.to_string())?;
        if let Some(status) = status {
            return Ok((status.code(), peak));
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it has not ended after {PATIENCE:?}"));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The peak of a process so far, in bytes.
fn resident(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: usize = number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default();
    kilobytes << 10
}

fn drain(stream: Option<impl Read>) -> io::Result<Stream> {
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

impl Ran {
    /// Whether it ended with this code and held no more than so many MiB; what
    /// it held, or what is wrong and the last of what it said.
    pub(crate) fn judge(&self, code: i32, mebibytes: usize) -> Result<String, String> {
        let held = self.peak >> 20;
        let said: String = self.stderr.text.chars().take(1000).collect();
        if self.code != Some(code) {
            return Err(format!(
                "it ended with {:?} in place of {code}, and held {held} MiB: {said}",
                self.code
            ));
        }
        if held > mebibytes {
            return Err(format!("it held {held} MiB, over {mebibytes}: {said}"));
        }
        Ok(format!("the program held {held} MiB"))
    }
}

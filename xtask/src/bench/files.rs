//! Benchmarks of whole processes: startup time at the terminal, and whole files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kumiki_turns::Work;

use super::How;
use super::data::{self, Format};
use super::programs::Programs;
use super::rounds::{Measured, Times};
use super::rows::{Bound, Goal, Row, Value, row};
use super::table::Table;
use crate::place::Place;
use crate::step::line;

/// A contender that runs as a whole process in each turn.
struct Program {
    name: &'static str,
    command: Result<Command, String>,
    times: Vec<f64>,
    /// Peak memory over all of its turns, in bytes.
    peak: u64,
}

impl Program {
    fn new(name: &'static str, command: Result<Command, String>) -> Self {
        Self {
            name,
            command,
            times: Vec::new(),
            peak: 0,
        }
    }

    /// Runs the program and returns its output; it is skipped if the output is not
    /// `expected`.
    fn check(&mut self, expected: Option<&[u8]>) -> Vec<u8> {
        let Ok(command) = &mut self.command else {
            return Vec::new();
        };
        let output = command.stderr(Stdio::null()).output();
        let why = match output {
            Ok(output) if !output.status.success() => format!("it failed ({})", output.status),
            Ok(output) if expected.is_none_or(|expected| output.stdout == expected) => {
                return output.stdout;
            }
            Ok(_) => "its output is wrong".to_owned(),
            Err(error) => format!("cannot start it: {error}"),
        };
        self.command = Err(why);
        Vec::new()
    }

    fn turn(&mut self) {
        if let Ok(command) = &mut self.command {
            match run(command) {
                Ok((time, peak)) => {
                    self.times.push(time.as_secs_f64() * 1e9);
                    self.peak = self.peak.max(peak);
                }
                Err(error) => self.command = Err(format!("{error:#}")),
            }
        }
    }

    /// Returns its turns, over `bytes` bytes of input.
    fn finish(self, bytes: Option<u64>) -> (&'static str, Result<Times, String>) {
        let times = self.command.map(|_| Times {
            turns: self.times,
            facts: Vec::new(),
        });
        let times = times.map(|mut times| {
            if let Some(bytes) = bytes {
                let rate = bytes as f64 / (times.median() / 1e9);
                times.facts = vec![
                    ("rate".to_owned(), rate),
                    ("peak".to_owned(), self.peak as f64),
                ];
            }
            times
        });
        (self.name, times)
    }
}

/// Interval at which a running program's memory is sampled.
const SAMPLING_INTERVAL: Duration = Duration::from_millis(5);

/// Runs a program and returns its duration and peak memory.
fn run(command: &mut Command) -> Result<(Duration, u64)> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run `{}`", line(command)))?;
    let status = format!("/proc/{}/status", child.id());
    let is_over = AtomicBool::new(false);
    let (ended, time, peak) = thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak = 0;
            while !is_over.load(Ordering::Relaxed) {
                peak = peak.max(peak_memory(&status));
                thread::park_timeout(SAMPLING_INTERVAL);
            }
            peak
        });
        let ended = child.wait();
        let time = start.elapsed();
        is_over.store(true, Ordering::Relaxed);
        sampler.thread().unpark();
        // The peak is 0 if the sampling thread panicked.
        (ended, time, sampler.join().unwrap_or(0))
    });
    let ended = ended?;
    match ended.success() {
        true => Ok((time, peak)),
        false => bail!("`{}` failed ({ended})", line(command)),
    }
}

/// Returns the peak memory of a process so far in bytes, from Linux's `/proc`.
fn peak_memory(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

fn take_turns(mut all: Vec<Program>, rounds: usize, bytes: Option<u64>) -> Measured {
    for round in 0..rounds {
        match round % 2 {
            0 => all.iter_mut().for_each(Program::turn),
            _ => all.iter_mut().rev().for_each(Program::turn),
        }
    }
    Measured {
        contenders: all.into_iter().map(|it| it.finish(bytes)).collect(),
    }
}

/// Returns a `kumiki run` command.
fn kumiki(programs: &Programs, arguments: &[&str]) -> Command {
    let mut command = Command::new(&programs.kumiki);
    programs.add_environment(&mut command);
    command.arg("run").args(arguments);
    command
}

/// Measures the whole process for one short text.
pub(super) fn processes(place: &Place, programs: &Programs, how: How, table: &mut Table) {
    let mut row = row(
        "`kumiki run --text hi`, the whole process",
        "",
        Work::Upper,
        2,
    );
    row.goals = vec![Goal {
        text: "at most 15 ms",
        value: Value::Time("kumiki"),
        bound: Bound::AtMost(15e6),
    }];
    eprintln!("xtask: {} …", row.title);
    let plugin = place.plugins().join("text-upper.wasm");
    let plugin = plugin.display().to_string();
    let arguments = ["--text", "hi", "-q", "-o", "raw", "-p", &plugin];
    let mut python = Command::new("python3");
    python.args(["-c", "print('hi'.upper())"]);
    let mut node = Command::new("node");
    node.args(["-e", "console.log('hi'.toUpperCase())"]);
    let mut all = vec![
        Program::new("kumiki", Ok(kumiki(programs, &arguments))),
        Program::new("python", Ok(python)),
        Program::new("node", Ok(node)),
    ];
    for program in &mut all {
        program.check(Some(b"HI\n"));
    }
    let rounds = if how.quick { 10 } else { 40 };
    table.row(&row, &take_turns(all, rounds, None));
}

/// Measures generated files of each format, and a real text.
pub(super) fn files(place: &Place, programs: &Programs, how: How, table: &mut Table) -> Result<()> {
    let size = if how.quick { 1 << 26 } else { 1_000_000_000 };
    data::check_room(&programs.folder, 4 * size)?;
    for format in Format::ALL {
        let input = data::generated(programs, format, size)?;
        let sample = data::generated(programs, format, 1 << 20)?;
        let title = format!("{}, {} MB generated", format.name(), size / 1_000_000);
        let row = Row {
            goals: goals(format),
            ..row(title, "", Work::Bare, 0)
        };
        compare(place, programs, how, table, &row, format, &input, &sample)?;
    }
    let real = place.guests().join("text/reader.txt");
    let size = size.min(1 << 27);
    let input = data::repeated(&programs.folder, &real, size)?;
    let title = format!("lines, {} MB of a real text", size / 1_000_000);
    let row = row(title, "", Work::Bare, 0);
    compare(
        place,
        programs,
        how,
        table,
        &row,
        Format::Lines,
        &input,
        &real,
    )
}

fn goals(format: Format) -> Vec<Goal> {
    let goal = |text, value, bound| Goal { text, value, bound };
    let memory = goal(
        "at most 200 MB in memory",
        Value::Fact("kumiki", "peak"),
        Bound::AtMost(200e6),
    );
    let mut goals = vec![memory];
    if format == Format::Lines {
        goals.push(goal(
            "one core takes at most twice what native Rust does",
            Value::Ratio("kumiki, 1 core", "native"),
            Bound::AtMost(2.0),
        ));
        goals.push(goal(
            "two cores 1.8 times as fast as one",
            Value::Ratio("kumiki, 1 core", "kumiki"),
            Bound::AtLeast(1.8),
        ));
    }
    goals
}

/// Measures one input with all contenders that can read it.
#[expect(clippy::too_many_arguments, reason = "the parts of a row")]
fn compare(
    place: &Place,
    programs: &Programs,
    how: How,
    table: &mut Table,
    row: &Row,
    format: Format,
    input: &Path,
    sample: &Path,
) -> Result<()> {
    eprintln!("xtask: {} …", row.title);
    let expected = all_of(place, programs, format, sample)
        .into_iter()
        .find(|it| it.name == "native")
        .map(|mut native| native.check(None))
        .unwrap_or_default();
    let mut all = all_of(place, programs, format, input);
    for (program, mut small) in all.iter_mut().zip(all_of(place, programs, format, sample)) {
        small.check(Some(&expected));
        if small.command.is_err() {
            program.command = small.command;
        }
    }
    let rounds = if how.quick { 2 } else { 3 };
    let bytes = File::open(input)?.metadata()?.len();
    table.row(row, &take_turns(all, rounds, Some(bytes)));
    Ok(())
}

/// Pins a command to one core. Otherwise, the reader and writer threads would use a
/// second core in addition to that of the single worker.
fn on_one_core(command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", "0"]);
    pinned.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            pinned.env(name, value);
        }
    }
    pinned
}

/// Returns all contenders for one input: each upper-cases every record and writes it
/// as a line.
fn all_of(place: &Place, programs: &Programs, format: Format, input: &Path) -> Vec<Program> {
    let plugin: PathBuf = place.fixtures().join("batch-rust.wasm");
    let (plugin, path) = (plugin.display().to_string(), input.display().to_string());
    let mut arguments = vec!["-q", "-o", "raw", "-p", &plugin, &path];
    arguments.extend(format.arguments());
    let one = [&arguments[..], &["--jobs", "1"]].concat();
    let peer = |name| {
        let mut command = programs.command(name)?;
        command.args(["run", format.name(), &path]);
        Ok(command)
    };
    let mut all = vec![
        Program::new("kumiki", Ok(kumiki(programs, &arguments))),
        Program::new("kumiki, 1 core", Ok(on_one_core(&kumiki(programs, &one)))),
        Program::new("native", peer("native").map(|native| on_one_core(&native))),
    ];
    if format == Format::Lines {
        const UPPER: &str = "import sys\nwrite = sys.stdout.write\n\
            for line in open(sys.argv[1], encoding='utf-8', newline='\\n'): write(line.upper())";
        let mut python = Command::new("python3");
        python.args(["-c", UPPER, &path]);
        all.push(Program::new("extism", peer("extism")));
        all.push(Program::new("python", Ok(python)));
    }
    all
}

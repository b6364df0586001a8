//! `kumiki check`: tests a plugin with the conformance kit and the author's own
//! cases, and prints a table.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use kumiki::inspect::{Inspection, Interfaces};
use kumiki::{Level, LogRecord, Observer};
use kumiki_text::cases::{self, Case, CasesError};
use kumiki_text::conformance::{self, Finding};
use kumiki_text::{CallMode, STREAMING, TextHost};

use crate::arguments::CheckArguments;
use crate::artifacts;
use crate::console::{Console, escape};
use crate::doctor::{Diagnosis, component, leak};
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::loading::find_one;
use crate::own_files::OwnFiles;
use crate::requests::admit_one;
use crate::sandbox::ProcessSandbox;

const OK: Style = AnsiColor::Green.on_default().bold();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const PATH_HINT: &str = "check the path, relative to the current folder";
const HEADING: Style = Style::new().bold();

pub(crate) fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    kumiki::raise_descriptor_limit();
    let path = &find_one(&arguments.file)?;
    if let Err(error) = std::fs::metadata(path) {
        return Err(Failure::path("file", path, &error, PATH_HINT));
    }
    let cases = match &arguments.cases {
        Some(file) => read_cases(file)?,
        None => Vec::new(),
    };
    let console = Console::new(false, 0);
    let cache = artifacts::cache(&console);
    let compile = arguments.process.compile.command()?;
    let log = ErrorLog::default();
    let host: TextHost = artifacts::host(cache.clone(), compile)
        .observer(log.clone())
        .budget(arguments.process.budget())
        .build()?;
    let grants = RunGrants::read(&arguments.grants)?.opened()?;
    let own = OwnFiles::of_check(arguments);
    let admitted = admit_one(&host, path, &grants, &own, &console)?;
    let loading = ProcessSandbox::new(!arguments.process.no_sandbox)
        .read([path])
        .grants([admitted.grants()])
        .before_loading(cache.as_ref(), &console)?;
    console.spinner(&format!("loading {}", path.display()));
    let plugin = admitted.load(&host);
    console.done();
    let plugin = plugin.map_err(|error| misfit(&host, path, error))?;
    loading.before_plugins_run()?;

    // What was logged while it was loaded belongs to no check.
    log.take();
    let component = host.read(path).unwrap_or_default();
    let mut table = Table::new(&component, log);
    conformance::check(&plugin, |finding| {
        let hint = finding.leak.map(|_| leak_fix(&component));
        table.row(&finding, hint.as_deref());
    });
    cases::check(&plugin, &cases, |finding| table.row(&finding, None));
    table.finish()
}

/// Reads all cases, so that invalid ones are reported before any test.
fn read_cases(path: &Path) -> Result<Vec<Case>, Failure> {
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::path("cases file", path, &error, PATH_HINT))?;
    cases::read(file).map_err(|error| cases_failure(path, &error))
}

/// The failure for an invalid file of cases, with the line.
pub(super) fn cases_failure(path: &Path, error: &CasesError) -> Failure {
    let text = error.to_string();
    let (place, message) = match error.line() {
        Some(line) => {
            let prefix = format!("line {line}: ");
            let message = text.strip_prefix(&prefix).unwrap_or(&text);
            (format!("{}:{line}", path.display()), message)
        }
        None => (path.display().to_string(), &*text),
    };
    Failure::usage(format!("{place}: {message}"), error.hint())
}

/// The failure for a file that is not a text plugin.
fn misfit(host: &TextHost, path: &Path, error: kumiki::Error) -> Failure {
    let bytes = host.read(path).unwrap_or_default();
    let name = path.display().to_string();
    match component::other_contract(&name, &Inspection::of(&bytes)) {
        Some(Diagnosis { fact, fix, .. }) => {
            let mut failure = Failure::failed(fact);
            failure.hint = Some(fix);
            failure
        }
        None => error.into(),
    }
}

/// The most log messages that are shown for one check.
const MESSAGES: usize = 5;

/// The messages at level error since the last check, such as that of a panic.
#[derive(Clone, Default)]
struct ErrorLog(Arc<Mutex<Vec<String>>>);

impl ErrorLog {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for ErrorLog {
    fn log(&self, record: &LogRecord<'_>) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if record.level == Level::Error && messages.len() < MESSAGES {
            messages.push(record.message.to_owned());
        }
    }
}

/// What to look for in the source of a leaking plugin, by the tools that built it.
fn leak_fix(component: &[u8]) -> String {
    leak::fix(&Inspection::of(component))
}

/// The table, printed row by row because some checks take long.
struct Table {
    log: ErrorLog,
    tried: u32,
    failed: u32,
    written: io::Result<()>,
}

impl Table {
    /// Prints the heading and the first check, which loading has passed.
    fn new(component: &[u8], log: ErrorLog) -> Self {
        Self {
            log,
            tried: 1,
            failed: 0,
            written: heading(&modes(component)),
        }
    }

    fn row(&mut self, finding: &Finding, hint: Option<&str>) {
        self.tried += 1;
        self.failed += u32::from(finding.outcome.is_err());
        let mut messages = self.log.take();
        if finding.outcome.is_ok() {
            messages.clear();
        }
        if self.written.is_ok() {
            self.written = row(finding, &messages, hint);
        }
    }

    /// Prints the summary and returns the exit code.
    fn finish(self) -> Result<ExitCode, Failure> {
        let Self { tried, failed, .. } = self;
        written(
            "the table",
            self.written.and_then(|()| summary(tried, failed)),
        )?;
        Ok(ExitCode::from(u8::from(failed > 0)))
    }
}

/// The modes in which the plugin can be called, found without calling it.
fn modes(component: &[u8]) -> String {
    let exports = Interfaces::of("", component).map(|interfaces| interfaces.exports);
    let exports = exports.unwrap_or_default();
    let streams = exports
        .iter()
        .any(|it| it == STREAMING)
        .then_some("streaming");
    let names = CallMode::among(&exports).map(CallMode::name).chain(streams);
    names.collect::<Vec<_>>().join(", ")
}

fn heading(modes: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{HEADING}{:<6}  {:<38}  {:>8}  what happened{HEADING:#}",
        "", "tried", "time"
    )?;
    // Printed at once, because the first check may take a while.
    writeln!(
        out,
        "{OK}ok{OK:#}      {:<38}  {:>8}  text-processor: {modes}",
        "fits the contract", "-"
    )
}

/// Prints a check, and below it what the plugin logged if it failed.
fn row(finding: &Finding, messages: &[String], hint: Option<&str>) -> io::Result<()> {
    let (style, mark, what) = match &finding.outcome {
        Ok(seen) => (OK, "ok", seen),
        Err(wrong) => (FAILED, "FAILED", wrong),
    };
    let time = time(finding.elapsed);
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{style}{mark:<6}{style:#}  {:<38}  {time:>8}  {}",
        finding.check,
        escape(what)
    )?;
    for message in messages {
        writeln!(out, "        log: {}", escape(message))?;
    }
    match hint {
        Some(hint) => writeln!(out, "        hint: {}", escape(hint)),
        None => Ok(()),
    }
}

fn summary(tried: u32, failed: u32) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match failed {
        0 => writeln!(out, "all {tried} checks passed"),
        1 => writeln!(out, "1 check failed"),
        failed => writeln!(out, "{failed} checks failed"),
    }
}

fn time(elapsed: Duration) -> String {
    match elapsed.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

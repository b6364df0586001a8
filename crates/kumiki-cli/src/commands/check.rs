//! `kumiki check`: the conformance kit and the author's own cases against a
//! plugin, as a table.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use kumiki::inspect::{Inspection, Interfaces};
use kumiki_text::cases::{self, Case};
use kumiki_text::conformance::{self, Finding};
use kumiki_text::{TextHost, Way};

use crate::arguments::CheckArguments;
use crate::artifacts;
use crate::console::{Console, escape};
use crate::doctor::leak;
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::own_files::OwnFiles;
use crate::requests::admit_one;
use crate::sandbox::Wall;

const OK: Style = AnsiColor::Green.on_default().bold();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const PATH_HINT: &str = "check the path, relative to the current folder";
const HEADING: Style = Style::new().bold();

pub(crate) fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    kumiki::raise_descriptor_limit();
    let path = &arguments.file;
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
    let host = TextHost::builder()
        .budget(arguments.process.budget())
        .cache(cache.clone())
        .compile_with(compile)
        .build()?;
    let grants = RunGrants::read(&arguments.grants)?.opened()?;
    let own = OwnFiles::of_check(arguments);
    let admitted = admit_one(&host, path, &grants, &own, &console)?;
    let loading = Wall::new(!arguments.process.no_sandbox)
        .read([path])
        .grants([admitted.grants()])
        .before_loading(cache.as_ref(), &console)?;
    console.spinner(&format!("loading {}", path.display()));
    let plugin = admitted.load(&host);
    console.done();
    let plugin = plugin?;
    loading.before_plugins_run()?;

    let mut table = Table::new(path);
    conformance::check(&plugin, |finding| {
        let hint = finding.leak.map(|_| leak_fix(path));
        table.row(&finding, hint.as_deref());
    });
    cases::check(&plugin, &cases, |finding| table.row(&finding, None));
    table.finish()
}

/// Cases are refused before anything is tried.
fn read_cases(path: &Path) -> Result<Vec<Case>, Failure> {
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::path("file of cases", path, &error, PATH_HINT))?;
    cases::read(file).map_err(|error| {
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
    })
}

/// What made it says what to look for; the file was readable a moment ago.
fn leak_fix(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    leak::fix(&Inspection::of(&bytes))
}

/// The table, written row by row: some checks take their time.
struct Table {
    tried: u32,
    failed: u32,
    written: io::Result<()>,
}

impl Table {
    /// Begins with what loading has shown already.
    fn new(path: &Path) -> Self {
        Self {
            tried: 1,
            failed: 0,
            written: heading(&ways(path)),
        }
    }

    fn row(&mut self, finding: &Finding, hint: Option<&str>) {
        self.tried += 1;
        self.failed += u32::from(finding.outcome.is_err());
        if self.written.is_ok() {
            self.written = row(finding, hint);
        }
    }

    /// The last line, and the exit code.
    fn finish(self) -> Result<ExitCode, Failure> {
        let Self { tried, failed, .. } = self;
        written(
            "the table",
            self.written.and_then(|()| summary(tried, failed)),
        )?;
        Ok(ExitCode::from(u8::from(failed > 0)))
    }
}

/// The ways in which the plugin can be called, without a call; it was readable a
/// moment ago.
fn ways(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let exports = Interfaces::of("", &bytes).map(|interfaces| interfaces.exports);
    let exports = exports.unwrap_or_default();
    let names: Vec<_> = Way::among(&exports).map(|way| way.name).collect();
    names.join(", ")
}

fn heading(ways: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{HEADING}{:<6}  {:<38}  {:>8}  what happened{HEADING:#}",
        "", "tried", "time"
    )?;
    // Nothing else is seen until the first check is done.
    writeln!(
        out,
        "{OK}ok{OK:#}      {:<38}  {:>8}  text-processor: {ways}",
        "fits the contract", "-"
    )
}

fn row(finding: &Finding, hint: Option<&str>) -> io::Result<()> {
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

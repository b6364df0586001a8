//! `kumiki check`: the conformance kit against a plugin, as a table.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use kumiki_text::{TextHost, conformance};

use crate::arguments::CheckArguments;
use crate::console::{Console, escape};
use crate::failure::Failure;

const OK: Style = AnsiColor::Green.on_default().bold();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();

pub(crate) fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    let path = &arguments.file;
    if let Err(error) = std::fs::metadata(path) {
        let hint = "check the path, relative to the current folder";
        return Err(Failure::path("file", path, &error, hint));
    }
    let console = Console::new(false, 0);
    console.spinner(&format!("loading {}", path.display()));
    let host = TextHost::new()?;
    let plugin = host.load(path);
    console.done();
    let plugin = plugin?;

    let (mut failed, mut written) = (0, heading());
    conformance::check(&plugin, |finding| {
        failed += u32::from(finding.outcome.is_err());
        if written.is_ok() {
            written = row(&finding);
        }
    });
    match written.and_then(|()| summary(failed)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed("cannot write the table").because(error))
        }
        _ => Ok(ExitCode::from(u8::from(failed > 0))),
    }
}

fn heading() -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{HEADING}{:<6}  {:<38}  {:>8}  what happened{HEADING:#}",
        "", "tried", "time"
    )?;
    // Nothing else is seen until the first check is done.
    writeln!(
        out,
        "{OK}ok{OK:#}      {:<38}  {:>8}  text-processor, one record a call",
        "fits the contract", "-"
    )
}

fn row(finding: &conformance::Finding) -> io::Result<()> {
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
    )
}

fn summary(failed: u32) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match failed {
        0 => writeln!(out, "all {} checks passed", conformance::count() + 1),
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

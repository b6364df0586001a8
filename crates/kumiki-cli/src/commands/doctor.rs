//! `kumiki doctor`: diagnoses the machine, a project or a component, and suggests
//! fixes.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use kumiki::excerpt;
use kumiki::inspect::Inspection;
use kumiki_text::TextHost;

use super::file;
use super::project::tools;
use crate::arguments::DoctorArguments;
use crate::artifacts;
use crate::console::{Console, LONGEST, escape};
use crate::doctor::{Diagnosis, component, machine, project};
use crate::failure::{Failure, written};
use crate::process;
use crate::sandbox::ProcessSandbox;

const OK: Style = AnsiColor::Green.on_default().bold();
const MILD: Style = AnsiColor::Yellow.on_default().bold();
const SEVERE: Style = AnsiColor::Red.on_default().bold();

pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<ExitCode, Failure> {
    let Some(path) = &arguments.path else {
        return finish(print_machine());
    };
    let unreadable = |error: io::Error| {
        let hint = "check the path, relative to the current folder";
        Failure::path("file or folder", path, &error, hint)
    };
    if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        let diagnoses = project::examine(path, &tools()?);
        return finish(print_diagnoses(&diagnoses));
    }
    let console = Console::new(false, 0);
    let cache = artifacts::cache(&console);
    let host: TextHost = artifacts::host(cache.clone(), process::command()?).build()?;
    // The first step of the sandbox is enough for one plugin without grants.
    let _ = ProcessSandbox::new(true)
        .read([path])
        .before_loading(cache.as_ref(), &console)?;
    let bytes = file::read(&host, "file or folder", path)?;
    let name = path.display().to_string();
    console.spinner(&format!("examining {name}"));
    let diagnoses = component::examine(&host, &name, &bytes);
    console.done();
    let is_testable = !component::is_of_other_contract(&Inspection::of(&bytes));
    finish(print_diagnoses(&diagnoses).and_then(|severe| {
        if !severe && is_testable {
            let name = escape(&name);
            writeln!(
                anstream::stdout(),
                "next: test its behaviour with `kumiki check {name}`"
            )?;
        }
        Ok(severe)
    }))
}

/// The exit code: 1 if a severe problem was found.
fn finish(severe: io::Result<bool>) -> Result<ExitCode, Failure> {
    let is_severe = *severe.as_ref().unwrap_or(&false);
    written("the diagnosis", severe.map(drop))?;
    Ok(ExitCode::from(u8::from(is_severe)))
}

/// Prints the machine's state. A missing toolchain is not severe, as it may not be needed.
fn print_machine() -> io::Result<bool> {
    let tools = tools().map_err(|failure| io::Error::other(failure.message))?;
    let mut out = anstream::stdout().lock();
    for (name, found) in machine::examine(&tools) {
        match found {
            Ok(version) => writeln!(out, "{OK}ready{OK:#}    {name:<15} {}", escape(&version))?,
            Err(Diagnosis { fact, fix, .. }) => {
                writeln!(out, "{MILD}missing{MILD:#}  {name:<15} {}", escape(&fact))?;
                writeln!(out, "         {:<15} hint: {}", "", escape(&fix))?;
            }
        }
    }
    Ok(false)
}

/// Prints the diagnoses; returns whether one of them is severe.
fn print_diagnoses(diagnoses: &[Diagnosis]) -> io::Result<bool> {
    let mut out = anstream::stdout().lock();
    if diagnoses.is_empty() {
        writeln!(out, "{OK}healthy{OK:#}: nothing is wrong with it")?;
    }
    for Diagnosis { severe, fact, fix } in diagnoses {
        let (style, word) = if *severe {
            (SEVERE, "error")
        } else {
            (MILD, "warning")
        };
        writeln!(out, "{style}{word}{style:#}: {}", excerpt(fact, LONGEST))?;
        if !fix.is_empty() {
            writeln!(out, "  fix: {}", excerpt(fix, LONGEST))?;
        }
    }
    Ok(diagnoses.iter().any(|diagnosis| diagnosis.severe))
}

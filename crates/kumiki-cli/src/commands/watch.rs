//! `kumiki build --watch`: rebuilds whenever a source changes, until interrupted.

use std::process::ExitCode;

use super::build::{INTERRUPTED, once, report};
use super::project::{Sources, WhenMissing, tools};
use crate::arguments::BuildArguments;
use crate::console::{Console, escape, print_failure};
use crate::failure::{Failure, written};
use crate::signals;

pub(crate) fn watch(arguments: &BuildArguments) -> Result<ExitCode, Failure> {
    let (tools, console) = (tools()?, Console::new(false, 0));
    signals::end_with_tools(&console, INTERRUPTED)?;
    let mut sources = Sources::new(&arguments.folder)?;
    let mut first = true;
    let mut when_missing = WhenMissing::at_start(arguments);
    // Before the build, so that no change during the build is missed.
    sources.watch()?;
    loop {
        let built = once(arguments, &tools, when_missing, &console);
        when_missing = when_missing.later();
        sources.built(built.is_ok(), &console);
        match built {
            // A change that leaves the component unchanged is not reported.
            Ok(outcome) if outcome.built.fresh && !first => {}
            Ok(outcome) => {
                console.notice(escape(&outcome.summary()));
                written("what was built", report(&outcome.built))?;
            }
            Err(failure) => print_failure(&failure),
        }
        if first {
            let folder = arguments.folder.display();
            console.notice(escape(&format!("watching {folder}; press Ctrl-C to stop")));
        }
        first = false;
        if sources.wait(&console)?.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

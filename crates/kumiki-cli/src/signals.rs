//! Handles SIGINT and SIGTERM: the first signal interrupts the run, the second one
//! ends the program at once. A program that builds also stops its tools.

use std::io;

use crate::console::Console;
use crate::failure::Failure;

/// Calls `notify` with the first signal's number, on another thread.
///
/// # Errors
/// If the handler or the thread cannot be installed.
#[cfg(unix)]
pub(crate) fn on_interrupt(notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    on_signals(&[SIGINT, SIGTERM], notify)
}

#[cfg(unix)]
fn on_signals(signals: &[i32], notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new(signals)?;
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || {
        let mut notify = Some(notify);
        for signal in signals.forever() {
            match notify.take() {
                Some(notify) => notify(u8::try_from(signal).unwrap_or_default()),
                // This call does not return.
                None => drop(emulate_default_handler(signal)),
            }
        }
    })?;
    Ok(())
}

/// On other systems, an interrupt ends the program at once.
#[cfg(not(unix))]
pub(crate) fn on_interrupt(_notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Ends the program and its build tools at the first signal, with exit code `interrupted`
/// after Ctrl-C. Builds replace files atomically, so nothing is left half-written.
pub(crate) fn end_with_tools(console: &Console, interrupted: u8) -> Result<(), Failure> {
    let console = console.clone();
    let handled = on_end(move |signal| {
        console.done();
        #[cfg(unix)]
        kumiki_build::stop_tools();
        let code = match signal {
            SIGINT => interrupted,
            other => 128 + other,
        };
        std::process::exit(code.into());
    });
    handled.map_err(|error| Failure::failed("cannot handle interrupts").because(error))
}

const SIGINT: u8 = 2;

/// The tools have their own process groups, so the signals of the terminal reach this
/// program only: also the one at its end.
#[cfg(unix)]
fn on_end(notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    kumiki_build::group_tools();
    match ignores_hangup() {
        true => on_signals(&[SIGINT, SIGTERM], notify),
        false => on_signals(&[SIGINT, SIGTERM, SIGHUP], notify),
    }
}

/// Whether this program was started to outlive its terminal, as with `nohup`.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Elsewhere it is not known.
    ignored.is_none_or(|ignored| {
        let ignored = u64::from_str_radix(ignored.trim(), 16);
        ignored.is_ok_and(|ignored| ignored & 1 == 1)
    })
}

#[cfg(not(unix))]
fn on_end(_notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    Ok(())
}

//! Handles SIGINT and SIGTERM: the first signal interrupts the run, the second one
//! ends the program at once.

use std::io;

/// Calls `notify` with the first signal's number, on another thread.
///
/// # Errors
/// If the handler or the thread cannot be installed.
#[cfg(unix)]
pub(crate) fn on_interrupt(notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
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

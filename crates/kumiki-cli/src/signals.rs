//! SIGINT and SIGTERM. The first signal is passed on; the second one ends the program
//! at once.

use std::io;

/// Calls `notify` with the number of the first signal, on another thread.
///
/// # Errors
/// When the system accepts no handler or starts no thread.
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
                // It does not return.
                None => drop(emulate_default_handler(signal)),
            }
        }
    })?;
    Ok(())
}

/// Elsewhere an interrupt ends the program at once.
#[cfg(not(unix))]
pub(crate) fn on_interrupt(_notify: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    Ok(())
}

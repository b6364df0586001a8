//! Ctrl-C, and what `kill` and service managers send. The first one is told;
//! the second ends the program at once, as it would without us.

use std::io;

/// Calls `tell` with the number of the first signal, from another thread.
///
/// # Errors
/// When the system takes no handler or starts no thread.
#[cfg(unix)]
pub(super) fn on_interrupt(tell: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || {
        let mut tell = Some(tell);
        for signal in signals.forever() {
            match tell.take() {
                Some(tell) => tell(u8::try_from(signal).unwrap_or_default()),
                // It does not return.
                None => drop(emulate_default_handler(signal)),
            }
        }
    })?;
    Ok(())
}

/// Elsewhere an interrupt ends the program at once.
#[cfg(not(unix))]
pub(super) fn on_interrupt(_tell: impl FnOnce(u8) + Send + 'static) -> io::Result<()> {
    Ok(())
}

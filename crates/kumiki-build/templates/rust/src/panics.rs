//! Logs the message, file and line of a panic. The call then ends as a trap,
//! which has no message.

use crate::myapp::text_processor::host_api::{LogLevel as Level, log};

extern "C" fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
}

/// Constructors like this one run once, before the first call of the plugin.
#[used]
#[cfg_attr(target_family = "wasm", unsafe(link_section = ".init_array"))]
static CONSTRUCTOR: extern "C" fn() = log_panics;

//! The guest's stack at a trap, as bounded text.

use wasmtime::WasmBacktrace;

use crate::engine::FRAMES;
use crate::text::{self, Lines};

/// The frames of a backtrace, a line each, innermost first. Names are the guest's
/// and shown as they are, not demangled: a mangled name of 200 bytes can stand for
/// one of many megabytes.
pub(super) fn frames(backtrace: &WasmBacktrace) -> String {
    let frames = backtrace.frames();
    let mut lines = Lines::within(text::BACKTRACE);
    let mut shown = 0;
    for frame in frames.iter().take(FRAMES) {
        let module = text::name(frame.module().name().unwrap_or("<unknown>"));
        let function = match frame.func_name() {
            Some(name) => text::name(name),
            None => format!("<wasm function {}>", frame.func_index()).into(),
        };
        let fits = match frame.module_offset() {
            Some(offset) => lines.push(format_args!("{shown}: {offset:#8x} - {module}!{function}")),
            None => lines.push(format_args!("{shown}: {module}!{function}")),
        };
        if !fits {
            break;
        }
        shown += 1;
    }
    let mut text = lines.into_text();
    if frames.len() > FRAMES {
        text.push_str("\nframes further out are left out");
    } else if frames.len() > shown {
        let more = frames.len() - shown;
        text.push_str(&format!("\n{more} frames further out are left out"));
    }
    text
}

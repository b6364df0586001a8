//! Inspects any bytes without running them: kind, parts, WIT and the contract check.
//! Nothing may panic, the sizes of the parts must add up to the size of the file, and
//! printed WIT must parse.

#![no_main]

use std::panic;
use std::sync::OnceLock;

use kumiki::inspect::Inspection;
use kumiki_text::TextHost;
use libfuzzer_sys::fuzz_target;
use wit_parser::Resolve;

fuzz_target!(|bytes: &[u8]| {
    let inspection = Inspection::of(bytes);
    let sum: usize = inspection.parts.iter().map(|(_, size)| size).sum();
    assert!(inspection.parts.is_empty() || sum == bytes.len());
    let _ = format!("{inspection:?} {}", inspection.kind);

    // Panics in wit-parser are caught; libfuzzer's panic hook would abort before that.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let wit = Inspection::wit("fuzz", bytes);
    panic::set_hook(hook);
    if let Ok(wit) = wit
        && let Err(error) = Resolve::new().push_source("fuzz.wit", &wit)
    {
        panic!("{error:#}\n{wit}");
    }
    if let Err(error) = host().check("fuzz", bytes) {
        let _ = format!("{error} {:?}", error.hint());
    }
});

fn host() -> &'static TextHost {
    static HOST: OnceLock<TextHost> = OnceLock::new();
    HOST.get_or_init(|| TextHost::new().expect("the host starts"))
}

//! What breaks the rules of the Component Model or of WebAssembly: an error
//! that says which, never a panic. After the specification's binary format,
//! and its rules of validation, one by one.

mod binary;
mod typed;
mod unbuilt;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kumiki::inspect::{Inspection, Kind};
use kumiki::{Error, Limits};
use kumiki_text::{Config, TextHost, TextPlugin};

/// With limits that a changed guest soon meets.
static HOST: LazyLock<TextHost> = LazyLock::new(|| {
    let limits = Limits::default()
        .with_time(Duration::from_millis(100))
        .with_memory(16 << 20);
    let host = TextHost::builder().limits(limits).build();
    host.expect("a host")
});

/// What must come of loading; the text is a part of what is said.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Not(Kind),
    Malformed(&'static str),
    TooLarge(&'static str),
    Proposal(&'static str),
}

impl Expected {
    fn is(self, error: &Error) -> bool {
        match (self, error) {
            (Self::Not(kind), Error::NotAComponent { found, .. }) => kind == *found,
            (Self::Malformed(text), Error::Malformed { message, .. }) => message.contains(text),
            (Self::TooLarge(text), Error::TooLarge { what, .. }) => what.contains(text),
            (Self::Proposal(text), Error::Proposal { proposal, .. }) => proposal == text,
            _ => false,
        }
    }
}

/// Reads `bytes` in every way there is. What may not be loaded gives its error.
fn read(bytes: &[u8]) -> Result<kumiki::Plugin<kumiki_text::TextContract>, Error> {
    let inspection = Inspection::of(bytes);
    let sizes: usize = inspection.parts.iter().map(|(_, size)| size).sum();
    assert!(inspection.parts.is_empty() || sizes == bytes.len());
    let wit = Inspection::wit("p.wasm", bytes);
    let checked = HOST
        .check("p.wasm", bytes)
        .map_err(|error| error.to_string());
    let loaded = HOST.load_bytes("p.wasm", bytes);
    match (&loaded, checked) {
        (Ok(_), checked) => assert_eq!(checked, Ok(())),
        // Checked well, and not compiled or linked.
        (Err(_), Ok(())) => {}
        (Err(error), Err(checked)) => assert_eq!(error.to_string(), checked),
    }
    // WIT is of types alone: a fault in a function's body does not touch it.
    if let Err(error) = wit {
        let known = matches!(error, Error::NoWit { .. } | Error::TooLarge { .. });
        assert!(known && is_readable(&error.to_string()), "{error}");
    }
    loaded
}

/// What a person can read: some words, in one line. Names in it are a
/// stranger's, and the program spells them out.
fn is_readable(text: &str) -> bool {
    text.contains(' ') && text.len() < 1000 && !text.contains('\n')
}

#[test]
fn what_is_malformed_is_refused_in_words() {
    let typed = typed::CASES.iter().map(|(name, text, expected)| {
        let bytes = test_components::parse(&format!("(component {text})"));
        (*name, bytes, *expected)
    });
    let mut faults = Vec::new();
    for (name, bytes, expected) in binary::cases().into_iter().chain(typed) {
        match read(&bytes) {
            Ok(_) => faults.push(format!("{name}: it is loaded")),
            Err(error) if !expected.is(&error) || !is_readable(&error.to_string()) => {
                faults.push(format!("{name}: {error}, not {expected:?}"));
            }
            Err(error) => assert!(error.hint().is_some(), "{name}"),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A whole plugin, small enough to try whatever can become of it.
fn small() -> Vec<u8> {
    test_components::TextPlugin::new("echo").build()
}

#[test]
fn every_beginning_of_a_component_is_refused() {
    let whole = small();
    for end in 0..whole.len() {
        match read(&whole[..end]) {
            // All that is cut is a custom section, which nobody needs.
            Ok(_) => assert_eq!(whole[end], 0, "cut at {end}"),
            Err(error) => {
                assert!(is_readable(&error.to_string()), "cut at {end}: {error}");
                assert!(error.hint().is_some(), "cut at {end}");
            }
        }
    }
}

/// Each byte of a component as others; what is still a plugin is called.
#[test]
fn every_byte_may_be_another() {
    let whole = small();
    let (mut loaded, mut slowest) = (0, Duration::ZERO);
    let mut bytes = whole.clone();
    for (at, byte) in whole.iter().copied().enumerate() {
        for changed in [0, 0xff, byte.wrapping_add(1), byte ^ 0x80, byte ^ 0x04] {
            bytes[at] = changed;
            let start = Instant::now();
            if let Ok(plugin) = read(&bytes) {
                loaded += 1;
                call(plugin);
            }
            slowest = slowest.max(start.elapsed());
        }
        bytes[at] = byte;
    }
    // Most of the bytes are names, data and numbers, which may be others.
    assert!(loaded > whole.len() / 10, "{loaded} of {}", whole.len());
    // Three calls of a tenth of a second, on a machine with other work.
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
}

fn call(plugin: kumiki::Plugin<kumiki_text::TextContract>) {
    let said = TextPlugin::new(plugin, Config::default())
        .and_then(|mut plugin| plugin.process("text").map(|result| result.output));
    if let Err(error) = said {
        assert!(error.to_string().contains(' '), "{error}");
    }
}

//! Components that violate the Component Model or WebAssembly give an error with
//! the reason, never a panic. The cases follow the specification's binary format
//! and its validation rules, one by one.

// They take half a minute and are the same with any features, so they run with all.
#![cfg(all(feature = "cache", feature = "http"))]

mod binary;
mod typed;
mod unbuilt;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kumiki::inspect::{Inspection, Kind};
use kumiki::{Error, Limits};
use kumiki_text::{Config, TextHost, TextPlugin};

/// A host with limits that a changed guest reaches soon.
static HOST: LazyLock<TextHost> = LazyLock::new(|| {
    let limits = Limits::default()
        .with_time(Duration::from_millis(100))
        .with_memory(16 << 20);
    let host = TextHost::builder().limits(limits).build();
    host.expect("a host")
});

/// The expected outcome of loading; the text is a part of the message.
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

/// Reads `bytes` with every function that takes components. Returns the error if
/// they cannot be loaded.
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
        // Valid, but not compiled or linked.
        (Err(_), Ok(())) => {}
        (Err(error), Err(checked)) => assert_eq!(error.to_string(), checked),
    }
    // WIT has only types: an error in a function's body does not affect it.
    if let Err(error) = wit {
        let known = matches!(error, Error::NoWit { .. } | Error::TooLarge { .. });
        assert!(known && is_readable(&error.to_string()), "{error}");
    }
    loaded
}

/// Whether a message is readable: some words, in one line. Names in it are
/// untrusted, and the program escapes them.
fn is_readable(text: &str) -> bool {
    text.contains(' ') && text.len() < 1000 && !text.contains('\n')
}

#[test]
fn malformed_components_are_rejected_with_a_reason() {
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

/// A complete plugin, small enough to try every change of it.
fn small() -> Vec<u8> {
    test_components::TextPlugin::new("echo").build()
}

#[test]
fn every_prefix_of_a_component_is_rejected() {
    let whole = small();
    for end in 0..whole.len() {
        match read(&whole[..end]) {
            // Only a custom section is cut off, which is not needed.
            Ok(_) => assert_eq!(whole[end], 0, "cut at {end}"),
            Err(error) => {
                assert!(is_readable(&error.to_string()), "cut at {end}: {error}");
                assert!(error.hint().is_some(), "cut at {end}");
            }
        }
    }
}

/// Changes each byte of a component. What is still a plugin is called.
#[test]
fn changed_bytes_never_panic() {
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
    // Most of the bytes are names, data and numbers, where changes stay valid.
    assert!(loaded > whole.len() / 10, "{loaded} of {}", whole.len());
    // Three calls of a tenth of a second, on a busy machine.
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
}

fn call(plugin: kumiki::Plugin<kumiki_text::TextContract>) {
    let said = TextPlugin::new(plugin, Config::default())
        .and_then(|mut plugin| plugin.process("text").map(|result| result.output));
    if let Err(error) = said {
        assert!(error.to_string().contains(' '), "{error}");
    }
}

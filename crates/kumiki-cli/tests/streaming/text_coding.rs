//! `TextDecoder` and `TextEncoder`, which the build gives to plugins in JavaScript. Rust's own
//! conversion has the same rules, and says what is expected.

use std::path::Path;

use kumiki::Cache;
use kumiki_text::{Config, TextHost, TextPlugin};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use test_components::guests::artifacts;

pub(crate) type Case = fn(&mut Coding) -> Result<(), Failed>;

pub(crate) const CASES: [(&str, Case); 7] = [
    ("decodes like Rust in chunks of any size", decodes),
    ("decodes random bytes like Rust", decodes_random),
    ("refuses what is not UTF-8 if it is fatal", fatal),
    ("keeps a character that a chunk cuts", cut),
    ("keeps a byte order mark only if told to", mark),
    ("encodes any string, with surrogates replaced", encodes),
    ("encodes as many characters as fit", fits),
];

/// Bytes that test the rules of UTF-8.
const BYTES: [&[u8]; 32] = [
    b"",
    b"ASCII of more than eight bytes\0\x7f",
    "é木😀 ÿ߿ࠀ퟿\u{e000}\u{ffff}\u{10000}\u{10ffff}".as_bytes(),
    b"\x80",
    b"\xbf\xbf",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc2",
    b"\xc2A",
    b"\xc3\xc3\xa9",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xe0\xa0",
    b"\xe6\x9c",
    b"\xe6\x9cA\xe6\x9c\xa8",
    b"\xed\x9f\xbf\xed\xa0\x80",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xed\xbf\xbf",
    b"\xef\xbf\xbd",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xf0\x90\x80",
    b"\xf0\x9f\x98",
    b"\xf0\x9f\x98A",
    b"\xf0\x9f\x98\xf0\x9f\x98\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xff\xfe",
    b"before \xe6\x9c after, more than eight bytes \xff\xff of ASCII",
    b"\xef\xbb",
    b"a\xef\xbb\xbfb",
];

/// The guest.
pub(crate) struct Coding(TextPlugin);

impl Coding {
    pub(crate) fn new(guest: &Path) -> Result<Self, Failed> {
        let host = TextHost::builder()
            .cache(Cache::open(artifacts())?)
            .build()?;
        Ok(Self(TextPlugin::load(&host, guest, Config::default())?))
    }

    fn ask(&mut self, request: &Value) -> Result<Vec<String>, Failed> {
        let result = self.0.process(&request.to_string())?;
        let parts = result.metadata.into_iter().map(|entry| entry.value);
        Ok(parts.collect())
    }

    fn decode(&mut self, chunks: &[&[u8]], options: &Value) -> Result<Vec<String>, Failed> {
        let chunks: Vec<String> = chunks.iter().map(|chunk| hex(chunk)).collect();
        self.ask(&json!({"chunks": chunks, "options": options}))
    }

    /// Decodes bytes in chunks of all sizes, and compares the text with Rust's.
    fn is_like_rust(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let expected = String::from_utf8_lossy(bytes);
        for size in 1..=bytes.len().max(1) {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            let text = self.decode(&chunks, &json!({"ignoreBOM": true}))?.concat();
            if text != expected {
                let bytes = hex(bytes);
                return Err(format!("{bytes} by {size}: {text:?}, not {expected:?}").into());
            }
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is(found: &[String], expected: &[&str]) -> Result<(), Failed> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found:?}, not {expected:?}").into()),
    }
}

fn decodes(coding: &mut Coding) -> Result<(), Failed> {
    BYTES
        .iter()
        .try_for_each(|bytes| coding.is_like_rust(bytes))
}

/// Short sequences of bytes at which the rules change.
fn decodes_random(coding: &mut Coding) -> Result<(), Failed> {
    const ALPHABET: &[u8] =
        b"A\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff";
    // A linear congruential generator: the same bytes in every run.
    let mut state = 1_u64;
    let mut next = |bound: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % bound
    };
    for _ in 0..2000 {
        let length = next(10);
        let bytes: Vec<u8> = (0..length)
            .map(|_| ALPHABET[next(ALPHABET.len())])
            .collect();
        coding.is_like_rust(&bytes)?;
    }
    Ok(())
}

fn fatal(coding: &mut Coding) -> Result<(), Failed> {
    for bytes in BYTES {
        let options = json!({"fatal": true, "ignoreBOM": true});
        let parts = coding.decode(&[bytes], &options)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => is(&[parts.concat()], &[text])?,
            Err(_) => is(&parts, &["TypeError"])?,
        }
    }
    // An error does not affect the texts after it.
    is(
        &coding.ask(&json!({"chunks": ["61"], "label": "utf-16"}))?,
        &["RangeError"],
    )
}

fn cut(coding: &mut Coding) -> Result<(), Failed> {
    let chunks: [&[u8]; 5] = [b"a\xf0", b"\x9f", b"\x98", b"\x80b\xe6\x9c", b"\xa8"];
    let parts = coding.decode(&chunks, &json!({}))?;
    is(&parts, &["a", "", "", "😀b", "木", ""])?;
    // What cannot become a character is not kept.
    let parts = coding.decode(&[b"\xe0\x80", b"\xe6\x9c"], &json!({}))?;
    is(&parts, &["\u{fffd}\u{fffd}", "", "\u{fffd}"])
}

fn mark(coding: &mut Coding) -> Result<(), Failed> {
    let chunks: [&[u8]; 3] = [b"\xef\xbb", b"\xbf\xef\xbb\xbfa", b"\xef\xbb\xbf"];
    let parts = coding.decode(&chunks, &json!({}))?;
    is(&parts, &["", "\u{feff}a", "\u{feff}", ""])?;
    let parts = coding.decode(&chunks, &json!({"ignoreBOM": true}))?;
    is(&parts, &["", "\u{feff}\u{feff}a", "\u{feff}", ""])
}

fn encodes(coding: &mut Coding) -> Result<(), Failed> {
    let long = "é木😀 ASCII\0 ".repeat(10_000);
    for text in ["", "ASCII", "é木😀\u{ffff}\u{10ffff}\u{feff}\0", &long] {
        is(
            &coding.ask(&json!({"text": text}))?,
            &[&hex(text.as_bytes())],
        )?;
    }
    // In JSON, because Rust's strings have no surrogates.
    let replaced = hex("a\u{fffd}b\u{fffd}\u{fffd}😀\u{fffd}".as_bytes());
    let request = r#"{"text": "a\ud800b\udc00\ud800\ud83d\ude00\ud83d"}"#;
    let result = coding.0.process(request)?;
    is(&[result.metadata[0].value.clone()], &[&replaced])
}

fn fits(coding: &mut Coding) -> Result<(), Failed> {
    for (text, room, written, read) in [
        ("abc", 3, "abc", "3"),
        ("abc", 2, "ab", "2"),
        ("a木b", 3, "a", "1"),
        ("a木b", 4, "a木", "2"),
        ("😀", 3, "", "0"),
        ("😀a", 4, "😀", "2"),
        ("😀a", 9, "😀a", "3"),
    ] {
        let parts = coding.ask(&json!({"text": text, "room": room}))?;
        is(&parts, &[&hex(written.as_bytes()), read])?;
    }
    Ok(())
}

//! The language matrix of streams: whole texts, in every language that can stream.
//!
//! The guests, `guests/conformance/stream-*`, run the mode that their configuration names.
//! guests/README.md lists the modes.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kumiki::Level;
use kumiki_build::Toolchain;
use kumiki_text::{Error, ProcessError};
use libtest_mimic::{Failed, Trial};
use test_components::guests::Guest;

use crate::cases::UPPER;
use crate::language::{Loaded, folder, place_of_trap};
use crate::name;

/// The guest's name; `None` if the toolchain cannot build plugins that stream.
fn guest_name(toolchain: Toolchain) -> Option<&'static str> {
    match toolchain {
        Toolchain::Rust => Some("stream-rust"),
        Toolchain::C => Some("stream-c"),
        Toolchain::JavaScript => Some("stream-js"),
        Toolchain::StarlingMonkey => None,
        Toolchain::Python => Some("stream-python"),
        Toolchain::Go => Some("stream-go"),
    }
}

type Case = fn(&Language) -> Result<(), Failed>;

const CASES: [(&str, Case); 13] = [
    ("stream passes through unchanged", passes),
    ("stream of three-byte chunks keeps characters", characters),
    ("stream of cut lines keeps lines", lines),
    ("stream of nothing gives nothing", nothing),
    ("stream of 64 MB takes constant memory", long),
    ("stream may fail before its output", error_first),
    ("stream may fail after some output", error_later),
    ("stream may end before it has read everything", first_word),
    ("endless stream stops when nobody reads it", endless),
    ("stream that nobody reads from the start stops", unread),
    ("trap within a stream is logged", trap),
    ("stream after a trap gets a new instance", after_trap),
    ("records are processed between streams", records),
];

pub(crate) fn trials() -> Vec<Trial> {
    let languages = Toolchain::ALL.into_iter().filter_map(|toolchain| {
        let guest = guest_name(toolchain)?;
        Some(Arc::new(Language::new(toolchain, guest)))
    });
    let trials = languages.flat_map(|language| {
        CASES.map(|(what, case)| {
            let shared = language.clone();
            Trial::test(name(what, language.toolchain), move || case(&shared))
                .with_ignored_flag(language.guest.is_ignored())
                .with_kind(language.guest.label())
        })
    });
    trials.collect()
}

/// A language's guest, compiled once for all trials.
struct Language {
    toolchain: Toolchain,
    guest: Guest,
    loaded: OnceLock<Result<Mutex<Loaded>, String>>,
}

impl Language {
    fn new(toolchain: Toolchain, guest: &'static str) -> Self {
        Self {
            toolchain,
            guest: Guest::find(guest),
            loaded: OnceLock::new(),
        }
    }

    fn loaded(&self) -> Result<MutexGuard<'_, Loaded>, String> {
        let load = || Loaded::load(self.guest.path()?).map(Mutex::new);
        let loaded = self.loaded.get_or_init(load).as_ref();
        let loaded = loaded.map_err(Clone::clone)?;
        Ok(loaded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The output for a text that is read in chunks of this size, in a mode.
    fn output(&self, mode: &str, text: &str, chunk: usize) -> Result<String, Failed> {
        let mut plugin = self.loaded()?.streaming(mode)?;
        let output = plugin.transform(Chunks::new(text, chunk), Vec::new())?;
        Ok(String::from_utf8(output)?)
    }

    /// Compares the output for a text in chunks of many sizes.
    fn gives(&self, mode: &str, text: &str, expected: &str) -> Result<(), Failed> {
        for chunk in [1, 2, 3, 5, 1000, usize::MAX] {
            let output = self.output(mode, text, chunk)?;
            if output != expected {
                return Err(format!("chunks of {chunk}: `{output}`, not `{expected}`").into());
            }
        }
        Ok(())
    }
}

/// A reader that returns at most this many bytes at once.
struct Chunks(io::Cursor<Vec<u8>>, usize);

impl Chunks {
    fn new(text: &str, size: usize) -> Self {
        Self(io::Cursor::new(text.into()), size)
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

/// A text with characters of one to four bytes, without a line end at its end.
const TEXT: &str = "Grüße,\n木組み 😀\n\n\u{feff}é\u{301}\r\n\0last";

fn passes(language: &Language) -> Result<(), Failed> {
    language.gives("pass", TEXT, TEXT)?;
    let long = TEXT.repeat(10_000);
    match language.output("pass", &long, 70_000)? == long {
        true => Ok(()),
        false => Err("a text of many chunks has changed".into()),
    }
}

fn characters(language: &Language) -> Result<(), Failed> {
    for (what, lower, upper) in UPPER {
        language
            .gives("upper", lower, upper)
            .map_err(|error| format!("{what}: {error:?}"))?;
    }
    // Also where the chunks of the stream, of 64 KiB, cut them.
    let (lower, upper) = ("aйⱥ𐐨".repeat(20_000), "AЙȺ𐐀".repeat(20_000));
    match language.output("upper", &lower, usize::MAX)? == upper {
        true => Ok(()),
        false => Err("a text of many chunks is not in upper case".into()),
    }
}

fn lines(language: &Language) -> Result<(), Failed> {
    let numbered = "1 Grüße,\n2 木組み 😀\n3 \n4 \u{feff}é\u{301}\r\n5 \0last";
    language.gives("lines", TEXT, numbered)?;
    let long = "line\n".repeat(30_000);
    let output = language.output("lines", &long, usize::MAX)?;
    let numbers = output.lines().zip(1..);
    let is_right = |(line, number): (&str, u32)| line == format!("{number} line");
    match output.lines().count() == 30_000 && numbers.clone().all(is_right) {
        true => Ok(()),
        false => Err("lines of a long text are missing or cut".into()),
    }
}

fn nothing(language: &Language) -> Result<(), Failed> {
    for mode in ["pass", "upper", "lines"] {
        language.gives(mode, "", "")?;
    }
    Ok(())
}

/// Counts what is written.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn long(language: &Language) -> Result<(), Failed> {
    const MEGABYTES: usize = 64;
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming("pass")?;
    let mut run = |megabytes: usize| {
        let input = io::repeat(b'x').take((megabytes as u64) << 20);
        let Count(written) = plugin.transform(input, Count(0))?;
        Ok::<_, Failed>((written, plugin.memory()))
    };
    let (_, before) = run(4)?;
    let (written, after) = run(MEGABYTES)?;
    match written == (MEGABYTES as u64) << 20 && after <= before + (2 << 20) {
        true => Ok(()),
        false => Err(format!("{written} bytes, memory {before}, then {after}").into()),
    }
}

/// The output before an error of the contract.
fn fails(language: &Language, mode: &str, expected: &str) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming(mode)?;
    for _ in 0..2 {
        let written = Written::default();
        match plugin.transform(Chunks::new(TEXT, 3), written.clone()) {
            Err(Error::Plugin {
                error: ProcessError::UnsupportedFormat,
                ..
            }) if written.text() == expected => {}
            result => return Err(format!("{:?}, {}", result.map(drop), written.text()).into()),
        }
    }
    Ok(())
}

/// A writer that other owners can read.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn error_first(language: &Language) -> Result<(), Failed> {
    fails(language, "error first", "")
}

fn error_later(language: &Language) -> Result<(), Failed> {
    fails(language, "error later", "some")
}

/// The input has no end.
fn first_word(language: &Language) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming("first word")?;
    for _ in 0..2 {
        let output = plugin.transform(io::repeat(b'x'), Vec::new())?;
        if output != b"word" {
            return Err(format!("{output:?}").into());
        }
    }
    Ok(())
}

/// A writer whose reader goes away after this many bytes.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = bytes.len().min(self.0);
        self.0 -= length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The guest sees that nobody reads, and its instance stays.
fn stops(language: &Language, mode: &str, length: usize) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming(mode)?;
    loaded.take_events();
    for _ in 0..3 {
        match plugin.transform(io::repeat(b'x'), Pipe(length)) {
            Err(Error::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {}
            result => return Err(format!("{:?}", result.map(drop)).into()),
        }
    }
    let events = loaded.take_events();
    match events.ended == 0 && events.log.is_empty() {
        true => Ok(()),
        false => Err(format!("{events:?}").into()),
    }
}

fn endless(language: &Language) -> Result<(), Failed> {
    stops(language, "endless", 1 << 20)?;
    stops(language, "pass", 1 << 20)
}

fn unread(language: &Language) -> Result<(), Failed> {
    stops(language, "endless", 0)?;
    stops(language, "pass", 0)
}

/// The log has the message, the file and the line.
fn trap(language: &Language) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming("trap later")?;
    loaded.take_events();
    let written = Written::default();
    let result = plugin.transform(Chunks::new(TEXT, 3), written.clone());
    if !matches!(result, Err(Error::Host(kumiki::Error::Trap { .. }))) || written.text() != "some" {
        return Err(format!("{:?}, {}", result.map(drop), written.text()).into());
    }
    let place = place_of_trap(&folder(language.guest.name), language.toolchain)?;
    let log = loaded.take_events().log;
    let says = |(level, message): &(Level, String)| {
        *level == Level::Error && message.contains("on purpose") && message.contains(&place)
    };
    match log.iter().filter(|record| says(record)).count() {
        1 => Ok(()),
        _ => Err(format!("no `on purpose` at {place}: {log:?}").into()),
    }
}

fn after_trap(language: &Language) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming("trap later")?;
    let trapped = plugin.transform(Chunks::new(TEXT, 3), Vec::new()).is_err();
    let output = plugin.process("abc")?.output;
    let again = plugin.transform(Chunks::new(TEXT, 3), Vec::new()).is_err();
    match trapped && output == "ABC" && again {
        true => Ok(()),
        false => Err(format!("{trapped}, {output}, {again}").into()),
    }
}

fn records(language: &Language) -> Result<(), Failed> {
    let loaded = language.loaded()?;
    let mut plugin = loaded.streaming("pass")?;
    for _ in 0..3 {
        let output = plugin.process("abc")?.output;
        let text = plugin.transform(Chunks::new(TEXT, 3), Vec::new())?;
        if output != "ABC" || text != TEXT.as_bytes() {
            return Err(format!("{output}, {text:?}").into());
        }
    }
    Ok(())
}

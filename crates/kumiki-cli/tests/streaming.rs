//! Whole texts of any length: `TextPlugin::transform` with guests in real languages.

#[path = "streaming/program.rs"]
mod program;
#[path = "streaming/text_coding.rs"]
mod text_coding;

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kumiki::{Cache, Limit, Limits};
use kumiki_text::{Config, Error, ProcessError, TextHost, TextPlugin, conformance};
use libtest_mimic::{Arguments, Failed, Trial};
use test_components::guests::{Guest, artifacts};

type Case = fn(&mut Stage) -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let cases: [(&str, Case); 20] = [
        ("shows the types of its streams", types),
        ("upper-cases a text", upper),
        ("reads chunks of any size", chunks),
        ("transforms a long text in constant memory", long),
        ("transforms an empty text", empty),
        ("reports an error before its output", error_first),
        ("reports an error after some output", error_later),
        ("traps after some output", trap_later),
        ("ends without reading its input", first_word),
        ("may not write invalid UTF-8", invalid),
        ("may not end within a character", cut),
        ("ends when its output cannot be written", full),
        ("ends when its input cannot be read", unreadable),
        ("gets only UTF-8", not_utf8),
        ("has a time limit while it computes", spin),
        ("has a time limit while it waits", wait),
        ("still processes single records", records),
        ("may not wait in a synchronous function", wait_in_record),
        ("stops when nobody reads its output", unread),
        ("passes the conformance checks", conforms),
    ];
    let cases = cases.into_iter().map(|(name, case)| trial(name, case));
    let programs = program::CASES.into_iter();
    let programs = programs.map(|(name, case)| program_trial(name, case));
    let codings = text_coding::CASES.into_iter();
    let codings = codings.map(|(name, case)| coding_trial(name, case));
    let trials = cases.chain(programs).chain(codings).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, case: Case) -> Trial {
    guest_trial("stream-c", name, move |path| case(&mut Stage::new(path)?))
}

/// A test of `kumiki run --whole`.
fn program_trial(name: &str, case: program::Case) -> Trial {
    guest_trial("stream-c", name, move |path| {
        case(&program::Program::new(path)?)
    })
}

/// A test of the classes for text in JavaScript.
fn coding_trial(name: &str, case: text_coding::Case) -> Trial {
    guest_trial("coding-js", name, move |path| {
        case(&mut text_coding::Coding::new(path)?)
    })
}

fn guest_trial(
    guest: &'static str,
    name: &str,
    case: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let guest = Guest::find(guest);
    let (ignored, label) = (guest.is_ignored(), guest.label());
    Trial::test(format!("{} {name}", guest.name), move || {
        case(guest.path()?)
    })
    .with_ignored_flag(ignored)
    .with_kind(label)
}

/// A host with a guest, and what the guest has written.
struct Stage {
    host: TextHost,
    path: std::path::PathBuf,
    written: Written,
}

impl Stage {
    fn new(path: &Path) -> Result<Self, Failed> {
        let limits = Limits::default().with_time(Duration::from_millis(300));
        let cache = Cache::open(artifacts())?;
        Ok(Self {
            host: TextHost::builder().limits(limits).cache(cache).build()?,
            path: path.to_owned(),
            written: Written::default(),
        })
    }

    /// The guest, in a mode.
    fn plugin(&self, mode: &str) -> Result<TextPlugin, Failed> {
        let config: Config = [("mode", mode)].into_iter().collect();
        Ok(TextPlugin::load(&self.host, &self.path, config)?)
    }

    /// Transforms a text in a mode, twice with the same plugin, which must give the same
    /// result.
    fn transform(&mut self, mode: &str, input: &'static str) -> Result<Outcome, Failed> {
        let mut plugin = self.plugin(mode)?;
        let mut run = || {
            self.written = Written::default();
            let result = plugin.transform(input.as_bytes(), self.written.clone());
            Outcome {
                result: result.map(drop),
                written: self.written.text(),
            }
        };
        let (first, second) = (run(), run());
        match format!("{first:?}") == format!("{second:?}") {
            true => Ok(first),
            false => Err(format!("first {first:?}, then {second:?}").into()),
        }
    }
}

#[derive(Debug)]
struct Outcome {
    result: Result<(), Error>,
    written: String,
}

impl Outcome {
    /// Checks the output, and that it is complete.
    fn is(self, expected: &str) -> Result<(), Failed> {
        match self.result.is_ok() && self.written == expected {
            true => Ok(()),
            false => Err(format!("{self:?}").into()),
        }
    }

    /// Checks the output before an error, and the error.
    fn fails(self, written: &str, is_expected: fn(&Error) -> bool) -> Result<(), Failed> {
        match self.written == written && self.result.as_ref().is_err_and(is_expected) {
            true => Ok(()),
            false => Err(format!("{self:?}").into()),
        }
    }
}

/// A writer that other owners can read.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("no test panics with it");
        String::from_utf8(bytes.clone()).expect("only UTF-8 is written")
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn upper(stage: &mut Stage) -> Result<(), Failed> {
    stage.transform("", "Grüße, 木!\n")?.is("GRüßE, 木!\n")
}

/// A reader that returns at most this many bytes at once.
struct Pieces(&'static [u8], usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

fn chunks(stage: &mut Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin("")?;
    for size in [1, 2, 3, 5, 100] {
        let pieces = Pieces("a木b😀c".as_bytes(), size);
        let output = plugin.transform(pieces, Vec::new())?;
        if output != "A木B😀C".as_bytes() {
            return Err(format!("{size}: {output:?}").into());
        }
    }
    Ok(())
}

/// Counts what is written, all of which must be the same byte.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        match bytes.iter().all(|byte| *byte == b'X') {
            true => Ok(bytes.len()),
            false => Err(io::Error::other("another byte")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It takes longer than the time limit, which is for the time without progress.
fn long(stage: &mut Stage) -> Result<(), Failed> {
    const LENGTH: u64 = 64 << 20;
    let mut plugin = stage.plugin("")?;
    let Count(length) = plugin.transform(io::repeat(b'x').take(LENGTH), Count(0))?;
    let memory = plugin.memory();
    match length == LENGTH && memory < 2 << 20 {
        true => Ok(()),
        false => Err(format!("{length} bytes, {memory} bytes of memory").into()),
    }
}

fn empty(stage: &mut Stage) -> Result<(), Failed> {
    stage.transform("", "")?.is("")
}

fn is_unsupported(error: &Error) -> bool {
    let expected = ProcessError::UnsupportedFormat;
    matches!(error, Error::Plugin { error, .. } if *error == expected)
}

fn error_first(stage: &mut Stage) -> Result<(), Failed> {
    stage
        .transform("error first", "abc")?
        .fails("", is_unsupported)
}

fn error_later(stage: &mut Stage) -> Result<(), Failed> {
    stage
        .transform("error later", "abc")?
        .fails("some", is_unsupported)
}

fn trap_later(stage: &mut Stage) -> Result<(), Failed> {
    let is_trap = |error: &Error| matches!(error, Error::Host(kumiki::Error::Trap { .. }));
    stage.transform("trap later", "abc")?.fails("some", is_trap)
}

fn first_word(stage: &mut Stage) -> Result<(), Failed> {
    stage.transform("first word", "abc")?.is("word")
}

fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Stream { message, .. } if message.contains("not UTF-8 from byte 1 on"))
}

fn invalid(stage: &mut Stage) -> Result<(), Failed> {
    stage.written = Written::default();
    let mut plugin = stage.plugin("invalid")?;
    let result = plugin.transform(&b"abc"[..], io::sink());
    match result.as_ref().is_err_and(is_broken) {
        true => Ok(()),
        false => Err(format!("{result:?}").into()),
    }
}

fn cut(stage: &mut Stage) -> Result<(), Failed> {
    let result = stage.plugin("cut")?.transform(&b"abc"[..], io::sink());
    match result.as_ref().is_err_and(is_broken) {
        true => Ok(()),
        false => Err(format!("{result:?}").into()),
    }
}

/// A writer with room for a megabyte, like a disk.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn full(stage: &mut Stage) -> Result<(), Failed> {
    let result = stage
        .plugin("endless")?
        .transform(io::empty(), Disk(1 << 20));
    match result {
        Err(Error::Output { source, .. }) if source.kind() == io::ErrorKind::StorageFull => Ok(()),
        result => Err(format!("{:?}", result.map(drop)).into()),
    }
}

/// A reader that fails after some bytes.
struct Unreadable(bool);

impl Read for Unreadable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        buffer[..3].copy_from_slice(b"abc");
        Ok(3)
    }
}

fn unreadable(stage: &mut Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin("")?;
    match plugin.transform(Unreadable(false), stage.written.clone()) {
        Err(Error::Input { source, .. }) if source.kind() == io::ErrorKind::ConnectionReset => {}
        result => return Err(format!("{:?}", result.map(drop)).into()),
    }
    match stage.written.text() == "ABC" && plugin.transform(&b"x"[..], Vec::new())? == b"X" {
        true => Ok(()),
        false => Err(stage.written.text().into()),
    }
}

fn not_utf8(stage: &mut Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin("")?;
    for input in [&b"ab\xffcd"[..], b"ab\xe6\x9c"] {
        match plugin.transform(input, io::sink()) {
            Err(Error::Input { source, .. })
                if source.to_string() == "it is not UTF-8 from byte 2 on" => {}
            result => return Err(format!("{:?}", result.map(drop)).into()),
        }
    }
    Ok(())
}

fn is_time(error: &Error) -> bool {
    let limit = match error {
        Error::Host(kumiki::Error::Limit { limit, .. }) => limit,
        _ => return false,
    };
    matches!(limit, Limit::Time(_))
}

fn spin(stage: &mut Stage) -> Result<(), Failed> {
    stage.transform("spin", "abc")?.fails("", is_time)
}

fn wait(stage: &mut Stage) -> Result<(), Failed> {
    stage.transform("wait", "abc")?.fails("", is_time)
}

fn records(stage: &mut Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin("")?;
    for _ in 0..3 {
        let output = plugin.process("abc")?.output;
        let text = plugin.transform(&b"def"[..], Vec::new())?;
        if output != "ABC" || text != b"DEF" {
            return Err(format!("{output}, {text:?}").into());
        }
    }
    Ok(())
}

fn wait_in_record(stage: &mut Stage) -> Result<(), Failed> {
    match stage.plugin("wait")?.process("abc") {
        Err(Error::Host(kumiki::Error::Trap { message, .. })) if message.contains("block") => {
            Ok(())
        }
        result => Err(format!("{result:?}").into()),
    }
}

/// A writer that nobody reads from.
struct Unread;

impl Write for Unread {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The plugin sees it, and its instance stays.
fn unread(stage: &mut Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin("endless")?;
    match plugin.transform(io::empty(), Unread) {
        Err(Error::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {}
        result => return Err(format!("{:?}", result.map(drop)).into()),
    }
    match plugin.memory() > 0 {
        true => Ok(()),
        false => Err("its instance has ended".into()),
    }
}

fn conforms(stage: &mut Stage) -> Result<(), Failed> {
    let plugin = stage.host.load(&stage.path)?;
    let mut findings = Vec::new();
    conformance::check(&plugin, |finding| findings.push(finding));
    let failed: Vec<_> = findings.iter().filter(|it| it.outcome.is_err()).collect();
    match failed.is_empty() && findings.len() == conformance::count(&plugin) {
        true => Ok(()),
        false => Err(format!("{failed:?} of {}", findings.len()).into()),
    }
}

fn types(stage: &mut Stage) -> Result<(), Failed> {
    let plugin = kumiki::Host::<kumiki::Any>::new()?.load(&stage.path)?;
    let functions: Vec<_> = plugin.functions().iter().map(ToString::to_string).collect();
    let expected = "myapp:text-processor/streaming#transform: async func(input: stream<u8>) -> \
                    tuple<stream<u8>, future<result<_, enum { invalid-input, \
                    unsupported-format, internal-error }>>>";
    match functions.iter().any(|function| function == expected) {
        true => Ok(()),
        false => Err(format!("{functions:?}").into()),
    }
}

//! `kumiki run` on plugins in real languages, built from source.
//!
//! The expected answers of each guest are in its language's section. Other tests
//! apply to all guests.

use std::path::Path;
use std::process::Command;

use kumiki::Cache;
use kumiki::inspect::Interfaces;
use kumiki_text::{CallMode, Config, Error, ProcessError, TextHost, TextPlugin, conformance};
use libtest_mimic::{Arguments, Failed, Trial};
use test_components::guests::{Guest, artifacts};

/// The three published examples, which `cargo xtask demo` runs.
const EXAMPLES: [&str; 3] = ["text-upper", "text-reverse-c", "text-wordcount-js"];
/// Built for the same contract with other tools, with WASI imports.
const FOREIGN: [&str; 4] = [
    "upper-wasip1",
    "upper-wasip2",
    "upper-python",
    "upper-starlingmonkey",
];

type Case = fn(&Path) -> Result<(), Failed>;

/// A host with a cache, so that no guest is compiled twice.
fn host() -> kumiki::Result<TextHost> {
    TextHost::builder().cache(Cache::open(artifacts())?).build()
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        trial("upper-cases", "text-upper", text_upper),
        trial("reverses scalar values", "text-reverse-c", text_reverse),
        trial("counts words", "text-wordcount-js", text_wordcount),
        trial("returns and throws every error", "errors-js", js_errors),
        trial(
            "returns and throws every error",
            "errors-starlingmonkey",
            js_errors,
        ),
        trial("returns and throws every error", "errors-ts", ts_errors),
        trial("title-cases", "text-title-py", text_title),
        trial("makes slugs", "text-slug-go", text_slug),
        trial("behaves in every mode that a host can test", "probe", probe),
        trial("leak is reported", "leak-c", leak_c),
        trial("logs panics and has its SDK stamp", "sdk-rust", rust_sdk),
    ];
    for guest in [
        &EXAMPLES[..],
        &["text-title-py", "text-slug-go", "sdk-rust"],
    ]
    .concat()
    {
        trials.push(trial(
            "has its name and version",
            guest,
            has_name_and_version,
        ));
        trials.push(trial("passes the conformance kit", guest, conforms));
        trials.push(trial("imports no WASI", guest, imports_no_wasi));
    }
    for guest in FOREIGN {
        trials.push(trial("loads and runs unchanged", guest, foreign));
    }
    trials.push(all_three());
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, guest: &'static str, case: Case) -> Trial {
    let found = Guest::find(guest);
    let (ignored, label) = (found.is_ignored(), found.label());
    Trial::test(format!("{guest} {name}"), move || case(found.path()?))
        .with_ignored_flag(ignored)
        .with_kind(label)
}

/// Loads a guest, without reading its log.
fn load(path: &Path) -> Result<TextPlugin, Failed> {
    Ok(TextPlugin::load(&host()?, path, Config::default())?)
}

/// The answer of a guest to an input: its output and metadata, or its error.
fn answer(plugin: &mut TextPlugin, input: &str) -> Result<String, Failed> {
    match plugin.process(input) {
        Ok(result) => {
            let metadata = result
                .metadata
                .iter()
                .map(|entry| format!("|{}={}", entry.key, entry.value));
            Ok(result.output + &metadata.collect::<String>())
        }
        Err(Error::Plugin {
            error: ProcessError::InvalidInput,
            ..
        }) => Ok("invalid-input".into()),
        Err(error) => Err(error.into()),
    }
}

fn check(path: &Path, cases: &[(&str, &str)]) -> Result<(), Failed> {
    let mut plugin = load(path)?;
    for (input, expected) in cases {
        let answer = answer(&mut plugin, input)?;
        if answer != *expected {
            return Err(format!("`{input}` gave `{answer}`, not `{expected}`").into());
        }
    }
    Ok(())
}

fn text_upper(path: &Path) -> Result<(), Failed> {
    check(
        path,
        &[
            ("", "invalid-input"),
            (
                "Hello, Component Model!",
                "HELLO, COMPONENT MODEL!|original_length=23|transform=uppercase",
            ),
            (" ", " |original_length=1|transform=uppercase"),
            ("straße", "STRASSE|original_length=7|transform=uppercase"),
            (
                "ὀδυσσεύς",
                "ὈΔΥΣΣΕΎΣ|original_length=17|transform=uppercase",
            ),
            ("組木 😀", "組木 😀|original_length=11|transform=uppercase"),
            ("a\0b\r\n", "A\0B\r\n|original_length=5|transform=uppercase"),
        ],
    )
}

fn text_reverse(path: &Path) -> Result<(), Failed> {
    check(
        path,
        &[
            ("", "invalid-input"),
            ("Hello!", "!olleH|transform=reverse"),
            ("a", "a|transform=reverse"),
            ("aé木😀", "😀木éa|transform=reverse"),
            ("e\u{301}x", "x\u{301}e|transform=reverse"),
            (
                "\u{10ffff}\u{800}\u{7ff}\u{80}\u{7f}\0",
                "\0\u{7f}\u{80}\u{7ff}\u{800}\u{10ffff}|transform=reverse",
            ),
            ("👩‍👧", "👧\u{200d}👩|transform=reverse"),
        ],
    )
}

fn text_wordcount(path: &Path) -> Result<(), Failed> {
    let counts = |words: usize, characters: usize| {
        format!(
            "Words: {words}, Characters: {characters}\
             |word_count={words}|char_count={characters}|transform=wordcount"
        )
    };
    let expected = [
        counts(3, 23),
        counts(1, 1),
        counts(2, 5),
        counts(2, 6),
        counts(4, 9),
    ];
    check(
        path,
        &[
            ("", "invalid-input"),
            (" \t\n\u{3000}", "invalid-input"),
            ("Hello, Component Model!", &expected[0]),
            ("😀", &expected[1]),
            ("組木\u{3000}木組", &expected[2]),
            ("  a  b", &expected[3]),
            ("a\nb\tc\r\nd ", &expected[4]),
        ],
    )
}

fn text_title(path: &Path) -> Result<(), Failed> {
    check(
        path,
        &[
            ("", "invalid-input"),
            (
                "hello, component MODEL!",
                "Hello, Component Model!|words=3|transform=titlecase",
            ),
            ("it's ßtrange", "It's Sstrange|words=2|transform=titlecase"),
            (
                "  組木\u{3000}ǆungla ",
                "  組木\u{3000}ǅungla |words=2|transform=titlecase",
            ),
            (" ", " |words=0|transform=titlecase"),
        ],
    )
}

fn text_slug(path: &Path) -> Result<(), Failed> {
    check(
        path,
        &[
            ("", "invalid-input"),
            (" .,-!\u{3000}", "invalid-input"),
            (
                "Hello, Component Model!",
                "hello-component-model|words=3|transform=slug",
            ),
            (
                "--Crème  brûlée: 2€ -- ΣΊΣΥΦΟΣ",
                "crème-brûlée-2-σίσυφοσ|words=4|transform=slug",
            ),
            (
                "e\u{301}a 組木😀x",
                "e\u{301}a-組木-x|words=3|transform=slug",
            ),
            ("a\0b\u{10ffff}c", "a-b-c|words=3|transform=slug"),
        ],
    )
}

fn has_name_and_version(path: &Path) -> Result<(), Failed> {
    let plugin = load(path)?;
    let file = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    assert_eq!((plugin.name(), plugin.version()), (file, "0.1.0"));
    Ok(())
}

/// The checks of `kumiki check`. They include 100,000 calls without memory growth, in
/// which a leak of one byte per call would exceed a page.
fn conforms(path: &Path) -> Result<(), Failed> {
    let plugin = host()?.load(path)?;
    let mut failures = Vec::new();
    conformance::check(&plugin, |finding| {
        if let Err(wrong) = finding.outcome {
            failures.push(format!("{}: {wrong}", finding.check));
        }
    });
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n").into())
    }
}

fn imports_wasi(path: &Path) -> Result<bool, Failed> {
    let interfaces = Interfaces::of("guest", &std::fs::read(path)?)?;
    Ok(interfaces
        .imports
        .iter()
        .any(|name| name.starts_with("wasi:")))
}

fn imports_no_wasi(path: &Path) -> Result<(), Failed> {
    if imports_wasi(path)? {
        Err("it imports WASI".into())
    } else {
        Ok(())
    }
}

fn foreign(path: &Path) -> Result<(), Failed> {
    let mut plugin = load(path)?;
    for (input, output) in [("Hello!", "HELLO!"), ("straße 組木 😀", "STRASSE 組木 😀")] {
        let result = plugin.process(input)?;
        assert_eq!(result.output, output);
        for entry in &result.metadata {
            match &*entry.key {
                // Nothing is granted, so it cannot see anything of this machine.
                "environment_variables" => assert_eq!(entry.value, "0"),
                "file_readable" => assert_eq!(entry.value, "false"),
                _ => {}
            }
        }
    }
    let error = plugin.process("").expect_err("empty input is refused");
    assert_eq!(error.kind(), "invalid-input");
    // These guests are components that import WASI.
    if !imports_wasi(path)? {
        return Err("it imports no WASI, so this test proves nothing".into());
    }
    Ok(())
}

fn probe(path: &Path) -> Result<(), Failed> {
    let mut plugin = load(path)?;
    for (input, expected) in [
        ("calls", "1"),
        ("calls", "2"),
        ("trap", "trap"),
        // The instance is new after the trap.
        ("calls", "1"),
        ("panic on purpose", "trap"),
        ("recurse", "trap"),
        ("grow 4000000000", "internal-error"),
        ("size 100000000", "100000000 bytes"),
        ("nonsense", "invalid-input"),
    ] {
        let answer = match plugin.process(input) {
            Ok(result) if result.output.len() > 100 => format!("{} bytes", result.output.len()),
            Ok(result) => result.output,
            Err(error) => error.kind().to_owned(),
        };
        assert_eq!(answer, expected, "{input}");
    }
    let limits = kumiki::Limits::default().with_time(std::time::Duration::from_millis(500));
    let host = TextHost::builder()
        .limits(limits)
        .cache(Cache::open(artifacts())?)
        .build()?;
    let mut plugin = TextPlugin::load(&host, path, Config::default())?;
    assert_eq!(
        plugin
            .process("loop")
            .expect_err("the call is endless")
            .kind(),
        "limit"
    );
    Ok(())
}

/// The module of errors-js, which both JavaScript engines run.
fn js_errors(path: &Path) -> Result<(), Failed> {
    errors(path, "plugin.js:24", "plugin.js:26")
}

/// Another source with other line numbers, which must give the same answers.
fn ts_errors(path: &Path) -> Result<(), Failed> {
    errors(path, "plugin.ts:31", "mistakes.ts:14")
}

/// Errors that are thrown or returned, and an uncaught `Error`: it is logged with its
/// message, file and line before the call traps.
fn errors(path: &Path, thrown_at: &str, mistaken_at: &str) -> Result<(), Failed> {
    let mut plugin = load(path)?;
    let cases = [
        ("plain", "plain"),
        ("", "invalid-input"),
        ("throw", "unsupported-format"),
        ("throw payload", "unsupported-format"),
        ("return err", "internal-error"),
        ("return ok", "tagged"),
        ("error", "trap"),
        ("mistake", "trap"),
        ("misspelled", "trap"),
        ("plain", "plain"),
    ];
    // Singly and in a batch: an error of one record does not affect the others.
    assert_eq!(plugin.mode(), CallMode::Batch);
    let together = plugin.process_all(&cases.iter().map(|(input, _)| *input).collect());
    for ((input, expected), together) in cases.into_iter().zip(together.iter()) {
        let single = match plugin.process(input) {
            Ok(result) => result.output,
            Err(error) => error.kind().to_owned(),
        };
        let together = match together {
            Ok(answer) => answer.output,
            Err(error) => error.kind(),
        };
        assert_eq!((&*single, together), (expected, expected), "{input}");
    }
    let text = complaints(path, &["--text", "misspelled"])?;
    assert!(
        text.contains("] error: uncaught \"invalid-inptu\"\n"),
        "{text}"
    );
    let folder = tempfile::tempdir()?;
    let records = folder.path().join("records");
    std::fs::write(&records, "error\nmistake\n")?;
    let text = complaints(path, &[&records.display().to_string()])?;
    let logged: Vec<_> = text
        .lines()
        .filter(|line| line.contains("] error: uncaught TypeError: "))
        .collect();
    // The first record ends the batch call, and both are called again singly.
    let [together, thrown, mistaken] = logged[..] else {
        return Err(format!("there are not three log records: {text}").into());
    };
    assert!(thrown.contains(": on purpose\\n"), "{thrown}");
    for (logged, place) in [
        (together, thrown_at),
        (thrown, thrown_at),
        (mistaken, mistaken_at),
    ] {
        assert!(logged.contains(place), "no `{place}` in: {logged}");
        // Locations in the wrapper do not help the author.
        for foreign in ["kumiki-", "initializer", "user.js", "native"] {
            assert!(!logged.contains(foreign), "`{foreign}` in: {logged}");
        }
    }
    Ok(())
}

/// What `kumiki run` prints to standard error.
fn complaints(plugin: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let mut kumiki = Command::new(env!("CARGO_BIN_EXE_kumiki"));
    kumiki.args(["run", "-p"]).arg(plugin).args(arguments);
    Ok(String::from_utf8_lossy(&kumiki.output()?.stderr).into_owned())
}

/// A C plugin that does not free its input: both programs report how much it leaks and
/// which function call is missing.
fn leak_c(path: &Path) -> Result<(), Failed> {
    for command in ["check", "doctor"] {
        let mut kumiki = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        let output = kumiki.arg(command).arg(path).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        for expected in [
            "its memory grew by ",
            " bytes per call",
            "`text_plugin_string_free`",
        ] {
            if !text.contains(expected) {
                return Err(
                    format!("`kumiki {command}` does not print `{expected}`: {text}").into(),
                );
            }
        }
        assert_eq!(output.status.code(), Some(1), "{command}");
    }
    Ok(())
}

fn rust_sdk(path: &Path) -> Result<(), Failed> {
    check(
        path,
        &[("", "invalid-input"), ("straße", "STRASSE|bytes=7")],
    )?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
    let output = command
        .args(["run", "-o", "raw", "-p"])
        .arg(path)
        .args(["-t", "panic on purpose"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let logged = text.lines().any(|line| {
        line.starts_with("[sdk-rust] error: panicked at ") && line.ends_with(":\\non purpose")
    });
    assert!(logged, "{text}");
    assert_eq!(output.status.code(), Some(1));

    let inspection = kumiki::inspect::Inspection::of(&std::fs::read(path)?);
    assert!(
        inspection
            .producers
            .iter()
            .any(|producer| producer.name == "kumiki-plugin"),
        "{:?}",
        inspection.producers
    );
    Ok(())
}

/// The README's command: the three examples on one text, with the real program.
fn all_three() -> Trial {
    let guests = EXAMPLES.map(Guest::find);
    let ignored = guests.iter().any(Guest::is_ignored);
    let label = guests
        .iter()
        .map(Guest::label)
        .find(|label| !label.is_empty());
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        command.args(["run", "--text", "Hello, Component Model!"]);
        for guest in &guests {
            command.arg("-p").arg(guest.path()?);
        }
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            text,
            "[text-upper] Output: HELLO, COMPONENT MODEL!\n  original_length: 23\n  \
             transform: uppercase\n\
             [text-reverse-c] Output: !ledoM tnenopmoC ,olleH\n  transform: reverse\n\
             [text-wordcount-js] Output: Words: 3, Characters: 23\n  word_count: 3\n  \
             char_count: 23\n  transform: wordcount\n"
        );
        assert!(output.status.success());
        Ok(())
    };
    Trial::test("all three examples in one run", run)
        .with_ignored_flag(ignored)
        .with_kind(label.unwrap_or_default())
}

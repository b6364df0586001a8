//! The table of expected results, the same for every language.

use kumiki::Level;
use kumiki_build::Toolchain;
use kumiki_text::{Config, KeyValue, ProcessError, ProcessResult};

/// A trial in each language: calls of one plugin, in order.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) calls: Vec<Call>,
}

/// An input and its expected result.
pub(crate) struct Call {
    pub(crate) input: String,
    pub(crate) answer: Answer,
    /// The expected log records, in order.
    pub(crate) log: Vec<(Level, String)>,
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Result(ProcessResult),
    Error(ProcessError),
    Trap,
}

/// Characters and their upper case, one for one, on which all standard libraries
/// agree. Omitted are those on which they differ: Go and C do not change characters
/// that become two (ß), and C does not change non-letters (ⓐ).
pub(crate) const UPPER: [(&str, &str, &str); 12] = [
    ("ASCII", "az09 !", "AZ09 !"),
    ("Latin", "àéîõüøāž", "ÀÉÎÕÜØĀŽ"),
    ("Greek with the final sigma", "αωάσς", "ΑΩΆΣΣ"),
    ("Cyrillic", "аяёѐ", "АЯЁЀ"),
    ("Armenian", "աֆ", "ԱՖ"),
    ("Georgian", "აჰ", "ᲐᲰ"),
    ("Cherokee", "ꭰꮿ", "ᎠᏯ"),
    ("Deseret and Adlam, beyond U+FFFF", "𐐨𐑏𞤢𞥃", "𐐀𐐧𞤀𞤡"),
    ("of another length in UTF-8", "ıſɐȿⱥ", "ISⱯⱾȺ"),
    ("of another block", "ÿµƿ", "ŸΜǷ"),
    ("Roman numerals and full width", "ⅰｚ", "ⅠＺ"),
    ("without case", "木א\u{301}😀\0", "木א\u{301}😀\0"),
];

/// Texts that reveal wrong counting or conversion in a language or its bindings.
const DEEP: [(&str, &str); 9] = [
    ("astral planes", "😀𝒳𐀀𠀀𪛖\u{1f1ef}\u{1f1f5}"),
    (
        "combining marks",
        "e\u{301}a\u{308}\u{323}Z\u{351}\u{36b}각",
    ),
    ("joined emoji", "👩\u{200d}👩\u{200d}👧\u{1f3fd}\u{fe0f}"),
    (
        "NUL and controls",
        "\0a\0\u{1}\u{1b}[31m\u{7f}\u{80}\u{9f}\r\n\t",
    ),
    (
        "right to left",
        "שלום \u{202e}abc\u{202c} \u{2067}مرحبا\u{2069}",
    ),
    ("zero width", "a\u{200b}b\u{2060}c\u{200c}d\u{ad}\u{feff}"),
    (
        "noncharacters",
        "\u{ffff}\u{fffe}\u{fdd0}\u{fdef}\u{1fffe}\u{1ffff}\u{10fffe}\u{10ffff}",
    ),
    (
        "borders of UTF-8 and UTF-16",
        "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}",
    ),
    (
        "the replacement character",
        "\u{fffd}\u{fffc}\u{e000}\u{f8ff}",
    ),
];

/// U+FEFF, which is an ordinary character except at the beginning of a file.
const MARK: &str = "\u{feff}";

/// The configuration of all plugins in the matrix.
pub(crate) fn config() -> Config {
    let plain = [
        ("mode", "fast"),
        ("empty", ""),
        ("", "of the empty key"),
        ("marks", "\u{feff}\u{feff}text"),
    ];
    let deep = DEEP.iter().map(|(_, text)| (*text, *text));
    plain.into_iter().chain(deep).collect()
}

/// The table, the same for every toolchain except for the bug in [`byte_order_mark`].
pub(crate) fn cases(toolchain: Toolchain) -> Vec<Case> {
    let mut cases = vec![
        case(
            "echo",
            vec![
                call(
                    "echo Hello, Component Model!",
                    output("Hello, Component Model!"),
                ),
                call("echo ", output("")),
                call("echo  a  b ", output(" a  b ")),
            ],
        ),
        case(
            "upper-case of the table",
            UPPER
                .iter()
                .map(|(_, from, to)| call(format!("upper {from}"), output(*to)))
                .collect(),
        ),
        case("log at each level", log_at_each_level()),
        case(
            "configuration present",
            vec![
                call("config mode", output("fast")),
                call("config empty", output("")),
                call("config ", output("of the empty key")),
            ],
        ),
        case(
            "configuration absent",
            vec![
                call("config other", metadata([("absent", "other")])),
                call("config Mode", metadata([("absent", "Mode")])),
            ],
        ),
        case(
            "1,000 entries of metadata",
            vec![
                call("metadata 1000", metadata(thousand())),
                call("metadata 0", output("")),
            ],
        ),
        case("1 MB string", megabyte()),
        case(
            "trap",
            vec![
                call("trap", Answer::Trap),
                call("echo alive", output("alive")),
            ],
        ),
        case("a trap and an error among other records", failing_records()),
        // The matrix relies on guests to report unknown commands.
        case(
            "unknown command",
            vec![call(
                "no-such-command of any",
                metadata([("unknown", "no-such-command of any")]),
            )],
        ),
    ];
    cases.push(byte_order_mark(toolchain));
    cases.extend(errors());
    cases.extend(DEEP.iter().map(|(what, text)| deep(what, text)));
    cases
}

/// componentize-js decodes every string from the host like a file, and drops a leading
/// byte order mark. The test expects this, so that a fix is noticed.
fn byte_order_mark(toolchain: Toolchain) -> Case {
    let input = format!("{MARK}echo text");
    let (name, value, answer) = match toolchain {
        Toolchain::StarlingMonkey => (
            "leading byte order mark, a known bug: it is lost",
            format!("{MARK}text"),
            output("text"),
        ),
        _ => (
            "leading byte order mark",
            format!("{MARK}{MARK}text"),
            metadata([("unknown", &*input)]),
        ),
    };
    let calls = vec![call("config marks", output(value)), call(&*input, answer)];
    case(name, calls)
}

fn errors() -> impl Iterator<Item = Case> {
    let kinds = [
        ("invalid-input", ProcessError::InvalidInput),
        ("unsupported-format", ProcessError::UnsupportedFormat),
        ("internal-error", ProcessError::InternalError),
    ];
    kinds.into_iter().map(|(name, error)| {
        let calls = vec![
            call(format!("error {name}"), Answer::Error(error)),
            call("echo alive", output("alive")),
        ];
        case(&format!("error {name}"), calls)
    })
}

fn log_at_each_level() -> Vec<Call> {
    let levels = [
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
    ];
    let texts = ["one line", "", "two\nlines", "組木 😀"];
    let logged = |(name, level), text: &str| Call {
        log: vec![(level, text.to_owned())],
        ..call(format!("log {name} {text}"), output(""))
    };
    levels
        .into_iter()
        .flat_map(|level| texts.map(|text| logged(level, text)))
        .collect()
}

fn thousand() -> impl Iterator<Item = (String, String)> {
    (0..1000).map(|index| (format!("鍵-{index}"), format!("{index} 😀")))
}

/// A call that must not be affected by others in its batch.
pub(crate) fn neighbour(name: &str) -> Call {
    call(format!("echo {name}"), output(name))
}

/// A record that traps and one with an error, with others before, between and after.
fn failing_records() -> Vec<Call> {
    let each = |index| match index {
        13 => call(
            "error invalid-input",
            Answer::Error(ProcessError::InvalidInput),
        ),
        23 => call("trap", Answer::Trap),
        index => neighbour(&index.to_string()),
    };
    (0..40).map(each).collect()
}

/// Large input, output and both; of ASCII, and of characters with four bytes in UTF-8
/// and two units in UTF-16.
fn megabyte() -> Vec<Call> {
    let both_ways = ["x", "😀"].map(|text| {
        let count = (1 << 20) / text.len();
        let long = text.repeat(count);
        [
            call(format!("repeat {count} {text}"), output(&*long)),
            call(format!("echo {long}"), output(&*long)),
        ]
    });
    both_ways.into_iter().flatten().collect()
}

/// The text as input and output of `process`, in the log, and as key and value of the
/// configuration.
fn deep(what: &str, text: &str) -> Case {
    let logged = Call {
        log: vec![(Level::Info, text.to_owned())],
        ..call(format!("log info {text}"), output(""))
    };
    let absent = format!("{text}!");
    case(
        &format!("deep Unicode: {what}"),
        vec![
            call(format!("echo {text}"), output(text)),
            logged,
            call(format!("config {text}"), output(text)),
            call(format!("config {absent}"), metadata([("absent", &*absent)])),
        ],
    )
}

fn case(name: &str, calls: Vec<Call>) -> Case {
    let name = name.to_owned();
    Case { name, calls }
}

fn call(input: impl Into<String>, answer: Answer) -> Call {
    Call {
        input: input.into(),
        answer,
        log: Vec::new(),
    }
}

/// A result with this output and no metadata.
pub(crate) fn output(text: impl Into<String>) -> Answer {
    Answer::Result(ProcessResult {
        output: text.into(),
        metadata: Vec::new(),
    })
}

/// A result with this metadata and no output.
fn metadata<K: Into<String>, V: Into<String>>(entries: impl IntoIterator<Item = (K, V)>) -> Answer {
    let entry = |(key, value): (K, V)| KeyValue {
        key: key.into(),
        value: value.into(),
    };
    Answer::Result(ProcessResult {
        output: String::new(),
        metadata: entries.into_iter().map(entry).collect(),
    })
}

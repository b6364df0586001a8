//! A template's panic is logged with its message, file and line: each language has
//! ways to panic, which are written into the template's own source.

use std::path::Path;
use std::process::Output;

use kumiki_build::Toolchain;
use libtest_mimic::Failed;

use crate::scene::Scene;

/// How to make a plugin of a language panic.
struct Panics {
    /// The source file.
    file: &'static str,
    /// Replaced first, for what the panics need.
    header: (&'static str, &'static str),
    /// The statement of `process` before which the panics are.
    before: &'static str,
    /// The panics, each of which applies to one input.
    ways: &'static [Way],
    /// The statement of a skeleton's functions, and a part of its message.
    skeleton: (&'static str, &'static str),
}

struct Way {
    input: &'static str,
    statement: &'static str,
    /// A part of the message.
    message: &'static str,
}

const fn way(input: &'static str, statement: &'static str, message: &'static str) -> Way {
    Way {
        input,
        statement,
        message,
    }
}

const RUST: Panics = Panics {
    file: "src/lib.rs",
    header: ("", ""),
    before: "let words: Vec<&str>",
    ways: &[
        way(
            "panic",
            r#"if input == "panic" { panic!("on purpose") }"#,
            "on purpose",
        ),
        way(
            "assert",
            r#"assert_eq!(input == "assert", false);"#,
            "assertion `left == right` failed",
        ),
        way(
            "index",
            r#"if input == "index" { let _ = input.as_bytes()[input.len()]; }"#,
            "index out of bounds: the len is 5",
        ),
    ],
    skeleton: ("todo!()", "not yet implemented"),
};

const C: Panics = Panics {
    file: "plugin.c",
    header: (
        "#include <stdlib.h>",
        "#include <assert.h>\n#include <stdlib.h>",
    ),
    before: "memset(ret, 0, sizeof *ret);",
    ways: &[
        way(
            "fail",
            r#"if (!memcmp(input->ptr, "fail", 4)) kumiki_fail("on purpose \xff\xe6\x9c\xa8");"#,
            "failed: on purpose ?木",
        ),
        way(
            "assert",
            r#"assert(memcmp(input->ptr, "assert", 4));"#,
            r#"assertion failed: memcmp(input->ptr, "assert", 4)"#,
        ),
        way(
            "abort",
            r#"if (!memcmp(input->ptr, "abort", 4)) abort();"#,
            "abort",
        ),
    ],
    skeleton: ("kumiki_fail(", "failed: not implemented"),
};

const JAVASCRIPT: Panics = Panics {
    file: "plugin.js",
    header: ("", ""),
    before: "const words =",
    ways: &[
        way(
            "throw",
            r#"if (input === "throw") throw new Error("on purpose");"#,
            "uncaught Error: on purpose",
        ),
        way(
            "mistake",
            r#"if (input === "mistake") input.noSuchMethod();"#,
            "uncaught TypeError: not a function",
        ),
    ],
    skeleton: ("throw ", "uncaught Error: getName is not implemented"),
};

const PYTHON: Panics = Panics {
    file: "plugin.py",
    header: (
        "class Plugin(",
        "def lookup(key):\n    return {}[key]\n\n\nclass Plugin(",
    ),
    before: "words = ",
    ways: &[
        way(
            "raise",
            r#"if input == "raise": raise ValueError("on purpose \ud800")"#,
            "uncaught ValueError: on purpose ?",
        ),
        way(
            "key",
            r#"if input == "key": lookup(input)"#,
            "uncaught KeyError: 'key'\\n    at lookup (plugin.py:",
        ),
        way(
            "recursion",
            r#"if input == "recursion": return self.process(input)"#,
            "uncaught RecursionError: ",
        ),
    ],
    skeleton: ("raise ", "uncaught NotImplementedError: get_name"),
};

const GO: Panics = Panics {
    file: "plugin.go",
    header: ("", ""),
    before: "words := ",
    ways: &[
        way(
            "panic",
            r#"if input == "panic" { panic("on purpose") }"#,
            "panic: on purpose",
        ),
        way(
            "index",
            r#"if input == "index" { _ = []int{}[len(input)] }"#,
            "index out of range [5] with length 0",
        ),
        way(
            "goroutine",
            r#"if input == "goroutine" { go func() { panic("elsewhere") }(); select {} }"#,
            "panic: elsewhere",
        ),
        way(
            "deadlock",
            r#"if input == "deadlock" { select {} }"#,
            "all goroutines are asleep",
        ),
    ],
    skeleton: ("panic(", "panic: not implemented"),
};

fn of(language: Toolchain) -> &'static Panics {
    match language {
        Toolchain::Rust => &RUST,
        Toolchain::C => &C,
        Toolchain::JavaScript | Toolchain::StarlingMonkey => &JAVASCRIPT,
        Toolchain::Python => &PYTHON,
        Toolchain::Go => &GO,
    }
}

/// Panics in `process`.
pub(crate) fn are_logged(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let panics = of(language);
    let path = scene.folder.join("tidy").join(panics.file);
    let source = std::fs::read_to_string(&path)?;
    assert!(source.contains(panics.before), "{source}");
    let source = source.replacen(panics.header.0, panics.header.1, 1);
    let statements = with_statements(panics, &source);
    let source = source.replacen(panics.before, &statements, 1);
    std::fs::write(&path, &source)?;
    scene.run_ok(&["build", "tidy"])?;
    scene.run_ok(&["run", "-p", "tidy", "--text", "no panic"])?;
    for way in panics.ways {
        let place = place(&source, panics.file, way.statement);
        let output = scene.run(&["run", "-p", "tidy", "--text", way.input])?;
        says(&output, "trapped in `process`", way.message, &place)?;
    }
    Ok(())
}

/// The first function of a skeleton for a contract of one's own: it panics before any
/// call of `process`.
pub(crate) fn of_skeletons_are_logged(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/text-processor");
    let wit = wit.display().to_string();
    let new = ["new", "bare", "--lang", language.name(), "--wit", &wit];
    scene.run_ok(&[&new[..], &["--world", "text-plugin"]].concat())?;
    scene.run_ok(&["build", "bare"])?;
    let panics = of(language);
    let (statement, message) = panics.skeleton;
    let source = std::fs::read_to_string(scene.folder.join("bare").join(panics.file))?;
    let place = place(&source, panics.file, statement);
    let output = scene.run(&["run", "-p", "bare", "--text", "any"])?;
    says(&output, "trapped in `get-name`", message, &place)
}

/// In a debug build, the backtrace has the plugin's own functions, also small ones.
pub(crate) fn have_names_in_debug_builds(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let path = scene.folder.join("tidy/plugin.c");
    let source = std::fs::read_to_string(&path)?;
    let before = "return byte == ' '";
    assert!(source.contains(before), "{source}");
    let fail = format!("if (byte == '!') kumiki_fail(\"on purpose\");\n    {before}");
    std::fs::write(&path, source.replacen(before, &fail, 1))?;
    scene.run_ok(&["build", "tidy", "--debug"])?;
    let output = scene.run(&["run", "-p", "tidy", "-v", "--text", "a!"])?;
    let text = String::from_utf8_lossy(&output.stderr);
    let frames = text.lines().filter_map(|line| line.split_once(".wasm!"));
    let frames: Vec<&str> = frames.map(|(_, function)| function).collect();
    let expected = [
        "kumiki_fail_at",
        "is_space",
        "tidy",
        "exports_myapp_text_processor_plugin_process",
    ];
    if frames.starts_with(&expected) {
        return Ok(());
    }
    Err(format!("no frames of {expected:?}: {text}").into())
}

/// The statements, each on a line with the indentation of the one that they precede.
fn with_statements(panics: &Panics, source: &str) -> String {
    let line = source.lines().find(|line| line.contains(panics.before));
    let line = line.unwrap_or_default();
    let indentation = &line[..line.len() - line.trim_start().len()];
    let ways = panics.ways.iter();
    let lines = ways.map(|way| format!("{}\n{indentation}", way.statement));
    lines.collect::<String>() + panics.before
}

/// The file and line of a statement, as `FILE:LINE`.
fn place(source: &str, file: &str, statement: &str) -> String {
    let index = source.lines().position(|line| line.contains(statement));
    let index = index.expect("the statement was written into the source");
    format!("{file}:{}", index + 1)
}

/// The message is logged once, with the place, and then the call traps.
fn says(output: &Output, trap: &str, message: &str, place: &str) -> Result<(), Failed> {
    let text = String::from_utf8_lossy(&output.stderr);
    let before = text.split(trap).next().filter(|before| *before != text);
    let logged = before.into_iter().flat_map(str::lines);
    let logged: Vec<_> = logged.filter(|it| it.contains("] error: ")).collect();
    let logged = logged.join("\n");
    if logged.matches(message).count() == 1 && has_place(&logged, place) {
        return Ok(());
    }
    Err(format!("no `{message}` at {place} before `{trap}`: {text}").into())
}

/// Whether the text has the place, and not only one whose number starts alike.
fn has_place(text: &str, place: &str) -> bool {
    let mut after = text.split(place).skip(1);
    after.any(|after| !after.starts_with(|c: char| c.is_ascii_digit()))
}

//! `kumiki run`, the real program, on small plugins, with its output as
//! snapshots.

mod scene;

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use scene::{Scene, snapshot};
use test_components::{ECHO, TextPlugin};

#[test]
fn text_is_one_record_for_each_plugin() {
    snapshot!(Scene::with_plugins().run(&["run", "--text", "Hello, Component Model!"]));
}

#[test]
fn text_with_line_ends_is_one_record() {
    snapshot!(Scene::with_plugins().run(&["run", "-t", "two\nlines", "-o", "jsonl"]));
}

#[test]
fn refused_text_is_reported() {
    snapshot!(Scene::with_plugins().run(&["run", "--text", ""]));
}

#[test]
fn each_line_of_a_file_is_a_record() {
    let scene = Scene::with_plugins().file("book.txt", "one\r\ntwo\n\nfour");
    snapshot!(scene.run(&["run", "book.txt"]));
}

#[test]
fn results_of_lines_as_jsonl() {
    let scene = Scene::with_plugins().file("book.txt", "one\n\n\u{1}\"three\"\n");
    snapshot!(scene.run(&["run", "book.txt", "--output", "jsonl"]));
}

#[test]
fn results_of_standard_input_as_raw() {
    snapshot!(Scene::with_plugins().run_with(
        &["run", "-p", "plugins/echo.wasm", "-o", "raw"],
        "α\nβ".as_bytes()
    ));
}

#[test]
fn dash_reads_standard_input_between_files() {
    let scene = Scene::with_plugins()
        .file("a.txt", "a\n")
        .file("b.txt", "b\n");
    let arguments = [
        "run",
        "-p",
        "plugins/echo.wasm",
        "-o",
        "jsonl",
        "-q",
        "a.txt",
        "-",
        "b.txt",
    ];
    snapshot!(scene.run_with(&arguments, b"input\n"));
}

#[test]
fn skip_blank_skips_blank_lines() {
    let scene = Scene::with_plugins().file("book.txt", "one\n\n \t\u{3000}\nfour\n");
    snapshot!(scene.run(&["run", "--skip-blank", "book.txt"]));
}

#[test]
fn chain_passes_results_on() {
    let scene = Scene::with_plugins();
    snapshot!(scene.run_with(&["run", "--chain"], b"one\n\nthree\n"));
}

#[test]
fn chain_fails_if_a_plugin_does_not_load() {
    let scene = Scene::with_plugins().file("plugins/broken.wasm", "not a plugin");
    snapshot!(scene.run(&["run", "--chain", "--text", "x"]));
}

#[test]
fn plugins_with_the_same_name_are_shown_with_their_paths() {
    let scene = Scene::new()
        .plugin("plugins/a.wasm", &TextPlugin::new("twin"))
        .plugin("plugins/b.wasm", &TextPlugin::new("twin"));
    snapshot!(scene.run(&["run", "--text", "x"]));
}

#[test]
fn configuration_reaches_the_plugin() {
    // Returns the configuration value of the key in its input.
    let looker = TextPlugin::new("looker").process(
        "(call $get-config (local.get $at) (local.get $length) (i32.const 128))
         (i32.store8 (i32.const 16) (i32.eqz (i32.load8_u (i32.const 128))))
         (i32.store (i32.const 20) (i32.load (i32.const 132)))
         (i32.store (i32.const 24) (i32.load (i32.const 136)))
         (i32.store (i32.const 28) (i32.const 0))
         (i32.store (i32.const 32) (i32.const 0))
         (i32.const 16)",
    );
    let scene = Scene::new().plugin("plugins/looker.wasm", &looker);
    let arguments = [
        "run", "-q", "-o", "raw", "--config", "mode=a=b", "-c", "other=",
    ];
    snapshot!(scene.run_with(&arguments, b"mode\nother\n"));
}

fn talker() -> TextPlugin {
    let log = |level: u32, at: u32, length: usize| {
        format!("(call $log (i32.const {level}) (i32.const {at}) (i32.const {length}))")
    };
    let (red, two) = ("\u{1b}[31mred", "two\nlines");
    TextPlugin::new("talker")
        .data(256, "detail")
        .data(300, red)
        .data(400, two)
        .process(&format!(
            "{} {} {} {ECHO}",
            log(0, 256, 6),
            log(1, 300, red.len()),
            log(2, 400, two.len())
        ))
}

#[test]
fn logs_at_each_verbosity() {
    let scene = Scene::new().plugin("plugins/talker.wasm", &talker());
    for flags in [&["-q"][..], &[], &["-v"], &["-vv"]] {
        let arguments = [&["run", "--text", "x"], flags].concat();
        snapshot!(format!("{flags:?}\n{}", scene.run(&arguments)));
    }
}

#[test]
fn trap_is_reported_with_its_record() {
    let scene = Scene::new()
        .plugin("plugins/echo.wasm", &TextPlugin::new("echo"))
        .plugin(
            "plugins/third.wasm",
            &TextPlugin::new("third").global("calls").process(&format!(
                "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable)) {ECHO}"
            )),
        );
    snapshot!(scene.run_with(&["run"], b"1\n2\n3\n4\n5\n"));
    snapshot!(scene.run_with(&["run", "-o", "jsonl", "-q"], b"1\n2\n3\n4\n5\n"));
}

#[test]
fn trap_in_get_name_is_reported() {
    let scene = Scene::with_plugins().plugin(
        "plugins/mute.wasm",
        &TextPlugin::new("m").get_name("unreachable"),
    );
    snapshot!(scene.run(&["run", "--text", "x"]));
}

#[test]
fn invalid_utf_8_from_a_plugin_is_reported() {
    let invalid = TextPlugin::new("liar").process(&format!(
        "(i32.store8 (local.get $at) (i32.const 0xff)) {ECHO}"
    ));
    let scene = Scene::new().plugin("plugins/liar.wasm", &invalid);
    snapshot!(scene.run(&["run", "--text", "x"]));
}

#[test]
fn endless_call_ends_at_the_time_limit() {
    let spinner = TextPlugin::new("spinner").process("(loop (br 0)) unreachable");
    let scene = Scene::with_plugins().plugin("plugins/spinner.wasm", &spinner);
    snapshot!(scene.run_with(&["run", "--time-limit", "500ms", "-o", "raw"], b"1\n2\n"));
}

#[test]
fn files_that_are_not_plugins_are_reported() {
    let text = std::fs::read(test_wit()).expect("the contract");
    let core = test_components::core_module("(func (export \"process\"))");
    let other = test_components::build(
        "package other:place; world w { export run: func(); }",
        "w",
        "(func (export \"run\"))",
    );
    let whole = TextPlugin::new("whole").build();
    let scene = Scene::with_plugins()
        .file("bad/1-empty.wasm", "")
        .file("bad/2-text.wasm", "Hello!")
        .file("bad/3-wit.wasm", text)
        .file("bad/4-core.wasm", core)
        .file("bad/5-other-world.wasm", other)
        .file("bad/6-truncated.wasm", &whole[..whole.len() / 2]);
    snapshot!(scene.run(&["run", "-p", "bad", "-p", "plugins/echo.wasm", "--text", "x"]));
    snapshot!(scene.run(&["run", "-p", "bad/1-empty.wasm", "--text", "x"]));
}

fn test_wit() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit/text-processor/world.wit")
}

#[test]
fn usage_errors_exit_with_code_2() {
    let scene = Scene::with_plugins()
        .file("empty/notes.txt", "")
        .file("book.txt", "x");
    for arguments in [
        &["run", "-p", "nowhere", "--text", "x"][..],
        &["run", "-p", "empty", "--text", "x"],
        &["run", "nowhere.txt"],
        &["run", "plugins"],
        &["run", "--config", "novalue", "--text", "x"],
        &["run", "--config", "=x", "--text", "x"],
        &["run", "--output", "xml", "--text", "x"],
        &["run", "--time-limit", "soon", "--text", "x"],
        &["run", "--memory-limit", "much", "--text", "x"],
        &["run", "--text", "x", "book.txt"],
        &["walk"],
    ] {
        let text = scene.run(arguments);
        assert!(text.starts_with("exit code: 2\n"), "{arguments:?}: {text}");
        snapshot!(format!("{}\n{text}", arguments.join(" ")));
    }
    let nothing = Scene::new();
    snapshot!(nothing.run(&["run", "--text", "x"]));
}

/// Each object becomes a record; a line that is not an object is one failed record.
#[test]
fn field_reads_records_from_json_objects() {
    let rows = concat!(
        "{\"id\":1,\"text\":\"one\"}\n\n",
        "{\"id\":2,\"text\":7}\n",
        "{\"id\":3}\n",
        "not json\n",
        "{\"text\":\"six \\u6728\"}\n"
    );
    let scene = Scene::with_plugins().file("rows.jsonl", rows);
    let plugin = ["-p", "plugins/echo.wasm", "--field", "text"];
    snapshot!(scene.run(&[&["run", "rows.jsonl"], &plugin[..]].concat()));
    snapshot!(scene.run(&[&["run", "rows.jsonl", "-q", "-o", "jsonl"], &plugin[..]].concat()));
    let format = ["run", "-q", "-o", "raw", "--input-format", "jsonl"];
    snapshot!(scene.run_with(&[&format, &plugin[..]].concat(), rows.as_bytes()));
}

#[test]
fn mismatched_formats_are_usage_errors() {
    let scene = Scene::with_plugins()
        .file("rows.jsonl", "{}")
        .file("rows.txt", "");
    for arguments in [
        &["run", "rows.jsonl", "--input-format", "jsonl"][..],
        &[
            "run",
            "rows.jsonl",
            "--input-format",
            "lines",
            "--field",
            "text",
        ],
        &["run", "rows.jsonl", "rows.txt", "--field", "text"],
        &["run", "-", "--field", "text"],
        &["run", "--text", "x", "--field", "text"],
    ] {
        let text = scene.transcript(arguments);
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
}

/// Concatenated files, as from `cat a.gz b.gz`, and a truncated one.
#[test]
fn compressed_files_are_read_and_written() {
    let pack = |text: &str| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed
            .write_all(text.as_bytes())
            .expect("compression works");
        packed.finish().expect("the program ends")
    };
    let parts = [pack("one\ntwo\nthr"), pack("ee\n{\"text\":\"four\"}\n")].concat();
    let rows = pack("{\"text\":\"row\"}\n");
    let broken = &parts[..parts.len() - 12];
    let scene = Scene::with_plugins()
        .file("parts.txt.gz", &parts)
        .file("rows.jsonl.gz", rows)
        .file("broken.gz", broken)
        .file("no.gz", "text");
    let plugin = ["run", "-q", "-p", "plugins/echo.wasm", "-o", "raw"];
    for files in [
        &["parts.txt.gz"][..],
        &["rows.jsonl.gz", "--field", "text"],
        &["no.gz", "broken.gz", "parts.txt.gz"],
    ] {
        snapshot!(scene.run(&[&plugin[..], files].concat()));
    }
}

#[test]
fn lines_with_invalid_utf_8_are_reported() {
    let scene = Scene::with_plugins().file("latin.txt", b"one\ncaf\xe9 noir\nthree\ncut \xe6\x9c");
    let plugin = ["-p", "plugins/echo.wasm"];
    snapshot!(scene.run(&[&["run", "latin.txt", "-o", "raw"], &plugin[..]].concat()));
    snapshot!(scene.run(&[&["run", "latin.txt", "-o", "jsonl", "-q"], &plugin[..]].concat()));
}

#[test]
fn lines_over_the_limit_are_reported() {
    let scene = Scene::with_plugins().file("long.txt", format!("a\n{}\nb\n", "x".repeat(3000)));
    let arguments = [
        "run",
        "-p",
        "plugins/echo.wasm",
        "-o",
        "raw",
        "--line-limit",
        "2KiB",
        "long.txt",
    ];
    snapshot!(scene.run(&arguments));
}

#[test]
fn help_texts() {
    let scene = Scene::new();
    snapshot!(scene.run(&["run", "--help"]));
    snapshot!(scene.run(&["run", "-h"]));
    snapshot!(scene.run(&[]));
}

#[test]
fn line_of_64_megabytes_is_processed() {
    let line = "x".repeat(64 << 20);
    let scene = Scene::with_plugins().file("long.txt", format!("a\n{line}\nb\n"));
    let output = scene
        .command(&[
            "run",
            "-q",
            "-p",
            "plugins/echo.wasm",
            "-o",
            "raw",
            "long.txt",
        ])
        .output()
        .expect("the program runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stdout.len(), line.len() + 5);
    assert!(output.stdout.ends_with(b"x\nb\n") && output.stdout.starts_with(b"a\nx"));
}

#[test]
fn closed_pipe_is_not_an_error() {
    let scene = Scene::with_plugins().file("many.txt", "line\n".repeat(100_000));
    let mut child = scene
        .command(&["run", "-p", "plugins/echo.wasm", "-o", "raw", "many.txt"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(!error.contains("error"), "{error}");
}

#[test]
fn colours_only_on_terminals_or_on_demand() {
    let scene = Scene::with_plugins();
    let coloured = |set: Option<(&str, &str)>| {
        let mut command = scene.command(&["run", "--text", ""]);
        command.envs(set);
        let output = command.output().expect("the program runs");
        output.stderr.contains(&0x1b)
    };
    assert!(!coloured(None));
    assert!(coloured(Some(("CLICOLOR_FORCE", "1"))));
    assert!(!coloured(Some(("NO_COLOR", "1"))));
}

/// Peak memory must not depend on the size of the input, here 61 MB of lines.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded() {
    let scene =
        Scene::with_plugins().file("big.txt", "some line of ordinary length\n".repeat(1 << 21));
    let peak = |file: &str| {
        let mut command =
            scene.command(&["run", "-q", "-p", "plugins/echo.wasm", "-o", "raw", file]);
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut output = child.stdout.take().expect("a pipe");
        let mut peak = 0;
        let mut buffer = vec![0; 1 << 16];
        while std::io::Read::read(&mut output, &mut buffer).expect("readable output") > 0 {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
            let resident = status.ok().and_then(|status| {
                let line = status
                    .lines()
                    .find(|line| line.starts_with("VmHWM:"))?
                    .to_owned();
                line.split_whitespace().nth(1)?.parse::<u64>().ok()
            });
            peak = peak.max(resident.unwrap_or(0));
        }
        assert!(child.wait().expect("the program ends").success());
        peak
    };
    let kibibytes = peak("big.txt");
    assert!(
        kibibytes > 0 && kibibytes < 60 * 1024,
        "{kibibytes} KiB at the peak"
    );
}

/// Without a terminal, results are the plugin's output, byte for byte.
#[test]
fn results_to_a_pipe_are_unchanged() {
    let text = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u{9b}1m \u{202e}turned";
    let scene = Scene::with_plugins();
    let run = |format: &str| {
        let arguments = [
            "run",
            "-p",
            "plugins/echo.wasm",
            "--text",
            text,
            "-o",
            format,
        ];
        let output = scene
            .command(&arguments)
            .output()
            .expect("the program runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(run("raw"), format!("{text}\n"));
    assert_eq!(run("text"), format!("[echo] Output: {text}\n"));
    let line = run("jsonl");
    assert!(line.is_ascii(), "{line:?}");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["output"], text);
}

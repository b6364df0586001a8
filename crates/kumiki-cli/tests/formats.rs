//! `kumiki run` on each input and output format.

mod scene;

use std::io::Write;

#[cfg(target_os = "linux")]
use scene::resident;
use scene::{Scene, snapshot};

/// Only the plugin `echo`, whose results are the records.
const ECHO: [&str; 3] = ["-q", "-p", "plugins/echo.wasm"];

/// The program's arguments before and after [`ECHO`].
fn echo<'a>(files: &[&'a str], flags: &[&'a str]) -> Vec<&'a str> {
    [&["run"], files, &ECHO[..], flags].concat()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 0).expect("compression works")
}

/// Concatenated files, as from `cat a.zst b.zst`, and a truncated one.
#[test]
fn zstd_files_are_read_and_written() {
    let parts = [zstd(b"one\ntwo\nthr"), zstd(b"ee\n{\"text\":\"four\"}\n")].concat();
    let long: String = (0..500_000).map(|number| format!("{number}\n")).collect();
    let long = zstd(long.as_bytes());
    let scene = Scene::with_plugins()
        .file("parts.txt.zst", &parts)
        .file("rows.jsonl.zst", zstd(b"{\"text\":\"row\"}\n"))
        .file("broken.zst", &parts[..parts.len() - 3])
        .file("long.zst", &long[..long.len() / 2])
        .file("no.zst", "not zstd at all");
    let files = ["no.zst", "broken.zst", "parts.txt.zst"];
    snapshot!(scene.run(&echo(&files, &["-o", "raw"])));
    let rows = ["rows.jsonl.zst"];
    snapshot!(scene.run(&echo(&rows, &["-o", "raw", "--field", "text"])));
    // Everything before the truncation is written.
    let output = scene.command(&echo(&["long.zst"], &["-o", "raw"])).output();
    let output = output.expect("the program runs");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    let count = lines.lines().count();
    assert!(count > 1000, "{count} lines\n{error}");
    assert!(
        lines
            .lines()
            .zip(0..)
            .all(|(line, number)| line == number.to_string())
    );
    assert!(
        error.contains(&format!("long.zst: cannot read line {}\n", count + 1)),
        "{error}"
    );
    assert_eq!(output.status.code(), Some(1));
}

const TABLE: &str = "\u{feff}id,text,\"the, author\"\r\n\
    1,one,Ann\r\n\
    \r\n\
    2,\"two\r\nlines, and \"\"quotes\"\"\",Bo\r\n\
    3,,\r\n\
    4,木 and 組,\"Cy\"";

#[test]
fn field_reads_records_from_table_cells() {
    let scene = Scene::with_plugins()
        .file("rows.csv", TABLE)
        .file("rows.tsv", "id\ttext\n1\t\"tabs\tin\"\" it\"\n2\ta,b\n");
    snapshot!(scene.run(&echo(&["rows.csv"], &["--field", "text"])));
    snapshot!(scene.run(&echo(
        &["rows.csv"],
        &["--field", "text", "--skip-blank", "-o", "jsonl"]
    )));
    snapshot!(scene.run(&echo(
        &["rows.csv"],
        &["--field", "the, author", "-o", "raw"]
    )));
    snapshot!(scene.run(&echo(&["rows.tsv"], &["--field", "text", "-o", "raw"])));
    let flags = ["--field", "text", "-o", "jsonl", "--input-format", "csv"];
    snapshot!(scene.run_with(&echo(&[], &flags), TABLE.as_bytes()));
}

#[test]
fn mismatched_tables_are_usage_errors() {
    let many: Vec<String> = (0..30).map(|number| format!("c{number}")).collect();
    let scene = Scene::with_plugins()
        .file("rows.csv", TABLE)
        .file("twice.csv", "text,text\na,b\n")
        .file("many.csv", many.join(","))
        .file("latin.csv", b"caf\xe9,text\n")
        .file("long.csv", "x".repeat(2 << 20))
        .file("empty.csv", "")
        .file("rows.jsonl", "{}\n")
        .file("broken.csv.zst", "not zstd at all");
    for (file, flags) in [
        ("rows.csv", &["--field", "txt"][..]),
        ("rows.csv", &["--field", "body"]),
        ("many.csv", &["--field", "c100"]),
        ("twice.csv", &["--field", "text"]),
        ("latin.csv", &["--field", "text"]),
        ("long.csv", &["--field", "text"]),
        ("empty.csv", &["--field", "text"]),
        ("broken.csv.zst", &["--field", "text"]),
        ("rows.csv", &["--field", "text", "rows.jsonl"]),
        ("rows.csv", &["--input-format", "csv"]),
        ("-", &["--field", "text", "--input-format", "csv"]),
    ] {
        let text = scene.transcript(&[&["run", file], flags].concat());
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
}

/// Each invalid row is one error, and the other rows are processed.
#[test]
fn invalid_rows_are_reported() {
    let rows: &[u8] =
        b"id,text\n1,one\n2\n3,three,3\n4,caf\xe9\n5,\"five\n\n\"\n6,six\n7,\"seven\n8,eight\n";
    let scene = Scene::with_plugins().file("rows.csv", rows);
    snapshot!(scene.run(&echo(&["rows.csv"], &["--field", "text", "-o", "raw"])));
    snapshot!(scene.run(&echo(&["rows.csv"], &["--field", "text", "-o", "jsonl"])));
    let limit = ["--field", "text", "-o", "raw", "--line-limit", "8"];
    snapshot!(scene.run(&echo(&["rows.csv"], &limit)));
}

/// After an unclosed quote, the rest of the input is one row.
#[test]
#[cfg(target_os = "linux")]
fn row_with_an_unclosed_quote_uses_bounded_memory() {
    let scene = Scene::with_plugins();
    let flags = [
        "--field",
        "b",
        "--input-format",
        "csv",
        "-o",
        "raw",
        "--line-limit",
        "1MiB",
    ];
    let mut command = scene.command(&echo(&[], &flags));
    let piped = std::process::Stdio::piped;
    let mut child = command
        .stdin(piped())
        .stdout(piped())
        .stderr(piped())
        .spawn();
    let child = child.as_mut().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(b"a,b\n1,one\n2,\"two\n")
        .expect("the program reads it");
    let block = "sixty-three bytes and an end make a line, and so a record here\n".repeat(1 << 14);
    let mut peak = 0;
    for _ in 0..150 {
        input
            .write_all(block.as_bytes())
            .expect("the program reads it");
        peak = peak.max(resident(child.id()));
    }
    drop(input);
    let mut error = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    std::io::Read::read_to_string(&mut stderr, &mut error).expect("UTF-8");
    assert_eq!(child.wait().expect("the program ends").code(), Some(1));
    assert!(
        error.contains("-: line 3 is longer than 1048576 bytes"),
        "{error}"
    );
    assert!(0 < peak && peak < 60 << 10, "{peak} KiB at the peak");
}

/// The plugin `picky`, which refuses empty records.
const PICKY: [&str; 3] = ["-q", "-p", "plugins/picky.wasm"];

fn picky<'a>(files: &[&'a str], flags: &[&'a str]) -> Vec<&'a str> {
    [&["run"], files, &PICKY[..], flags].concat()
}

/// Writes results into a new column, an existing one, and the column of the records.
#[test]
fn into_writes_results_into_table_rows() {
    let scene = Scene::with_plugins().file("rows.csv", TABLE);
    for flags in [
        &["--field", "text", "--into", "new, or not"][..],
        &["--field", "text", "--into", "id"],
        &["--field", "text", "--into", "text"],
        &["--field", "text", "--into", "new", "-o", "tsv"],
        &["--field", "text", "--into", "new", "-o", "jsonl"],
        &["--field", "text", "--into", "id", "-o", "jsonl"],
        &["--field", "text", "--into", "new", "--skip-blank"],
    ] {
        snapshot!(scene.transcript(&picky(&["rows.csv"], flags)));
    }
    let text = scene.run(&echo(&["rows.csv"], &["--field", "text", "--into", "text"]));
    // Everything else is unchanged, except that the byte order mark is removed.
    let rows = TABLE.strip_prefix('\u{feff}').expect("a byte order mark");
    let rows = rows.replace("\r\n\r\n", "\r\n") + "\r\n";
    assert!(text.contains(&rows), "{text}");
}

/// Several files become one table.
#[test]
fn into_writes_rows_of_several_files() {
    let scene = Scene::with_plugins()
        .file("a.csv", "id,text\n1,a\n")
        .file("b.csv.zst", zstd(b"id,\"text\"\r\n2,b\r\n"))
        .file("c.csv", "text,id\n3,c\n");
    let flags = ["--field", "text", "--into", "new"];
    snapshot!(scene.run(&echo(&["a.csv", "b.csv.zst"], &flags)));
    snapshot!(scene.run(&echo(&["a.csv", "c.csv"], &flags)));
}

#[test]
fn into_writes_results_into_objects() {
    let rows = concat!(
        "{\"id\": 1.50, \"text\":\"one\"}\n\n",
        "{\"id\":2,\"text\":\"\"}\n",
        "{\"id\":3}\n",
        "{\"text\":7,\"new\":{\"text\":[]}, \"z\":1e400}\n",
        "not json\n",
        " {\"new\":0,\"text\":\"\\u6728\",\"new\":1} \n",
        "{}\n",
    );
    let rows = [
        rows.as_bytes(),
        b"{\"text\":\"caf\xe9\"}\n{\"text\":\"last\"}",
    ]
    .concat();
    let scene = Scene::with_plugins().file("rows.jsonl", rows);
    for flags in [
        &["--field", "text", "--into", "new"][..],
        &["--field", "text", "--into", "text"],
        &["--field", "text", "--into", "new", "--skip-blank"],
    ] {
        snapshot!(scene.transcript(&picky(&["rows.jsonl"], flags)));
    }
}

/// Rows whose record fails are written as well.
#[test]
fn failed_rows_are_kept() {
    let rows: &[u8] = b"id,text\n1,one\n2\n3,three,3\n4,caf\xe9\n5,\n6,six\n7,\"seven\n8,eight\n";
    let scene = Scene::with_plugins().file("rows.csv", rows);
    for flags in [
        &["--field", "text", "--into", "new"][..],
        &["--field", "text", "--into", "text"],
        &["--field", "text", "--into", "new", "-o", "jsonl"],
    ] {
        snapshot!(scene.transcript(&picky(&["rows.csv"], flags)));
    }
}

#[test]
fn impossible_row_outputs_are_usage_errors() {
    let scene = Scene::with_plugins()
        .file("rows.csv", TABLE)
        .file("rows.jsonl", "{}")
        .file("rows.txt", "");
    for flags in [
        &["rows.csv", "--field", "text", "--into", "new"][..],
        &[
            "rows.csv", "--field", "text", "--into", "new", "--chain", "-o", "raw",
        ],
        &[
            "rows.jsonl",
            "--field",
            "text",
            "--into",
            "new",
            "--chain",
            "-o",
            "csv",
        ],
        &["rows.csv", "--field", "text", "-o", "csv"],
        &["rows.txt", "--into", "new"],
        &["--text", "x", "-o", "csv"],
    ] {
        let text = scene.transcript(&[&["run"], flags].concat());
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
}

#[test]
fn output_file_extension_selects_the_format() {
    let scene = Scene::with_plugins()
        .file("rows.csv", "id,text\n1,one\n")
        .file("rows.jsonl", "{\"text\":\"one\"}\n")
        .file("empty.txt", "")
        .file("lines.txt", "one\ntwo\n");
    let rows = ["--field", "text", "--into", "new"];
    for (input, name, flags, expected) in [
        ("rows.csv", "out.csv", &rows[..], "id,text,new\n1,one,one\n"),
        ("rows.csv", "out.csv.gz", &rows, "id,text,new\n1,one,one\n"),
        (
            "rows.csv",
            "out.tsv.zst",
            &rows,
            "id\ttext\tnew\n1\tone\tone\n",
        ),
        (
            "rows.csv",
            "out.jsonl",
            &rows,
            "{\"id\":\"1\",\"text\":\"one\",\"new\":\"one\"}\n",
        ),
        ("rows.csv", "out", &rows, "id,text,new\n1,one,one\n"),
        (
            "rows.jsonl",
            "out.zst",
            &rows,
            "{\"text\":\"one\",\"new\":\"one\"}\n",
        ),
        ("lines.txt", "lines.gz", &["-o", "raw"], "one\ntwo\n"),
        ("lines.txt", "new.txt", &["-o", "raw"], "one\ntwo\n"),
        ("empty.txt", "empty.gz", &["-o", "raw"], ""),
        ("empty.txt", "empty.zst", &["-o", "raw"], ""),
        (
            "lines.txt",
            "text",
            &[],
            "lines.txt:1\n[echo] Output: one\nlines.txt:2\n[echo] Output: two\n",
        ),
    ] {
        let flags = [flags, &["-O", name]].concat();
        let text = scene.run(&echo(&[input], &flags));
        assert_eq!(
            text,
            "exit code: 0\n--- standard output\n--- standard error\n"
        );
        assert_eq!(
            String::from_utf8_lossy(&scene.contents(name)),
            expected,
            "{name}"
        );
        assert!(!scene.path(&format!("{name}.part")).exists());
    }
    scene.run(&echo(&["lines.txt"], &["-O", "out.jsonl"]));
    let lines = String::from_utf8(scene.contents("out.jsonl")).expect("UTF-8");
    assert!(
        lines.starts_with("{\"plugin\":\"echo\",\"record\":1,"),
        "{lines}"
    );
}

#[test]
fn unwritable_output_files_are_reported() {
    let scene = Scene::with_plugins()
        .file("rows.csv", "id,text\n1,one\n")
        .file("old.txt.part", "some")
        .file("folder/file", "");
    #[cfg(unix)]
    std::os::unix::fs::symlink("folder/file", scene.path("link")).expect("the link is created");
    for flags in [
        &["rows.csv", "-o", "raw", "-O", "./rows.csv"][..],
        &["rows.csv", "-O", "plugins/echo.wasm"],
        &["old.txt.part", "-O", "old.txt"],
        &["rows.csv", "-O", "old.txt"],
        &["rows.csv", "-O", "folder"],
        &["rows.csv", "-O", "nowhere/out.txt"],
        &["rows.csv", "-O", "-"],
        #[cfg(unix)]
        &["rows.csv", "-O", "link"],
        #[cfg(unix)]
        &["rows.csv", "-O", "/dev/null"],
    ] {
        let text = scene.transcript(&[&["run", "-q"], flags].concat());
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
    assert_eq!(
        std::fs::read(scene.path("rows.csv")).expect("the file exists"),
        b"id,text\n1,one\n"
    );
}

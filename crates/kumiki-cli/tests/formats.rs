//! `kumiki run` on each format that it reads and writes.

mod scene;

use std::io::Write;

use scene::{Scene, snapshot};

/// `echo` alone, whose results are the records.
const ECHO: [&str; 3] = ["-q", "-p", "plugins/echo.wasm"];

/// The program's arguments before and behind [`ECHO`].
fn echo<'a>(files: &[&'a str], flags: &[&'a str]) -> Vec<&'a str> {
    [&["run"], files, &ECHO[..], flags].concat()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 0).expect("it takes all")
}

/// As `cat a.zst b.zst` makes it; and one that breaks off.
#[test]
fn files_packed_by_zstd() {
    let parts = [zstd(b"one\ntwo\nthr"), zstd(b"ee\n{\"text\":\"four\"}\n")].concat();
    let long: String = (0..500_000).map(|number| format!("{number}\n")).collect();
    let long = zstd(long.as_bytes());
    let scene = Scene::with_plugins()
        .file("parts.txt.zst", &parts)
        .file("rows.jsonl.zst", zstd(b"{\"text\":\"row\"}\n"))
        .file("broken.zst", &parts[..parts.len() - 3])
        .file("long.zst", &long[..long.len() / 2])
        .file("no.zst", "no zstd at all");
    let files = ["no.zst", "broken.zst", "parts.txt.zst"];
    snapshot!(scene.run(&echo(&files, &["-o", "raw"])));
    let rows = ["rows.jsonl.zst"];
    snapshot!(scene.run(&echo(&rows, &["-o", "raw", "--field", "text"])));
    // What came before the end is there, and all of it.
    let output = scene.command(&echo(&["long.zst"], &["-o", "raw"])).output();
    let output = output.expect("it runs");
    let lines = String::from_utf8(output.stdout).expect("it is text");
    let error = String::from_utf8(output.stderr).expect("it is text");
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
fn cells_of_a_table() {
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
fn tables_that_do_not_fit() {
    let many: Vec<String> = (0..30).map(|number| format!("c{number}")).collect();
    let scene = Scene::with_plugins()
        .file("rows.csv", TABLE)
        .file("twice.csv", "text,text\na,b\n")
        .file("many.csv", many.join(","))
        .file("latin.csv", b"caf\xe9,text\n")
        .file("long.csv", "x".repeat(2 << 20))
        .file("empty.csv", "")
        .file("rows.jsonl", "{}\n")
        .file("broken.csv.zst", "no zstd at all");
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

/// Each is an error of its own, and the others go on.
#[test]
fn rows_that_are_none() {
    let rows: &[u8] =
        b"id,text\n1,one\n2\n3,three,3\n4,caf\xe9\n5,\"five\n\n\"\n6,six\n7,\"seven\n8,eight\n";
    let scene = Scene::with_plugins().file("rows.csv", rows);
    snapshot!(scene.run(&echo(&["rows.csv"], &["--field", "text", "-o", "raw"])));
    snapshot!(scene.run(&echo(&["rows.csv"], &["--field", "text", "-o", "jsonl"])));
    let limit = ["--field", "text", "-o", "raw", "--line-limit", "8"];
    snapshot!(scene.run(&echo(&["rows.csv"], &limit)));
}

/// A quote that nobody closes makes all that follows one row.
#[test]
#[cfg(target_os = "linux")]
fn a_row_without_end_costs_no_memory() {
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
    let mut input = child.stdin.take().expect("it was piped");
    input
        .write_all(b"a,b\n1,one\n2,\"two\n")
        .expect("it is read");
    let block = "sixty-three bytes and an end make a line, and so a record here\n".repeat(1 << 14);
    let mut peak = 0;
    for _ in 0..150 {
        input.write_all(block.as_bytes()).expect("it is read");
        peak = peak.max(resident(child.id()));
    }
    drop(input);
    let mut error = String::new();
    let mut stderr = child.stderr.take().expect("it was piped");
    std::io::Read::read_to_string(&mut stderr, &mut error).expect("it is text");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert!(
        error.contains("-: line 3 is longer than 1048576 bytes"),
        "{error}"
    );
    assert!(0 < peak && peak < 60 << 10, "{peak} KiB at the peak");
}

/// The most memory that a process has had so far, in KiB.
#[cfg(target_os = "linux")]
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

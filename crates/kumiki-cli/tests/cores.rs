//! `kumiki run` with several workers: same results and order, bounded memory, prompt
//! answers, and interrupts.

mod scene;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

#[cfg(target_os = "linux")]
use scene::resident;
use scene::{Scene, snapshot};
use test_components::{ECHO, TextPlugin, error};

/// A plugin that traps on records that begin with `T` and refuses those with `E`.
fn moody() -> TextPlugin {
    TextPlugin::new("moody").process(&format!(
        "(if (local.get $length) (then
            (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 84)) (then unreachable))
            (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 69))
                (then {} (return)))))
         {ECHO}",
        error(1)
    ))
}

/// Lines of all lengths, including blank ones, some that the plugin refuses or traps
/// on, some that are not UTF-8, and some that are too long. Never ten traps in a
/// row, because the report of an open circuit depends on the time.
fn lines(count: u32) -> Vec<u8> {
    let (mut text, mut random) = (Vec::new(), 1_u32);
    for number in 0..count {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match random >> 24 {
            0..4 => text.extend(format!("T{number}").bytes()),
            4..20 => text.extend(format!("E{number}").bytes()),
            20..30 => {}
            30..32 => text.extend(b"caf\xe9"),
            32 => text.extend([b'x'; 3000]),
            _ => {
                let words = (random >> 16 & 31) as usize;
                text.extend(format!("{number} {}", "wörd ".repeat(words)).bytes());
            }
        }
        text.push(b'\n');
    }
    text
}

#[test]
fn number_of_workers_does_not_change_the_output() {
    let scene = Scene::new()
        .plugin("plugins/echo.wasm", &TextPlugin::new("echo"))
        .plugin("plugins/moody.wasm", &moody())
        .file("first.txt", lines(9_000))
        .file("second.txt", lines(1_000));
    let run = |jobs: &str, flags: &[&str]| {
        let fixed = ["run", "-q", "--line-limit", "2KiB", "--jobs", jobs];
        let files = ["first.txt", "second.txt"];
        let arguments = [&fixed[..], flags, &files[..]].concat();
        let output = scene
            .command(&arguments)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        (
            output.stdout,
            String::from_utf8(output.stderr).expect("UTF-8"),
        )
    };
    for flags in [
        &["-o", "text"][..],
        &["-o", "jsonl", "--skip-blank"],
        &["-o", "raw"],
        &["-o", "text", "--chain"],
        &["-o", "jsonl", "--chain"],
    ] {
        let (results, errors) = run("1", flags);
        assert!(results.len() > 500_000, "{flags:?}: {}", results.len());
        assert!(
            flags[1] == "jsonl" || errors.contains("unreachable"),
            "{errors}"
        );
        for jobs in ["2", "5"] {
            let (other_results, other_errors) = run(jobs, flags);
            assert!(results == other_results, "{flags:?} with {jobs} workers");
            assert_eq!(errors, other_errors, "{flags:?} with {jobs} workers");
        }
    }
}

/// The same lines as objects. Blank ones stay blank; some are white space, lack the
/// key, or are not JSON.
fn objects(count: u32) -> Vec<u8> {
    let lines = lines(count);
    let lines = lines.split(|byte| *byte == b'\n');
    let object = |(number, line): (usize, &[u8])| match number % 50 {
        _ if line.is_empty() => Vec::new(),
        7 => " \t\u{a0}\r".into(),
        8 => b"{\"other\":1}".to_vec(),
        9 => [b"{", line].concat(),
        10 => b"{\"text\":\" \"}".to_vec(),
        11 => b"\xc2".to_vec(),
        _ => [b" {\"id\":1,\"text\":\"", line, b"\"}"].concat(),
    };
    let objects: Vec<_> = lines.enumerate().map(object).collect();
    objects.join(&b'\n')
}

#[test]
fn number_of_workers_does_not_change_objects() {
    let scene = Scene::new()
        .plugin("plugins/moody.wasm", &moody())
        .file("objects.jsonl", objects(20_000));
    for flags in [
        &["-o", "jsonl"][..],
        &["-o", "jsonl", "--skip-blank"],
        &["-o", "text"],
        &["--into", "text"],
        &["--into", "result", "--skip-blank"],
    ] {
        let run = |jobs: &str| {
            let fixed = ["run", "-q", "--line-limit", "2KiB", "--field", "text"];
            let files = ["--jobs", jobs, "objects.jsonl"];
            let arguments = [&fixed[..], flags, &files[..]].concat();
            let output = scene
                .command(&arguments)
                .output()
                .expect("the program runs");
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            (
                output.stdout,
                String::from_utf8(output.stderr).expect("UTF-8"),
            )
        };
        let (results, errors) = run("1");
        assert!(results.len() > 500_000, "{flags:?}: {}", results.len());
        for jobs in ["2", "5"] {
            let (other_results, other_errors) = run(jobs);
            assert!(results == other_results, "{flags:?} with {jobs} workers");
            assert_eq!(errors, other_errors, "{flags:?} with {jobs} workers");
        }
    }
}

#[test]
fn invalid_number_of_workers_is_a_usage_error() {
    let scene = Scene::with_plugins();
    for jobs in ["0", "many"] {
        let text = scene.transcript(&["run", "--jobs", jobs, "--text", "x"]);
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
}

/// A running program that gets its input line by line.
struct Talk {
    child: Child,
    input: ChildStdin,
    answers: std::sync::mpsc::Receiver<String>,
}

impl Talk {
    fn new(scene: &Scene, arguments: &[&str]) -> Self {
        let mut child = scene
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take().expect("a pipe");
        let output = child.stdout.take().expect("a pipe");
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let _ = sender.send(line.expect("UTF-8"));
            }
        });
        Self {
            child,
            input,
            answers,
        }
    }

    fn say(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("the program reads it");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let answer = self.answers.recv_timeout(Duration::from_secs(60));
        answer.expect("an answer, long before the end of the input")
    }

    /// Sends a signal that must end it. Returns the exit code and standard error.
    #[cfg(unix)]
    fn interrupt(mut self, signal: &str) -> (Option<i32>, String, Vec<String>) {
        let id = self.child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args([signal, &id])
            .status();
        assert!(kill.expect("`kill` runs").success());
        let status = self.child.wait().expect("the program ends");
        let mut text = String::new();
        let mut error = self.child.stderr.take().expect("a pipe");
        error.read_to_string(&mut text).expect("UTF-8");
        (status.code(), text, self.answers.iter().collect())
    }
}

/// The result of each record is written before the next record arrives, as with
/// `tail -f`. Any idle worker of the four can get a record; of nine records, one worker
/// gets at least three.
#[test]
fn single_record_from_a_stream_is_processed_at_once() {
    let third = TextPlugin::new("third").global("calls").process(&format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable)) {ECHO}"
    ));
    let scene = Scene::new().plugin("plugins/third.wasm", &third);
    let mut talk = Talk::new(&scene, &["run", "-q", "-o", "jsonl", "--jobs", "4"]);
    let mut traps = 0;
    for line in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        let answer = talk.say(line);
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        let answer = serde_json::json!([answer["output"], answer["error"]["kind"]]);
        if answer == serde_json::json!([null, "trap"]) {
            traps += 1;
        } else {
            assert_eq!(answer, serde_json::json!([line, null]));
        }
    }
    assert!((1..=3).contains(&traps), "{traps} traps");
    drop(talk.input);
    assert_eq!(talk.child.wait().expect("the program ends").code(), Some(1));
}

#[test]
fn open_circuit_is_reported_once() {
    let scene = Scene::new()
        .plugin(
            "plugins/faulty.wasm",
            &TextPlugin::new("faulty").process("unreachable"),
        )
        .file("lines.txt", "x\n".repeat(20_000));
    let output = scene
        .command(&["run", "-o", "jsonl", "--jobs", "4", "lines.txt"])
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    let reported = error.lines().filter(|line| line.contains("retried in 1s"));
    assert_eq!(reported.count(), 1, "{error}");
    let results = String::from_utf8_lossy(&output.stdout);
    assert_eq!(results.lines().count(), 20_000);
    assert!(results.contains("\"kind\":\"circuit-open\""));
}

/// 200 MB through four workers, with a peak below 100 MiB.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_independent_of_the_input_size() {
    let scene = Scene::with_plugins();
    let mut child = scene
        .command(&["run", "-p", "plugins/echo.wasm", "-o", "raw", "--jobs", "4"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = child.stdout.take().expect("a pipe");
    let total = 200_u64 << 20;
    thread::spawn(move || {
        let text = "sixty-three bytes and an end make a line, and so a record here\n\n";
        let block = text.repeat(1024);
        for _ in 0..total / block.len() as u64 {
            input
                .write_all(block.as_bytes())
                .expect("the program reads it");
        }
    });
    let (mut peak, mut workers, mut read) = (0, 0, 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = output.read(&mut buffer).expect("readable output");
        if length == 0 {
            break;
        }
        read += length as u64;
        peak = peak.max(resident(child.id()));
        workers = workers.max(threads(child.id(), "worker"));
    }
    assert!(child.wait().expect("the program ends").success());
    assert_eq!(read, total);
    assert_eq!(workers, 4);
    assert!(0 < peak && peak < 100 << 10, "{peak} KiB at the peak");
}

/// The number of threads of a process whose names have this prefix.
#[cfg(target_os = "linux")]
fn threads(id: u32, name: &str) -> usize {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else {
        return 0;
    };
    let names = threads.flatten().map(|thread| thread.path().join("comm"));
    names
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .filter(|thread| thread.starts_with(name))
        .count()
}

/// An interrupt while it waits for more input, as after `tail -f`.
#[test]
#[cfg(unix)]
fn interrupt_does_not_wait_for_the_next_line() {
    let scene = Scene::with_plugins();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let plugin = ["run", "-q", "-p", "plugins/echo.wasm", "-o", "raw"];
        let mut talk = Talk::new(&scene, &plugin);
        for line in ["one", "two"] {
            assert_eq!(talk.say(line), line);
        }
        let (status, error, rest) = talk.interrupt(signal);
        assert_eq!(status, Some(code), "{error}");
        assert_eq!(
            error,
            "interrupted: results are written up to -:2, and none after it\n"
        );
        assert_eq!(rest, [""; 0]);
    }
}

/// An interrupt within a file: the output ends exactly with the reported line.
#[test]
#[cfg(unix)]
fn interrupt_reports_the_last_written_line() {
    let count = 3_000_000;
    let text: String = (1..=count).map(|number| format!("{number}\n")).collect();
    let scene = Scene::with_plugins().file("lines.txt", text);
    let arguments = [
        "run",
        "-q",
        "-p",
        "plugins/echo.wasm",
        "-o",
        "raw",
        "--jobs",
        "3",
        "lines.txt",
    ];
    let mut talk = Talk::new(&scene, &arguments);
    assert_eq!(talk.answer(), "1");
    let (status, error, rest) = talk.interrupt("-INT");
    assert_eq!(status, Some(130), "{error}");
    let last = rest.last().expect("more results");
    assert_eq!(rest.len() + 1, last.parse::<usize>().expect("a number"));
    assert!(rest.len() < count - 1, "the run was already complete");
    assert_eq!(
        error,
        format!("interrupted: results are written up to lines.txt:{last}, and none after it\n")
    );
}

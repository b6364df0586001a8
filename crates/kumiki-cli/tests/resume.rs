//! `kumiki run --output-file`, interrupted or killed and then resumed: the output is
//! the same as that of one run.
#![cfg(unix)]

mod scene;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use scene::{Scene, snapshot};
use test_components::{ECHO, TextPlugin, error};

/// A plugin that takes about 20 µs for a record and refuses those that begin with `E`.
fn slow() -> TextPlugin {
    TextPlugin::new("slow").global("left").process(&format!(
        "(global.set $left (i32.const 20000))
         (loop
            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
            (br_if 0 (global.get $left)))
         (if (local.get $length) (then
            (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 69)) (then {} (return)))))
         {ECHO}",
        error(1)
    ))
}

/// Lines, objects or rows, which `make` creates from their numbers; some are invalid.
fn input(make: impl Fn(u32) -> String) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..40_000 {
        match number % 997 {
            1 => bytes.extend(b"caf\xe9\n"),
            2 => bytes.push(b'\n'),
            3 => bytes.extend("not,one,of,them\n".bytes()),
            _ => bytes.extend(make(number).bytes()),
        }
    }
    bytes
}

fn text(number: u32) -> String {
    let first = if number.is_multiple_of(101) { "E" } else { "" };
    format!("{first}wörd {number}")
}

fn scene() -> Scene {
    let table = |number| format!("{number},\"{}\n\"\"quoted\"\"\",end\n", text(number));
    let rows = [b"id,text,last\n".to_vec(), input(table)].concat();
    Scene::new()
        .plugin("plugins/slow.wasm", &slow())
        .file("lines.txt", input(|number| text(number) + "\n"))
        .file(
            "more.txt.zst",
            zstd::encode_all(&b"one\ntwo\n\nEnd\n"[..], 0).expect("compression works"),
        )
        .file("rows.csv", rows)
        .file(
            "rows.jsonl",
            input(|number| format!("{{\"id\":{number},\"text\":\"{}\"}}\n", text(number))),
        )
}

/// Each format with its files: plain, and compressed in parts.
const RUNS: [(&[&str], &[&str], &str); 4] = [
    (&["lines.txt", "more.txt.zst"], &["-o", "raw"], "out.txt"),
    (&["lines.txt"], &["--skip-blank"], "out.jsonl.gz"),
    (
        &["rows.csv"],
        &["--field", "text", "--into", "new"],
        "out.csv.zst",
    ),
    (
        &["rows.jsonl"],
        &["--field", "text", "--into", "text"],
        "out.ndjson",
    ),
];

/// The run to compare with, which is not stopped.
struct Whole<'a> {
    /// The inputs, repeated until the run takes long enough, and the flags.
    arguments: Vec<&'a str>,
    contents: Vec<u8>,
    /// The duration of the run.
    time: Duration,
}

/// Runs without a stop, with the inputs repeated once, twice, four times and so on, until
/// the run takes at least `least`. Removes its output.
fn whole<'a>(
    scene: &Scene,
    inputs: &[&'a str],
    flags: &[&'a str],
    file: &str,
    least: Duration,
) -> Whole<'a> {
    let mut inputs = inputs.to_vec();
    loop {
        let arguments = [&inputs[..], flags].concat();
        let start = Instant::now();
        let output = command(scene, &arguments, file, &[]).output();
        let (output, time) = (output.expect("the program runs"), start.elapsed());
        // Some records fail.
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let contents = scene.contents(file);
        fs::remove_file(scene.path(file)).expect("the file exists");
        if time >= least {
            return Whole {
                arguments,
                contents,
                time,
            };
        }
        inputs = inputs.repeat(2);
    }
}

fn command(scene: &Scene, flags: &[&str], file: &str, more: &[&str]) -> Command {
    let fixed = ["run", "--jobs", "2", "--output-file", file];
    let mut command = scene.command(&[&fixed[..], flags, more].concat());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn send(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let kill = Command::new("kill").args([signal, &id]).status();
    assert!(kill.expect("`kill` runs").success());
}

/// Stops and resumes a run until it completes. Returns the number of stopped runs,
/// and the highest number of records that a run resumed after.
fn stopped(
    scene: &Scene,
    flags: &[&str],
    file: &str,
    signal: &str,
    delays: [Duration; 2],
) -> (u32, u64) {
    let delays = delays.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
    let (mut stops, mut resumed_after, mut random) = (0, 0, 1_u64);
    loop {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Longer each time, so that the run completes even on a busy machine.
        let more = u64::from(stops) * 20;
        let delay = delays[0] + (random >> 33) % (delays[1] - delays[0]) + more;
        let child = command(scene, flags, file, &["--resume"])
            .spawn()
            .expect("the program starts");
        let start = Instant::now();
        // Wait for the file: there is nothing to resume before it exists.
        while !scene.path(&format!("{file}.part.json")).exists()
            && !scene.path(file).exists()
            && start.elapsed() < Duration::from_secs(20)
        {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(delay));
        if !scene.path(file).exists() {
            send(&child, signal);
        }
        let output = child.wait_with_output().expect("the program ends");
        let error = String::from_utf8_lossy(&output.stderr);
        let resumed = error
            .lines()
            .find_map(|line| line.strip_prefix("resuming after "));
        let records = resumed.and_then(|text| text.split(' ').next()?.parse().ok());
        resumed_after = resumed_after.max(records.unwrap_or(0));
        match output.status.code() {
            Some(1) if scene.path(file).exists() => return (stops, resumed_after),
            Some(130) => assert!(
                error.contains("`; resume with the same command and `--resume`"),
                "{error}"
            ),
            None => {}
            code => panic!("{code:?}: {error}"),
        }
        assert!(!scene.path(file).exists(), "the output is not complete");
        stops += 1;
        assert!(stops < 100, "the run never completes");
    }
}

/// Checks that stopped runs write the same as one that is not stopped. Repeats the check
/// if a run was stopped less than `enough` times, because timing varies on a busy
/// machine.
fn assert_same_output(
    scene: &Scene,
    (inputs, flags, file): (&[&str], &[&str], &str),
    signal: &str,
    least: Duration,
    delays: impl Fn(Duration) -> [Duration; 2],
    enough: u32,
) {
    for attempt in 1.. {
        let Whole {
            arguments,
            contents: whole,
            time,
        } = whole(scene, inputs, flags, file, least);
        assert!(whole.len() > 100_000, "{} bytes", whole.len());
        let (stops, resumed_after) = stopped(scene, &arguments, file, signal, delays(time));
        assert!(
            scene.contents(file) == whole,
            "{arguments:?}, stopped {stops} times"
        );
        assert!(!scene.path(&format!("{file}.part.json")).exists());
        if stops >= enough && resumed_after > 0 {
            return;
        }
        assert!(
            attempt < 5,
            "{arguments:?} was stopped only {stops} times, resumed after {resumed_after}"
        );
        fs::remove_file(scene.path(file)).expect("the file exists");
    }
}

#[test]
fn resumed_run_writes_the_same_after_an_interrupt() {
    let (scene, least) = (scene(), Duration::from_millis(500));
    for run in RUNS {
        assert_same_output(&scene, run, "-INT", least, |time| [time / 20, time / 4], 3);
    }
}

/// A kill, unlike an interrupt, gives the program no chance to save its state.
#[test]
fn resumed_run_writes_the_same_after_a_kill() {
    // The state is saved every second.
    let least = Duration::from_secs(4);
    let run: (&[&str], &[&str], &str) = (&["lines.txt"], &["-o", "jsonl"], "out.zst");
    let delays = |time| [time * 3 / 8, time * 5 / 8];
    assert_same_output(&scene(), run, "-KILL", least, delays, 1);
}

/// A folder with the partial output of an interrupted run.
fn interrupted() -> Scene {
    let scene = scene();
    let child = command(
        &scene,
        &["lines.txt", "more.txt.zst", "-o", "raw"],
        "out.txt",
        &[],
    )
    .spawn();
    let child = child.expect("the program starts");
    while !scene.path("out.txt.part.json").exists() {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(20));
    send(&child, "-INT");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(130));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    // The summary is printed as after a complete run.
    assert!(error.contains(" records through 1 plugin in "), "{error}");
    assert!(error.contains("plugin  records  errors"), "{error}");
    scene
}

#[test]
fn resume_refuses_a_changed_run() {
    let scene = interrupted();
    let inputs = ["run", "lines.txt", "more.txt.zst"];
    let same = ["-o", "raw", "-O", "out.txt", "--resume"];
    let refused = |arguments: &[&str]| {
        let text = scene.transcript(arguments);
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    };
    refused(&[&inputs[..], &["-o", "raw", "-O", "out.txt"]].concat());
    refused(&[&inputs[..], &["-O", "out.txt", "--resume"]].concat());
    refused(&[&inputs[..], &same, &["--skip-blank"]].concat());
    refused(&[&inputs[..], &same, &["--config", "key=secret"]].concat());
    refused(&[&inputs[..2], &same].concat());
    refused(&[&inputs[..], &["rows.csv"], &same].concat());
    refused(&[
        "run",
        "more.txt.zst",
        "lines.txt",
        "-o",
        "raw",
        "-O",
        "out.txt",
        "--resume",
    ]);
    refused(&["run", "-", "-o", "raw", "-O", "out.txt", "--resume"]);
    refused(&["run", "lines.txt", "--resume"]);

    let lines = fs::read(scene.path("lines.txt")).expect("the file exists");
    fs::write(scene.path("lines.txt"), &lines[..lines.len() - 1]).expect("the file is writable");
    refused(&[&inputs[..], &same].concat());

    let scene = interrupted().plugin("plugins/slow.wasm", &TextPlugin::new("other"));
    let refused = |name: &str| {
        let text = scene.run(&[&inputs[..], &same].concat());
        assert!(text.contains("exit code: 2\n"), "{text}");
        insta::assert_snapshot!(name, text);
    };
    refused("another_plugin");
    fs::write(scene.path("plugins/slow.wasm"), slow().build()).expect("the file is writable");
    let state = fs::read_to_string(scene.path("out.txt.part.json")).expect("the file exists");
    assert!(!state.contains("secret"), "{state}");
    fs::write(scene.path("out.txt.part"), "short").expect("the file is writable");
    let text = scene.run(&[&inputs[..], &same].concat());
    assert!(
        text.contains("exit code: 2\n") && text.contains("it is shorter than"),
        "{text}"
    );
    fs::write(scene.path("out.txt.part.json"), "{").expect("the file is writable");
    refused("invalid_state");
    fs::remove_file(scene.path("out.txt.part.json")).expect("the file exists");
    refused("no_state");
}

/// `--resume` without partial output is not an error.
#[test]
fn resume_without_partial_output_starts_over() {
    let scene = Scene::with_plugins().file("lines.txt", "one\n");
    let arguments = [
        "run",
        "-q",
        "-p",
        "plugins/echo.wasm",
        "lines.txt",
        "-o",
        "raw",
        "-O",
        "out",
    ];
    for _ in 0..2 {
        let text = scene.run(&[&arguments[..], &["--resume"]].concat());
        assert_eq!(
            text,
            "exit code: 0\n--- standard output\n--- standard error\n"
        );
        assert_eq!(scene.contents("out"), b"one\n");
    }
}

//! How `kumiki run` reuses and replaces instances, and runs with little address space.

mod scene;

use std::process::Command;

use scene::{Scene, snapshot};
use test_components::{BATCH, COLUMN, TextPlugin};

/// A plugin that returns one dot for each call so far, and grows by one page per call.
fn counter() -> TextPlugin {
    TextPlugin::new("counter")
        .data(1024, &".".repeat(100))
        .global("calls")
        .process(
            "(drop (memory.grow (i32.const 1)))
             (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (i32.store8 (i32.const 16) (i32.const 0))
             (i32.store (i32.const 20) (i32.const 1024))
             (i32.store (i32.const 24) (global.get $calls))
             (i32.store (i32.const 28) (i32.const 0))
             (i32.store (i32.const 32) (i32.const 0))
             (i32.const 16)",
        )
}

fn run(scene: &Scene, flags: &[&str]) -> String {
    let fixed = ["run", "-q", "-o", "raw", "--jobs", "1", "six.txt"];
    let output = scene.command(&[&fixed[..], flags].concat()).output();
    let output = output.expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let dots = text.lines().map(|line| line.len().to_string());
    dots.collect::<Vec<_>>().join(" ")
}

#[test]
fn instances_are_replaced_as_specified() {
    for plugin in [counter(), counter().batch(BATCH), counter().column(COLUMN)] {
        let scene = Scene::new()
            .plugin("plugins/counter.wasm", &plugin)
            .file("six.txt", "a\nb\nc\nd\ne\nf\n");
        assert_eq!(run(&scene, &["--fresh"]), "1 1 1 1 1 1");
    }
    let scene = Scene::new()
        .plugin("plugins/counter.wasm", &counter())
        .file("six.txt", "a\nb\nc\nd\ne\nf\n");
    assert_eq!(run(&scene, &[]), "1 2 3 4 5 6");
    // The first instance was also called for its name and version.
    let flags = ["--calls-per-instance", "4"];
    assert_eq!(run(&scene, &flags), "1 2 1 2 3 4");
    // Two pages initially, and one more for each record.
    let flags = ["--memory-per-instance", "256KiB"];
    assert_eq!(run(&scene, &flags), "1 2 3 1 2 3");
}

#[test]
fn conflicting_instance_arguments_are_usage_errors() {
    let scene = Scene::with_plugins();
    for flags in [
        &["--fresh", "--calls-per-instance", "4"][..],
        &["--calls-per-instance", "0"],
        &["--memory-per-instance", "much"],
    ] {
        let arguments = [&["run", "--text", "x"][..], flags].concat();
        let text = scene.transcript(&arguments);
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
}

/// Runs the program with this many GiB of address space.
#[cfg(target_os = "linux")]
fn narrow(scene: &Scene, gibibytes: u64, arguments: &[&str]) -> String {
    let program = scene.command(arguments);
    let mut shell = Command::new("sh");
    let script = "ulimit -v $0 && exec \"$@\"";
    shell.args(["-c", script, &(gibibytes << 20).to_string()]);
    shell.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(program.get_current_dir().expect("a current folder"));
    scene.finish(shell, b"one\ntwo\n")
}

#[cfg(target_os = "linux")]
#[test]
fn small_address_space_reduces_slots_but_not_results() {
    let scene = Scene::new().plugin("plugins/echo.wasm", &TextPlugin::new("echo"));
    let arguments = ["run", "--jobs", "15", "-o", "raw"];
    for (gibibytes, slots) in [(80, None), (40, Some(4)), (10, Some(1)), (7, Some(0))] {
        let text = narrow(&scene, gibibytes, &arguments);
        assert!(text.starts_with("exit code: 0\n"), "{gibibytes}: {text}");
        assert!(
            text.contains("output\none\ntwo\n---"),
            "{gibibytes}: {text}"
        );
        let reported = text.matches("there is address space for").count();
        assert_eq!(
            reported,
            usize::from(slots.is_some()),
            "{gibibytes}: {text}"
        );
        if let Some(slots) = slots {
            let notice = format!("there is address space for {slots} of 16 pool slots");
            assert!(text.contains(&notice), "{gibibytes}: {text}");
        }
    }
    let text = narrow(&scene, 3, &arguments);
    assert!(text.starts_with("exit code: 1\n"), "{text}");
    assert!(text.contains("hint: raise `ulimit -v`"), "{text}");
}

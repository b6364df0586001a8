//! Rows: `kumiki run --whole` with plugins that do not end, and outputs that are not
//! written.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use test_components::AsyncPlugin;

use crate::guests::FOREVER;
use crate::program::{Output, Scene, run, start};
use crate::suite::Case;

/// The longest time after an interrupt: a second for the plugins, and the rest for a busy
/// machine.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::in_scene(
            "kumiki run --whole: interrupted while a plugin computes",
            |scene| interrupted(scene, FOREVER),
        ),
        Case::in_scene(
            "kumiki run --whole: interrupted while a plugin waits",
            |scene| interrupted(scene, WAIT),
        ),
        Case::in_scene(
            "kumiki run --whole: interrupted, with an output file",
            interrupted_file,
        ),
        Case::in_scene(
            "kumiki run --whole: interrupted in a chain that is stuck",
            stuck,
        ),
        Case::in_scene("kumiki run --whole: a full disk", full_disk),
        Case::in_scene(
            "kumiki run --whole: an endless plugin before one that ends",
            |scene| {
                chain(
                    scene,
                    ENDLESS,
                    NOTHING,
                    "run --whole --chain -p a.wasm -p b.wasm input",
                )?
                .expect(0, &[])
            },
        ),
        Case::in_scene(
            "kumiki run --whole: an endless plugin before one that waits",
            |scene| {
                let command = "run --whole --chain --time-limit 300ms -p a.wasm -p b.wasm input";
                chain(scene, ENDLESS, WAIT, command)?.expect(1, &["exceeded its limit", "300ms"])
            },
        ),
    ]
}

/// What a plugin has written before it is interrupted, on standard output.
const SOME_OUTPUT: (&str, &[u8]) = ("work/out", b"some");

/// Parts of the bodies of plugins.
const WAIT: &str = "(drop (call $wait (call $set-new) (i32.const 240)))";
const NOTHING: &str = "(call $end) (return (i32.const 0))";
const ENDLESS: &str = "(memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
    (loop $l (drop (call $write-some (global.get $output) (i32.const 65536) (i32.const 65536)))
        (br $l))";
const SOME: &str = "(drop (call $write-some (global.get $output) (i32.const 256) (i32.const 4)))";

/// A plugin with this name, which begins its output and then does this.
fn plugin(name: &'static str, body: &str) -> Vec<u8> {
    let plugin = AsyncPlugin::streaming(&format!("(call $begin) {body} unreachable"));
    let plugin = plugin.with(|it| it.data(256, "some"));
    plugin.named(name).build()
}

/// Interrupts a run once there are these bytes in this file, and some time after it.
fn interrupt(
    scene: &Scene,
    script: &str,
    (file, bytes): (&str, &[u8]),
    after: Duration,
) -> Result<Output, String> {
    scene.file("work/input", "attack")?;
    let mut process = start(&mut scene.shell(script), Stdio::null())?;
    process.wait_until("it wrote", || {
        scene.read(file).is_ok_and(|found| found == bytes)
    })?;
    thread::sleep(after);
    let start = Instant::now();
    process.interrupt()?;
    let output = process.wait()?;
    match start.elapsed() {
        elapsed if elapsed > PATIENCE => Err(format!("it ended after {elapsed:?}: {output:?}")),
        _ => Ok(output),
    }
}

fn interrupted(scene: &Scene, body: &str) -> Result<(), String> {
    scene.file(
        "work/hostile.wasm",
        plugin("hostile", &format!("{SOME} {body}")),
    )?;
    let script = "exec \"$0\" run --whole -p hostile.wasm input > out";
    interrupt(scene, script, SOME_OUTPUT, Duration::ZERO)?.expect(130, &["interrupted"])
}

fn interrupted_file(scene: &Scene) -> Result<(), String> {
    scene.file(
        "work/hostile.wasm",
        plugin("hostile", &format!("{SOME} {FOREVER}")),
    )?;
    let script = "exec \"$0\" run --whole -p hostile.wasm -O out input";
    // The file is written once there is more, or at the end.
    let begun = ("work/out.part", &b""[..]);
    let output = interrupt(scene, script, begun, Duration::from_secs(1))?;
    output.expect(130, &["interrupted", "out.part"])?;
    let (names, part) = (scene.names("work"), scene.read("work/out.part")?);
    match !names.contains(&"out".to_owned()) && b"some".starts_with(&part) {
        true => Ok(()),
        false => Err(format!("{names:?}, {part:?}")),
    }
}

/// The first plugin writes more than a pipe holds, and the second one does not read it.
fn stuck(scene: &Scene) -> Result<(), String> {
    scene.file("work/a.wasm", plugin("a", ENDLESS))?;
    scene.file("work/b.wasm", plugin("b", &format!("{SOME} {WAIT}")))?;
    let script = "exec \"$0\" run --whole --chain -p a.wasm -p b.wasm input > out";
    interrupt(scene, script, SOME_OUTPUT, Duration::ZERO)?.expect(130, &["interrupted"])
}

fn chain(scene: &Scene, first: &str, second: &str, command: &str) -> Result<Output, String> {
    scene.file("work/input", "attack")?;
    scene.file("work/a.wasm", plugin("a", first))?;
    scene.file("work/b.wasm", plugin("b", second))?;
    scene.run(command)
}

fn full_disk(scene: &Scene) -> Result<(), String> {
    scene.file("work/input", "attack")?;
    scene.file("work/hostile.wasm", plugin("hostile", ENDLESS))?;
    let script = "exec \"$0\" run --whole -p hostile.wasm input > /dev/full";
    run(&mut scene.shell(script))?.expect(1, &["cannot write the results"])
}

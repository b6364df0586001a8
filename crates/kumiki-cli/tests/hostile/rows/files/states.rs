//! Rows: runs that are resumed from a forged state file.

use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;

use test_components::TextPlugin;

use crate::guests::FOREVER;
use crate::program::{Output, Scene, start};
use crate::suite::{Case, to_text};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        row("state: a record number out of bounds", |scene| {
            let json = String::from_utf8(scene.read(STATE)?).map_err(to_text)?;
            let changed = json.replace("\"records\": 0", "\"records\": 18446744073709551615");
            if changed == json {
                return Err(format!("no number to change in {json}"));
            }
            scene.file(STATE, changed)
        }),
        row("state: a name of 60 MB", |scene| {
            with_names(scene, &format!("\"{}\": \"\",", "x".repeat(60_000_000)))
        }),
        row("state: five million names", |scene| {
            let mut names = String::new();
            for number in 0..5_000_000 {
                // Writing to a string never fails.
                let _ = write!(names, "\"{number}\":\"\",");
            }
            with_names(scene, &names)
        })
        // This process creates the file.
        .within(512),
    ]
}

/// Adds names to the identity of the run.
fn with_names(scene: &Scene, names: &str) -> Result<(), String> {
    let json = String::from_utf8(scene.read(STATE)?).map_err(to_text)?;
    let place = "\"identity\": {";
    match json.contains(place) {
        true => scene.file(STATE, json.replace(place, &format!("{place}{names}"))),
        false => Err(format!("no place for names in {json}")),
    }
}

const LINES: &str = "run --time-limit 1s -p p.wasm in.txt -o raw -O o.txt";
const STATE: &str = "work/o.txt.part.json";
/// The maximum memory of the program, in MiB.
const MAX_MEMORY: usize = 256;
/// The maximum size of an error in bytes.
const MAX_ERROR: u64 = 16 << 10;

/// A row that kills a run, changes its state and resumes it. The state must be refused.
fn row(name: &'static str, change: fn(&Scene) -> Result<(), String>) -> Case {
    Case::in_scene(name, move |scene| {
        let endless = TextPlugin::new("endless").process(&format!("{FOREVER} unreachable"));
        scene.file("work/p.wasm", endless.build())?;
        scene.file("work/in.txt", "line 1\nline 2\n")?;
        let mut process = start(&mut scene.command(LINES), Stdio::null())?;
        let state = scene.path(STATE);
        process.wait_until("it wrote its state", || {
            fs::metadata(&state).is_ok_and(|file| file.len() > 0)
        })?;
        process.kill()?;
        change(scene)?;
        let output = scene.run(&format!("{LINES} --resume"))?;
        output.expect(2, &["cannot read the saved state"])?;
        output.within(MAX_MEMORY)?;
        is_short(&output)
    })
    .timeout(90)
}

/// Fails if the errors are longer than [`MAX_ERROR`].
pub(crate) fn is_short(output: &Output) -> Result<(), String> {
    match output.stderr.length {
        0..=MAX_ERROR => Ok(()),
        length => Err(format!("an error of {length} bytes")),
    }
}

//! Rows: results that are too large, with the default limits of the program.

use test_components::TextPlugin;

use super::parquet;
use crate::guests::{EMPTY, INPUT, result, result_with_entries, room, text_at};
use crate::program::{Output, Scene};
use crate::suite::Case;

/// The maximum memory of the program, in MiB.
const MAX_MEMORY: usize = 1024;
/// The address of large results in a guest: after its first pages.
const AT: &str = "(i32.const 131072)";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = beyond_the_limit();
    cases.extend(within_the_limit());
    cases.extend(other_results());
    cases
}

/// 200,000 quick records, and 12 records with a result of 256 MiB.
fn beyond_the_limit() -> Vec<Case> {
    let row = |name, arguments: &'static str| {
        row(name, move |scene| {
            let lines = lines(200_000, 12);
            scene.file("work/big.wasm", large(256 << 20).build())?;
            scene.file("work/in.txt", &lines)?;
            scene.file("work/in.csv", format!("id\n{lines}"))?;
            scene.file("work/in.parquet", parquet::texts(&lines))?;
            let mut held = String::new();
            for jobs in ["1", "2", "16"] {
                let output = scene.run(&format!("run -p big.wasm --jobs {jobs} {arguments}"))?;
                held = output
                    .expect_within(1, MAX_MEMORY)
                    .map_err(|it| format!("{jobs} jobs: {it}"))?;
                // In JSON, errors are among the results.
                if !arguments.contains("jsonl") {
                    names_the_limit(&output)?;
                }
            }
            Ok(held)
        })
    };
    vec![
        row("256 MiB for each record, as text", "in.txt"),
        row("256 MiB for each record, raw", "in.txt -o raw"),
        row("256 MiB for each record, as JSON", "in.txt -o jsonl"),
        row(
            "256 MiB for each record, into CSV",
            "in.csv --field id --into out",
        ),
        row(
            "256 MiB for each record, into Parquet",
            "in.parquet --field id --into out -O out.parquet",
        ),
    ]
}

/// Results that are within the limit one by one, but not together.
fn within_the_limit() -> Vec<Case> {
    /// Fails unless the program wrote this many bytes to standard output.
    fn all(output: &Output, bytes: u64) -> Result<String, String> {
        let held = output.expect_within(0, MAX_MEMORY)?;
        match output.stdout.length >= bytes {
            true => Ok(held),
            false => Err(format!("only {} bytes", output.stdout.length)),
        }
    }
    vec![
        row("40 MiB for each of 16 records", |scene| {
            scene.file("work/big.wasm", large(40 << 20).build())?;
            scene.file("work/in.txt", lines(20_000, 16))?;
            let mut held = String::new();
            for options in ["raw -j 1", "raw -j 2", "raw -j 16", "text -j 64"] {
                let output = scene.run(&format!("run -p big.wasm in.txt -o {options}"))?;
                held = all(&output, 16 * (40 << 20)).map_err(|it| format!("{options}: {it}"))?;
            }
            Ok(held)
        }),
        row("40 MiB for each of 16 records, into Parquet", |scene| {
            scene.file("work/big.wasm", large(40 << 20).build())?;
            scene.file("work/in.parquet", parquet::texts(&lines(20_000, 16)))?;
            let output = scene
                .run("run -p big.wasm in.parquet --field id --into out -O out.parquet -j 16")?;
            output.expect_within(0, MAX_MEMORY)
        }),
        row("10 MB of NUL for each of 20 records, in JSON", |scene| {
            scene.file("work/big.wasm", large(10_000_000).build())?;
            scene.file("work/in.txt", lines(20_000, 20))?;
            let mut held = String::new();
            for jobs in ["1", "16"] {
                let output = scene.run(&format!("run -p big.wasm in.txt -o jsonl -j {jobs}"))?;
                held = all(&output, 20 * 60_000_000)?;
            }
            Ok(held)
        }),
        row(
            "9 plugins in a row, each adding 30 MiB of metadata",
            |scene| {
                scene.file("work/big.wasm", metadata(7_500).build())?;
                scene.file("work/in.txt", lines(20_000, 4))?;
                let plugins = " -p big.wasm".repeat(9);
                let output = scene.run(&format!("run --chain in.txt -o jsonl -j 2{plugins}"))?;
                output.expect_within(1, MAX_MEMORY)
            },
        ),
    ]
}

fn other_results() -> Vec<Case> {
    vec![
        row("60 MB of NUL for each record, in JSON", |scene| {
            scene.file("work/big.wasm", large(60_000_000).build())?;
            scene.file("work/in.txt", lines(20_000, 12))?;
            let output = scene.run("run -p big.wasm in.txt -o jsonl -j 16")?;
            output.expect_within(1, MAX_MEMORY)
        }),
        row("40 MiB of metadata for each of 6 records", |scene| {
            scene.file("work/big.wasm", metadata(10_000).build())?;
            scene.file("work/in.txt", lines(20_000, 6))?;
            let mut held = String::new();
            // A NUL takes six bytes in JSON, which exceeds the limit of one record.
            for (format, code) in [("jsonl", 1), ("text", 0)] {
                let output = scene.run(&format!("run -p big.wasm in.txt -o {format} -j 16"))?;
                held = output
                    .expect_within(code, MAX_MEMORY)
                    .map_err(|it| format!("{format}: {it}"))?;
            }
            Ok(held)
        }),
        row("6 plugins with 40 MiB each for one record", |scene| {
            scene.file("work/big.wasm", large(40 << 20).build())?;
            scene.file("work/in.txt", lines(2_000, 1))?;
            let plugins = " -p big.wasm".repeat(6);
            let output = scene.run(&format!("run in.txt -o raw -j 2{plugins}"))?;
            names_the_limit(&output)?;
            output.expect_within(1, MAX_MEMORY)
        }),
        row(
            "8 records refused by a plugin with a name of 100 MB",
            |scene| {
                let name = format!("{} {}", room(100_000_000), text_at(131_072, 100_000_000));
                let plugin = TextPlugin::new("x").get_name(&name);
                let plugin = plugin.process(&test_components::error(0));
                scene.file("work/big.wasm", plugin.build())?;
                scene.file("work/in.txt", lines(0, 8))?;
                let output = scene.run("run -p big.wasm in.txt -o raw")?;
                match output.stderr.length {
                    0..1_000_000 => output.expect_within(1, MAX_MEMORY),
                    length => Err(format!("{length} bytes of errors")),
                }
            },
        ),
    ]
}

fn row(
    name: &'static str,
    check: impl FnOnce(&Scene) -> Result<String, String> + Send + 'static,
) -> Case {
    Case::in_scene(name, check).timeout(360)
}

/// Short records, followed by records with a large result.
fn lines(quick: usize, large: usize) -> String {
    "quick\n".repeat(quick) + &"large\n".repeat(large)
}

/// A plugin that runs `body` if its input starts with `l`, and otherwise returns its
/// input.
fn attacker(body: &str) -> TextPlugin {
    TextPlugin::new("big").process(&format!(
        "(local $a i32) (local $b i32)
         (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x6c)) (then {body}))
         {}",
        test_components::ECHO
    ))
}

/// A plugin that returns this many NULs, which it never writes to its memory.
fn large(bytes: usize) -> TextPlugin {
    let length = format!("(i32.const {bytes})");
    attacker(&format!("{} {}", room(bytes), result((AT, &length), EMPTY)))
}

/// A plugin that returns metadata entries that share one value of 4 KiB.
fn metadata(entries: usize) -> TextPlugin {
    attacker(&result_with_entries(INPUT, entries, 1))
}

/// Fails if the program does not name the limit.
fn names_the_limit(output: &Output) -> Result<(), String> {
    let named = output.stderr.text.contains("--output-limit");
    match named || output.stdout.text.contains("limit") {
        true => Ok(()),
        false => Err(format!("`--output-limit` is not named: {output:?}")),
    }
}

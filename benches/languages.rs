//! The languages side by side: what a plugin costs to keep, to load and to
//! call, as a table for `docs/languages.md`.
//!
//! ```sh
//! cargo xtask test nothing    # sets up every language and builds all guests
//! cargo bench -p kumiki-benches --bench languages
//! ```

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::guests::Guest;

const GUESTS: [(&str, &str); 8] = [
    ("Rust, no WASI", "text-upper"),
    ("Rust with the SDK", "sdk-rust"),
    ("Rust, `wasm32-wasip2`", "upper-wasip2"),
    ("C, Zig", "text-reverse-c"),
    ("JavaScript, QuickJS", "text-wordcount-js"),
    ("JavaScript, StarlingMonkey", "upper-starlingmonkey"),
    ("Python, no WASI", "text-title-py"),
    ("Python", "upper-python"),
];

const SHORT: &str = "Hello, Component Mod!";

fn main() {
    println!("| guest | size | load | instance and first call | 21 bytes | 64 KiB | memory |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (language, name) in GUESTS {
        match Guest::find(name).path().map(Path::to_owned) {
            Ok(path) => println!("| {language} | {} |", measure(&path)),
            Err(why) => println!(
                "| {language} | not built: {} | | | | | |",
                why.replace('\n', "; ")
            ),
        }
    }
}

fn measure(path: &Path) -> String {
    let size = std::fs::metadata(path).expect("it is there").len() as f64;
    let host = TextHost::new().expect("a host");
    let start = Instant::now();
    let loaded = host.load(path).expect("a plugin");
    let load = start.elapsed();

    // The first instance pays for pages that the next ones share.
    let fresh = || TextPlugin::new(loaded.clone(), Config::default()).expect("an instance");
    drop(fresh());
    let start = Instant::now();
    let mut plugin = fresh();
    plugin.process(SHORT).expect("an answer");
    let first = start.elapsed();

    let long = SHORT.repeat(65536 / SHORT.len());
    let mut per_call = |input: &str, budget: Duration| {
        let mut turns = Vec::new();
        let start = Instant::now();
        while start.elapsed() < budget || turns.len() < 5 {
            let turn = Instant::now();
            (0..20).for_each(|_| drop(black_box(plugin.process(black_box(input)))));
            turns.push(turn.elapsed() / 20);
        }
        turns.sort_unstable();
        turns[turns.len() / 2]
    };
    let short = per_call(SHORT, Duration::from_secs(2));
    let long = per_call(&long, Duration::from_secs(2));
    let memory = plugin.memory() / 1024;
    format!(
        "{:.1} KB | {load:.1?} | {first:.1?} | {short:.1?} | {long:.1?} | {memory} KiB",
        size / 1e3
    )
}

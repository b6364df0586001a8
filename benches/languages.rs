//! Compares the languages by the cost of storing, loading and calling a plugin, as a
//! table for `docs/languages.md`.
//!
//! `cargo xtask bench languages` sets up every language, builds the guests, runs this
//! benchmark and passes it the build times.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::guests::Guest;

const GUESTS: [(&str, &str); 9] = [
    ("Rust, no WASI", "text-upper"),
    ("Rust with the SDK", "sdk-rust"),
    ("Rust, `wasm32-wasip2`", "upper-wasip2"),
    ("C, Zig", "text-reverse-c"),
    ("JavaScript, QuickJS", "text-wordcount-js"),
    ("JavaScript, StarlingMonkey", "upper-starlingmonkey"),
    ("Python, no WASI", "text-title-py"),
    ("Python", "upper-python"),
    ("Go, no WASI", "text-slug-go"),
];

const SHORT: &str = "Hello, Component Mod!";

fn main() {
    println!(
        "| guest | size | build | load | instance and first call | 21 bytes | 64 KiB | memory |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let built = build_times();
    for (language, name) in GUESTS {
        match Guest::find(name).path().map(Path::to_owned) {
            Ok(path) => {
                let seconds = built.iter().find(|(guest, _)| guest == name);
                let build = seconds.map_or("-", |(_, seconds)| seconds);
                println!("| {language} (`{name}`) | {} |", measure(&path, build));
            }
            Err(why) => println!(
                "| {language} | not built: {} | | | | | | |",
                why.replace('\n', "; ")
            ),
        }
    }
}

/// Returns the build times that xtask measured: a guest and its seconds per line.
fn build_times() -> Vec<(String, String)> {
    let times = std::env::var("KUMIKI_BUILD_TIMES").unwrap_or_default();
    let lines = times.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(guest, seconds)| (guest.to_owned(), seconds.to_owned()))
        .collect()
}

fn measure(path: &Path, build: &str) -> String {
    let size = std::fs::metadata(path).expect("the file exists").len() as f64;
    let host = TextHost::new().expect("a host");
    let start = Instant::now();
    let loaded = host.load(path).expect("a plugin");
    let load = start.elapsed();

    // The first instance touches pages that later ones share.
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
        "{:.1} KB | {build} | {load:.1?} | {first:.1?} | {short:.1?} | {long:.1?} | {memory} KiB",
        size / 1e3
    )
}

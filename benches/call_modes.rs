//! Measures the cost of a record of 100 bytes with each call mode, in each language, as
//! a table for `docs/languages.md`: `cargo xtask bench languages`.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use kumiki::{Cache, Limits, Plugin};
use kumiki_text::{CallMode, Config, TextContract, TextHost, TextPlugin, Texts};
use test_components::guests::{Guest, artifacts};

/// Records per call, as in the host. In languages that take milliseconds for these, a
/// longer call would almost always be disturbed by other processes.
const CALL: usize = 256;
const BYTES: usize = 100;
/// The time for which a guest is called in one mode, and the maximum number of calls.
const TIME: Duration = Duration::from_secs(5);
const TURNS: usize = 1000;

/// The guests of the language matrix, all of which support the command `upper TEXT`.
const GUESTS: [(&str, &str); 6] = [
    ("Rust with the SDK", "matrix-rust"),
    ("C, Zig", "matrix-c"),
    ("Go", "matrix-go"),
    ("Python", "matrix-python"),
    ("JavaScript, QuickJS", "matrix-js"),
    ("JavaScript, StarlingMonkey", "matrix-starlingmonkey"),
];

/// Creates a plugin in this call mode, or `None` if the plugin does not offer it.
fn plugin(loaded: &Plugin<TextContract>, mode: CallMode) -> Option<TextPlugin> {
    let plugin = TextPlugin::new(loaded.clone(), Config::default());
    let mut plugin = plugin.expect("an instance");
    plugin.set_mode(mode).then_some(plugin)
}

fn load(guest: &'static str) -> Result<Plugin<TextContract>, String> {
    let guest = Guest::find(guest);
    let path = guest.path()?;
    let limits = Limits::default().with_time(Duration::from_secs(3600));
    let cache = Cache::open(artifacts()).expect("a cache");
    let host = TextHost::builder().limits(limits).cache(cache).build();
    let host = host.map_err(|error| error.to_string())?;
    host.load(path).map_err(|error| error.to_string())
}

/// Creates the records of a call, all equal.
fn records() -> Texts {
    let text = "Hello, Component Mod! ".repeat(BYTES / 22 + 1);
    let record = &format!("upper {text}")[..BYTES];
    std::iter::repeat_n(record, CALL).collect()
}

/// Returns nanoseconds per record: the minimum of many turns.
fn nanoseconds(plugin: &mut TextPlugin, inputs: &Texts) -> f64 {
    let begun = Instant::now();
    let turn = |_| {
        let start = Instant::now();
        let answers = black_box(plugin.process_all(black_box(inputs)));
        let elapsed = start.elapsed();
        assert!(answers.failures().is_empty(), "each has an answer");
        elapsed
    };
    let turns = (0..TURNS).take_while(|turn| *turn < 3 || begun.elapsed() < TIME);
    let least = turns.map(turn).min().unwrap_or_default();
    least.as_secs_f64() * 1e9 / inputs.len() as f64
}

/// Formats one row per language.
fn main() {
    let inputs = records();
    println!("| guest | single | batch | column |");
    println!("| --- | --- | --- | --- |");
    for (language, guest) in GUESTS {
        let loaded = match load(guest) {
            Ok(loaded) => loaded,
            Err(why) => {
                println!("| {language} | {} | | |", why.replace('\n', "; "));
                continue;
            }
        };
        let time = |mode| Some(nanoseconds(&mut plugin(&loaded, mode)?, &inputs));
        let single = time(CallMode::Single).expect("every plugin offers it");
        let cell = |mode| match time(mode) {
            Some(time) => format!("{} ({:.2})", microseconds(time), single / time),
            None => "-".to_owned(),
        };
        let (batch, column) = (cell(CallMode::Batch), cell(CallMode::Column));
        println!(
            "| {language} (`{guest}`) | {} | {batch} | {column} |",
            microseconds(single)
        );
    }
}

fn microseconds(nanoseconds: f64) -> String {
    format!("{:.2} µs", nanoseconds / 1e3)
}

//! What all limits together cost: `TextPlugin::process` with the default limits
//! beside wasmtime written by hand with none of them, on an engine without
//! epochs and a store without a limiter.
//!
//! ```sh
//! cargo xtask bench limits
//! ```

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

mod by_hand;
mod ratio;

use std::hint::black_box;
use std::time::{Duration, Instant};

use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::guests::Guest;

use crate::by_hand::ByHand;
use crate::ratio::ratio;

const SHORT: &str = "Hello, Component Mod";

/// The real guests: a name, and whether it is to compute for a while.
const GUESTS: [(&str, bool); 6] = [
    ("text-upper", false),
    ("text-reverse-c", false),
    ("text-upper", true),
    ("text-reverse-c", true),
    ("text-wordcount-js", true),
    ("text-slug-go", true),
];

/// Hashes its input 16 times over, by FNV-1a: a multiplication a byte.
const HASH: &str = "(local $i i32) (local $end i32) (local $hash i64) (local $round i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (local.set $hash (i64.const 0xcbf29ce484222325))
    (local.set $round (i32.const 16))
    (loop $rounds
        (local.set $i (local.get $at))
        (loop $bytes
            (local.set $hash (i64.mul
                (i64.xor (local.get $hash) (i64.load8_u (local.get $i)))
                (i64.const 0x100000001b3)))
            (br_if $bytes (i32.lt_u
                (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $end))))
        (br_if $rounds (local.tee $round (i32.sub (local.get $round) (i32.const 1)))))
    (i64.store (local.get $at) (i64.const 0x3030303030303030))
    (if (i64.eqz (local.get $hash)) (then unreachable))";

/// Counts to a million and does nothing else: what a check at each loop costs
/// at most.
const COUNT: &str = "(local $i i32)
    (local.set $i (i32.const 1000000))
    (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";

/// How many pairs each ratio is the median of.
const PAIRS: usize = 301;

fn main() {
    println!("| guest | input | without | with all | all / none | time limit alone / none |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let written = |name, work: &str| {
        let process = format!("{work} {}", test_components::ECHO);
        test_components::TextPlugin::new(name)
            .process(&process)
            .build()
    };
    let long = "Hello, Component Model! ".repeat(65536 / 24);
    row("echo", &written("echo", ""), SHORT);
    for (name, is_long) in GUESTS {
        let input = if is_long { &long } else { SHORT };
        match Guest::find(name).path().map(std::fs::read) {
            Ok(component) => row(name, &component.expect("it can be read"), input),
            Err(why) => println!(
                "| {name} | not built: {} | | | | |",
                why.replace('\n', "; ")
            ),
        }
    }
    row("a hash", &written("hash", HASH), &long);
    row("an empty loop", &written("count", COUNT), SHORT);
}

fn row(name: &str, component: &[u8], input: &str) {
    let mut without = ByHand::unlimited(component);
    let host = TextHost::new().expect("a host");
    let plugin = host.load_bytes("plugin", component).expect("a plugin");
    let mut with = TextPlugin::new(plugin, Config::default()).expect("a plugin");
    let expected = without.process(input);
    assert_eq!(with.process(input).expect("an answer").output, expected);

    // wasmtime's own price for being interruptible, within the whole.
    let mut limited = ByHand::limited(component);
    let alone = ratio(
        || drop(black_box(without.process(black_box(input)))),
        || drop(black_box(limited.process(black_box(input)))),
        PAIRS,
    );
    let mut a = || drop(black_box(without.process(black_box(input))));
    let mut b = || drop(black_box(with.process(black_box(input))));
    let ratio = ratio(&mut a, &mut b, PAIRS);
    println!(
        "| {name} | {} bytes | {:.2?} | {:.2?} | {ratio:.3} | {alone:.3} |",
        input.len(),
        per_call(a),
        per_call(b)
    );
}

/// The least of many turns: what a call takes when nothing disturbs it.
fn per_call(mut work: impl FnMut()) -> Duration {
    let begin = Instant::now();
    work();
    let once = begin.elapsed().as_nanos().max(1);
    let calls = u32::try_from((1_000_000 / once).max(1)).unwrap_or(u32::MAX);
    let turn = || {
        let start = Instant::now();
        (0..calls).for_each(|_| work());
        start.elapsed() / calls
    };
    let turns = std::iter::repeat_with(turn).take(100);
    turns.min().unwrap_or_default()
}

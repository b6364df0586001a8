//! What Kumiki adds to a call: `TextPlugin::process` beside a loop over
//! wasmtime written by hand, with the same configuration, the same component
//! and the same two host functions.
//!
//! ```sh
//! cargo xtask fixtures
//! cargo bench --workspace --bench overhead
//! ```

#![allow(missing_docs, clippy::print_stderr, reason = "a benchmark")]

mod by_hand;
mod ratio;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use kumiki::Limits;
use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::guests::Guest;

use crate::by_hand::ByHand;
use crate::ratio::ratio;

fn kumiki(component: &[u8]) -> TextPlugin {
    let limits = Limits::default().with_time(Duration::from_secs(3600));
    let host = TextHost::builder().limits(limits).build().expect("a host");
    let plugin = host.load_bytes("plugin", component).expect("a plugin");
    TextPlugin::new(plugin, Config::default()).expect("a plugin")
}

/// How many pairs the ratio at the end is the median of.
const PAIRS: usize = 301;

/// Compares the two on one component: inputs of 0 to 64 Ki bytes.
fn compare(criterion: &mut Criterion, name: &str, component: &[u8]) {
    let mut group = criterion.benchmark_group(name);
    group
        .measurement_time(Duration::from_secs(5))
        .sample_size(200);
    let (mut by_hand, mut kumiki) = (ByHand::limited(component), kumiki(component));
    for size in [1, 21, 256, 4096, 65536] {
        let input = "Hello, Component Mod! ".repeat(size / 22 + 1)[..size].to_owned();
        group.bench_with_input(
            BenchmarkId::new("by hand", size),
            &input,
            |bencher, input| {
                bencher.iter(|| by_hand.process(black_box(input)));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("kumiki", size),
            &input,
            |bencher, input| {
                bencher.iter(|| kumiki.process(black_box(input)).expect("a result").output);
            },
        );
    }
    group.finish();
    let input = "Hello, Component Mod!".to_owned();
    let ratio = ratio(
        || drop(black_box(by_hand.process(black_box(&input)))),
        || drop(black_box(kumiki.process(black_box(&input)))),
        PAIRS,
    );
    eprintln!("{name}: 21 bytes, kumiki / by hand = {ratio:.3}, the median of {PAIRS} pairs\n");
}

fn overhead(criterion: &mut Criterion) {
    compare(
        criterion,
        "echo",
        &test_components::TextPlugin::new("echo").build(),
    );
    match Guest::find("text-upper").path().map(Path::to_owned) {
        Ok(path) => {
            let component = std::fs::read(path).expect("it can be read");
            compare(criterion, "text-upper", &component);
        }
        Err(why) => {
            criterion.benchmark_group(format!("text-upper is left out: {why}"));
        }
    }
}

criterion_group!(benches, overhead);
criterion_main!(benches);

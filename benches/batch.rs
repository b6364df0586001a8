//! What a record costs in each of the ways that a plugin can be called:
//! 1,024 records of 100 bytes through the same plugin.
//!
//! ```sh
//! cargo xtask fixtures
//! cargo bench --workspace --bench batch
//! ```

#![allow(missing_docs, clippy::print_stderr, reason = "a benchmark")]

mod ratio;

use std::hint::black_box;
use std::time::{Duration, Instant};

use kumiki::Limits;
use kumiki_text::{Config, TextHost, TextPlugin, Texts, Way};
use test_components::guests::Guest;

use crate::ratio::ratio;

const RECORDS: usize = 1024;
const BYTES: usize = 100;
/// How many pairs each ratio is the median of.
const PAIRS: usize = 301;

/// The plugin, called in `way`.
fn plugin(component: &[u8], way: Way) -> TextPlugin {
    let limits = Limits::default().with_time(Duration::from_secs(3600));
    let host = TextHost::builder().limits(limits).build().expect("a host");
    let plugin = host.load_bytes("plugin", component).expect("a plugin");
    let mut plugin = TextPlugin::new(plugin, Config::default()).expect("a plugin");
    assert!(plugin.set_way(way), "it offers {}", way.name);
    plugin
}

/// Nanoseconds a record: the least of many turns.
fn nanoseconds(plugin: &mut TextPlugin, inputs: &Texts) -> f64 {
    let turn = |_| {
        let start = Instant::now();
        drop(black_box(plugin.process_all(black_box(inputs))));
        start.elapsed()
    };
    let least = (0..1000).map(turn).min().unwrap_or_default();
    least.as_secs_f64() * 1e9 / inputs.len() as f64
}

fn main() {
    let path = match Guest::find("batch-rust").path() {
        Ok(path) => path.to_owned(),
        Err(why) => {
            eprintln!("left out: {why}");
            return;
        }
    };
    let component = std::fs::read(path).expect("it can be read");
    let text = "Hello, Component Mod! ".repeat(BYTES / 22 + 1)[..BYTES].to_owned();
    let inputs = Texts::from_iter(vec![text.as_str(); RECORDS]);
    let [mut single, mut batch, mut column] = Way::ALL.map(|way| plugin(&component, way));
    for plugin in [&mut single, &mut batch, &mut column] {
        let time = nanoseconds(plugin, &inputs);
        eprintln!("{:<8}{time:>6.0} ns a record", plugin.way().name);
    }
    let compare = |name: &str, slow: &mut TextPlugin, fast: &mut TextPlugin| {
        let ratio = ratio(
            || drop(black_box(fast.process_all(black_box(&inputs)))),
            || drop(black_box(slow.process_all(black_box(&inputs)))),
            PAIRS,
        );
        eprintln!("{name} = {ratio:.2}, the median of {PAIRS} pairs");
    };
    compare("single / batch", &mut single, &mut batch);
    compare("single / column", &mut single, &mut column);
    compare("batch / column", &mut batch, &mut column);
}

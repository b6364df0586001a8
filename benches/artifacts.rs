//! The first result of a plugin that was compiled before: from its file through
//! Kumiki's cache to an answer, beside the least that wasmtime by hand can do,
//! which maps an artifact without asking whose it is.
//!
//! ```sh
//! cargo xtask fixtures
//! cargo bench --workspace --bench artifacts
//! ```

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

mod by_hand;
mod many;
mod ratio;

use std::path::Path;
use std::time::{Duration, Instant};

use kumiki::Cache;
use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::guests::{Guest, artifacts};

use crate::by_hand::Mapped;
use crate::ratio::ratio;

const GUESTS: [&str; 4] = [
    "text-upper",
    "text-reverse-c",
    "text-wordcount-js",
    "text-title-py",
];
const INPUT: &str = "Hello, Component Mod!";
const PAIRS: usize = 301;
/// What is taken for settled: `LEFT_ALONE` of the cache, and some.
const SETTLED: Duration = Duration::from_millis(2100);

fn main() {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != many::LOAD);
    if let (Some(_), Some(folder)) = (arguments.next(), arguments.next()) {
        return many::load_and_print(Path::new(&folder));
    }
    println!("first result, in process | by hand | Kumiki | Kumiki / by hand | compiled anew");
    for name in GUESTS {
        match Guest::find(name).path() {
            Ok(path) => compare(name, path),
            Err(why) => println!("{name} is left out: {why}"),
        }
    }
    println!(
        "1,000 plugins, each | one core | all cores | memory | drop | artifact read | compiled"
    );
    for name in ["text-reverse-c", "text-upper"] {
        match Guest::find(name).path() {
            Ok(path) => many::many(name, path),
            Err(why) => println!("{name} is left out: {why}"),
        }
    }
}

fn compare(name: &str, path: &Path) {
    let cold = {
        let host = TextHost::new().expect("a host");
        time(|| first(&host, path), 1)
    };
    let cache = Cache::open(artifacts()).expect("a cache");
    let host = TextHost::builder().cache(cache).build().expect("a host");
    first(&host, path);
    // From then on its files are known by what they look like.
    std::thread::sleep(SETTLED);
    first(&host, path);
    let mapped = Mapped::new(path);
    let mut by_hand = || drop(mapped.first(INPUT));
    let mut kumiki = || first(&host, path);
    let (a, b) = (time(&mut by_hand, 200), time(&mut kumiki, 200));
    let ratio = ratio(&mut by_hand, &mut kumiki, PAIRS);
    println!("{name} | {a:.1?} | {b:.1?} | {ratio:.2} | {cold:.1?}");
}

fn first(host: &TextHost, path: &Path) {
    let mut plugin = TextPlugin::load(host, path, Config::default()).expect("a plugin");
    std::hint::black_box(plugin.process(INPUT).expect("a result"));
}

/// The median of so many turns.
fn time(mut work: impl FnMut(), turns: usize) -> Duration {
    let turn = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let mut times: Vec<_> = (0..turns).map(turn).collect();
    times.sort();
    times[turns / 2]
}

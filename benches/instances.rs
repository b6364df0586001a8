//! What an instance costs: made, called once and dropped, beside wasmtime's pool
//! by hand with the same settings; and what ten thousand of them take that live
//! at once.
//!
//! ```sh
//! cargo xtask bench instances
//! ```

#![allow(missing_docs, clippy::print_stderr, reason = "a benchmark")]

mod by_hand;
mod ratio;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use kumiki::{EngineConfig, Limits, Plugin, Renewal};
use kumiki_text::{Config, TextContract, TextData, TextHost, TextPlugin};
use test_components::guests::Guest;

use crate::by_hand::Pooled;
use crate::ratio::ratio;

/// How many pairs a ratio is the median of.
const PAIRS: usize = 101;
/// Instances that each thread makes where time is measured.
const TURNS: u32 = 20_000;
/// Instances that live at once.
const LIVE: u32 = 10_000;
const INPUT: &str = "Hello, Component Mod!";

fn load(slots: u32, component: &[u8]) -> Plugin<TextContract> {
    let host = TextHost::builder().slots(slots).limits(Limits::default());
    let host = host.build().expect("a host");
    host.load_bytes("plugin", component).expect("a plugin")
}

fn fresh(plugin: &Plugin<TextContract>) -> TextPlugin {
    TextPlugin::new(plugin.clone(), Config::default())
        .expect("a plugin")
        .with_renewal(Renewal::fresh())
}

/// Microseconds that each of `work` takes, on so many threads at once.
fn each(threads: u32, make: impl Fn() -> Box<dyn FnMut() + Send>) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            let mut work = make();
            scope.spawn(move || (0..TURNS).for_each(|_| work()));
        }
    });
    start.elapsed().as_secs_f64() * 1e6 / f64::from(TURNS)
}

fn compare(name: &str, component: &[u8]) {
    let by_hand = Pooled::new(component);
    let plugin = load(1_000, component);
    for threads in [1, 2] {
        let mut times = [f64::MAX; 2];
        // The least of several: what the machine does beside is none of it.
        for _ in 0..5 {
            let by_hand = each(threads, || {
                let by_hand = by_hand.clone();
                Box::new(move || drop(black_box(by_hand.process(black_box(INPUT)))))
            });
            let kumiki = each(threads, || {
                let mut plugin = fresh(&plugin);
                Box::new(move || drop(black_box(plugin.process(black_box(INPUT)))))
            });
            times = [times[0].min(by_hand), times[1].min(kumiki)];
        }
        let [by_hand, kumiki] = times;
        eprintln!(
            "{name}, {threads} threads: made, called and dropped in {by_hand:.2} µs by hand, \
             {kumiki:.2} µs by kumiki, {:.3}",
            kumiki / by_hand
        );
    }
    let mut fresh = fresh(&plugin);
    let called = ratio(
        || drop(black_box(by_hand.process(black_box(INPUT)))),
        || drop(black_box(fresh.process(black_box(INPUT)))),
        PAIRS,
    );
    let made = ratio(
        || by_hand.make(),
        || drop(black_box(plugin.instantiate(TextData::default()))),
        PAIRS,
    );
    eprintln!(
        "{name}: kumiki / by hand = {called:.3} with a call, {made:.3} without, the medians of \
         {PAIRS} pairs\n"
    );
}

/// What this process holds of memory, in KiB, all of it and its share of what
/// is shared; and in how many mappings.
fn held() -> [f64; 3] {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let find = |name| {
        let rest = rollup.lines().find_map(|line| line.strip_prefix(name));
        let number = rest.and_then(|rest| rest.trim().strip_suffix("kB"));
        number
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(f64::NAN)
    };
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    [find("Rss:"), find("Pss:"), maps.lines().count() as f64]
}

/// Runs this program once more, for what can be measured in a new process only.
fn apart(component: &Path, slots: u32) {
    let program = std::env::current_exe().expect("it has a path");
    let child = Command::new(program)
        .arg("--live")
        .arg(component)
        .arg(slots.to_string())
        .status();
    assert!(child.expect("it starts").success());
}

fn live(path: &str, slots: u32) {
    let component = fs::read(path).expect("it can be read");
    let plugin = load(slots, &component);
    let before = held();
    let start = Instant::now();
    let mut all = Vec::new();
    for _ in 0..LIVE {
        let mut instance = plugin
            .instantiate(TextData::default())
            .expect("not refused");
        let called = instance.call("process", |bindings, store| {
            bindings.plugin().call_process(store, INPUT)
        });
        called.expect("no trap").expect("no error");
        all.push(instance);
    }
    let took = start.elapsed().as_secs_f64() * 1e6 / f64::from(LIVE);
    let after = held();
    let each = |at: usize| (after[at] - before[at]) / f64::from(LIVE);
    eprintln!(
        "{LIVE} live instances, {slots} slots: {:.1} KiB each, {:.1} without what they share, \
         {:.1} mappings, made and called in {took:.1} µs ({path})",
        each(0),
        each(1),
        each(2),
    );
}

/// What an engine costs that has so many slots.
fn engines() {
    for slots in [0, 2, 100, 1_000, 10_000] {
        let config = EngineConfig::default().with_slots(slots).to_wasmtime();
        let make = || {
            let start = Instant::now();
            black_box(kumiki::wasmtime::Engine::new(&config).expect("an engine"));
            start.elapsed().as_secs_f64() * 1e6
        };
        let least = (0..20).map(|_| make()).fold(f64::MAX, f64::min);
        eprintln!("an engine with {slots} slots, made and dropped: {least:.0} µs");
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, live, path, slots] = &arguments[..]
        && live == "--live"
    {
        return self::live(path, slots.parse().expect("a number"));
    }
    engines();
    let echo = tempfile::NamedTempFile::new().expect("a file");
    let bytes = test_components::TextPlugin::new("echo").build();
    fs::write(echo.path(), bytes).expect("it can be written");
    let mut components = vec![("echo", echo.path().to_owned())];
    for name in ["text-upper", "text-reverse-c"] {
        match Guest::find(name).path().map(Path::to_owned) {
            Ok(path) => components.push((name, path)),
            Err(why) => eprintln!("{name} is left out: {why}"),
        }
    }
    for (name, path) in &components {
        compare(name, &fs::read(path).expect("it can be read"));
    }
    for (_, path) in &components {
        apart(path, LIVE);
        apart(path, 1_000);
    }
}

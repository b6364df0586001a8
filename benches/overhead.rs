//! What Kumiki adds to a call: `TextPlugin::process` beside a loop over
//! wasmtime written by hand, with the same configuration, the same component
//! and the same two host functions.
//!
//! ```sh
//! cargo xtask fixtures
//! cargo bench -p kumiki-benches --bench overhead
//! ```

#![allow(missing_docs, clippy::print_stderr, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use kumiki::wasmtime::component::{Component, HasSelf, Linker};
use kumiki::wasmtime::{Engine, Store};
use kumiki::{EngineConfig, Limits};
use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::guests::Guest;

/// The peer: what an embedder writes who does without Kumiki.
mod by_hand {
    kumiki::wasmtime::component::bindgen!({
        path: "../wit/text-processor",
        world: "text-plugin",
        wasmtime_crate: kumiki::wasmtime,
    });

    /// Logs to nobody and configures nothing, as Kumiki does in this benchmark.
    pub(crate) struct State;

    impl myapp::text_processor::host_api::Host for State {
        fn log(&mut self, _: myapp::text_processor::host_api::LogLevel, message: String) {
            std::hint::black_box(message);
        }
        fn get_config(&mut self, _: String) -> Option<String> {
            None
        }
    }

    impl myapp::text_processor::types::Host for State {}
}

struct ByHand {
    store: Store<by_hand::State>,
    plugin: by_hand::TextPlugin,
}

impl ByHand {
    fn new(component: &[u8]) -> Self {
        let engine = Engine::new(&EngineConfig::default().to_wasmtime()).expect("an engine");
        let component = Component::from_binary(&engine, component).expect("a component");
        let mut linker = Linker::new(&engine);
        by_hand::TextPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
            .expect("it links");
        let pre = linker.instantiate_pre(&component).expect("it links");
        let pre = by_hand::TextPluginPre::new(pre).expect("it exports");
        let mut store = Store::new(&engine, by_hand::State);
        store.set_epoch_deadline(u64::MAX / 2);
        let plugin = pre.instantiate(&mut store).expect("an instance");
        Self { store, plugin }
    }

    fn process(&mut self, input: &str) -> String {
        // Who wants a time limit for each call arms it for each call.
        self.store.set_epoch_deadline(360_001);
        let plugin = self.plugin.myapp_text_processor_plugin();
        plugin
            .call_process(&mut self.store, input)
            .expect("no trap")
            .expect("no error")
            .output
    }
}

fn kumiki(component: &[u8]) -> TextPlugin {
    let limits = Limits::default().with_time(Duration::from_secs(3600));
    let host = TextHost::builder().limits(limits).build().expect("a host");
    let plugin = host.load_bytes("plugin", component).expect("a plugin");
    TextPlugin::new(plugin, Config::default()).expect("a plugin")
}

/// Compares the two on one component: inputs of 0 to 64 Ki bytes.
fn compare(criterion: &mut Criterion, name: &str, component: &[u8]) {
    let mut group = criterion.benchmark_group(name);
    group
        .measurement_time(Duration::from_secs(5))
        .sample_size(200);
    let (mut by_hand, mut kumiki) = (ByHand::new(component), kumiki(component));
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
    );
    eprintln!("{name}: 21 bytes, kumiki / by hand = {ratio:.3}, the median of 301 pairs\n");
}

/// How much longer `b` takes than `a`, measured in turns of a few milliseconds:
/// on a machine whose speed drifts, only neighbours in time can be compared.
fn ratio(mut a: impl FnMut(), mut b: impl FnMut()) -> f64 {
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..5000).for_each(|_| work());
        start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..301)
        .map(|turn| {
            // Neither is always the one that warms the other's caches.
            if turn % 2 == 0 {
                let first = time(&mut a);
                time(&mut b) / first
            } else {
                let first = time(&mut b);
                first / time(&mut a)
            }
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
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

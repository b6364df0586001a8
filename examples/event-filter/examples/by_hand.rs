//! What `with_kumiki.rs` does, without Kumiki: wasmtime, its WASI, and limits on time,
//! memory and the bytes passed to the host, as Kumiki sets them by default.
//!
//! ```sh
//! cargo xtask fixtures
//! cargo run -p event-filter --example by_hand target/fixtures/event-filter-rust.wasm
//! ```

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::print_stdout,
    reason = "a program"
)]

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Error, Result, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

wasmtime::component::bindgen!({ path: "wit", world: "event-filter" });

use exports::example::event_filter::rules::{Event, Verdict};

const TICK: Duration = Duration::from_millis(10);
/// A call may take 10 s: the first tick may come at once.
const TICKS: u64 = 1_001;

struct State {
    started: Instant,
    limits: StoreLimits,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl example::event_filter::clock::Host for State {
    fn uptime(&mut self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

impl example::event_filter::types::Host for State {}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

pub fn judge(plugin: &Path, rules: &str, event: &Event) -> Result<Verdict> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let ticking = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = ticking.upgrade() {
            engine.increment_epoch();
            thread::sleep(TICK);
        }
    });

    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    EventFilter::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    let component = Component::from_file(&engine, plugin)?;

    let state = State {
        started: Instant::now(),
        limits: StoreLimitsBuilder::new().memory_size(1 << 30).build(),
        wasi: WasiCtx::builder().build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(256 << 20);

    // The deadline counts from here, so it is set before each call.
    store.set_epoch_deadline(TICKS);
    let filters = EventFilter::instantiate(&mut store, &component, &linker)?;
    let filter = filters.example_event_filter_rules().filter();
    store.set_epoch_deadline(TICKS);
    let created = filter.call_create(&mut store, rules)?;
    let created = created.map_err(Error::msg)?;
    store.set_epoch_deadline(TICKS);
    filter.call_judge(&mut store, created, event)
}

pub fn event(source: &str, severity: u8, message: &str) -> Event {
    Event {
        source: source.to_owned(),
        severity,
        message: message.to_owned(),
    }
}

fn main() -> Result<()> {
    let plugin = std::env::args_os().nth(1).unwrap_or_default();
    let event = event("web", 5, "GET /?token=secret");
    let verdict = judge(plugin.as_ref(), "mask secret", &event)?;
    println!("{verdict:?}");
    Ok(())
}

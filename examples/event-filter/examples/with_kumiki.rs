//! The least code that runs a plugin of an own contract: one event, one verdict.
//! `by_hand.rs` does the same without Kumiki. `docs/guides/embedding.md` quotes both.
//!
//! ```sh
//! cargo xtask fixtures
//! cargo run -p event-filter --example with_kumiki target/fixtures/event-filter-rust.wasm
//! ```

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::print_stdout,
    reason = "a program"
)]

use std::path::Path;
use std::time::Instant;

use kumiki::{Host, HostState};

kumiki::contract!(pub Filters { path: "wit", world: "event-filter", data: Clock });

use filters::exports::example::event_filter::rules::{Event, Verdict};

pub struct Clock(Instant);

impl filters::example::event_filter::clock::Host for HostState<Clock> {
    fn uptime(&mut self) -> u64 {
        self.data.0.elapsed().as_secs()
    }
}

pub fn judge(plugin: &Path, rules: &str, event: &Event) -> anyhow::Result<Verdict> {
    let host = Host::<Filters>::new()?;
    let mut instance = host.load(plugin)?.instantiate(Clock(Instant::now()))?;
    let created = instance.call("create", |filters, store| {
        let filter = filters.example_event_filter_rules().filter();
        filter.call_create(store, rules)
    })?;
    let created = created.map_err(anyhow::Error::msg)?;
    Ok(instance.call("judge", |filters, store| {
        let filter = filters.example_event_filter_rules().filter();
        filter.call_judge(store, created, event)
    })?)
}

pub fn event(source: &str, severity: u8, message: &str) -> Event {
    Event {
        source: source.to_owned(),
        severity,
        message: message.to_owned(),
    }
}

fn main() -> anyhow::Result<()> {
    let plugin = std::env::args_os().nth(1).unwrap_or_default();
    let event = event("web", 5, "GET /?token=secret");
    let verdict = judge(plugin.as_ref(), "mask secret", &event)?;
    println!("{verdict:?}");
    Ok(())
}

//! Sends three events through a filter that a plugin provides:
//!
//! ```sh
//! cargo xtask fixtures
//! cargo run -p event-filter -- target/fixtures/event-filter-rust.wasm
//! ```

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::path::PathBuf;

use anyhow::Context;
use event_filter::{Event, EventFilter, Verdict};
use kumiki::Host;

fn main() -> anyhow::Result<()> {
    let plugin = std::env::args_os().nth(1).map(PathBuf::from);
    let plugin = plugin.context("which plugin? give the path of its `.wasm` file")?;
    let rules = "# what we do not want to see\ndrop debugger\nbelow 2\nmask secret\n";

    let host = Host::new()?;
    let mut filter = EventFilter::new(&host, &plugin, rules)?;
    for (source, severity, message) in [
        ("web", 5, "GET /?token=secret"),
        ("debugger", 9, "breakpoint"),
        ("web", 0, "keep-alive"),
    ] {
        let event = Event {
            source: source.into(),
            severity,
            message: message.into(),
        };
        match filter.judge(&event)? {
            Verdict::Keep => println!("kept      {message}"),
            Verdict::Drop(reason) => println!("dropped   {message} ({reason})"),
            Verdict::Replace(event) => println!("replaced  {message} -> {}", event.message),
        }
    }
    println!("{} events judged", filter.judged()?);
    Ok(())
}

//! What `examples/event-filter/examples/with_kumiki.rs` does, with Extism.
//! `docs/guides/embedding.md` quotes it. The plugin is an example of `extism-guest`:
//!
//! ```sh
//! cargo build -p extism-guest --example event_filter --target wasm32-unknown-unknown
//! cargo run -p extism-contender --example event_filter PLUGIN
//! ```

use std::path::Path;
use std::time::{Duration, Instant};

use extism::convert::Json;
use extism::{Error, Manifest, PTR, PluginBuilder, UserData, Wasm, host_fn};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Event {
    source: String,
    severity: u8,
    message: String,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only shown")]
enum Verdict {
    Keep,
    Drop(String),
    Replace(Event),
}

host_fn!(uptime(started: Instant;) -> u64 {
    let started = started.get()?;
    let started = started.lock().map_err(|_| Error::msg("poisoned"))?;
    Ok(started.elapsed().as_secs())
});

fn judge(plugin: &Path, rules: &str, event: &Event) -> Result<Verdict, Error> {
    let manifest = Manifest::new([Wasm::data(std::fs::read(plugin)?)])
        .with_timeout(Duration::from_secs(10))
        .with_memory_max(16_384); // pages of 64 KiB
    let started = UserData::new(Instant::now());
    let mut plugin = PluginBuilder::new(manifest)
        .with_function("uptime", [], [PTR], started, uptime)
        .build()?;
    plugin.call::<_, ()>("create", rules)?;
    let Json(verdict) = plugin.call("judge", Json(event))?;
    Ok(verdict)
}

fn main() -> Result<(), Error> {
    let plugin = std::env::args_os().nth(1).unwrap_or_default();
    let event = Event {
        source: "web".to_owned(),
        severity: 5,
        message: "GET /?token=secret".to_owned(),
    };
    let verdict = judge(plugin.as_ref(), "mask secret", &event)?;
    println!("{verdict:?}");
    Ok(())
}

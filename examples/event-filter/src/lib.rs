//! Example of an embedder with its own contract: plugins that filter events.
//!
//! The contract (`wit/world.wit`) has features that the text processor's lacks: a
//! record that is passed in both directions, a variant, and a resource that the
//! plugin exports. All code that binds it to Kumiki is in this file: copy it, change
//! the WIT, and fix the compiler errors.

use std::time::Instant;

use kumiki::wasmtime::component::ResourceAny;
use kumiki::{Host, HostState, Instance};

pub use event_filter_contract::exports::example::event_filter::rules::{Event, Verdict};

kumiki::contract!(
    /// The contract: world `event-filter` of `example:event-filter`.
    pub EventFilterContract {
        path: "wit",
        world: "event-filter",
        data: Clock,
        bindgen: { additional_derives: [Clone, PartialEq] },
    }
);

/// Host data of each instance.
pub struct Clock {
    /// When the host started.
    pub started: Instant,
}

/// Implements the functions that plugins import.
impl event_filter_contract::example::event_filter::clock::Host for HostState<Clock> {
    fn uptime(&mut self) -> u64 {
        self.data.started.elapsed().as_secs()
    }
}

/// A plugin instance with one filter, created from its rules.
pub struct EventFilter {
    instance: Instance<EventFilterContract>,
    filter: ResourceAny,
}

impl EventFilter {
    /// Loads a plugin and creates a filter in it.
    ///
    /// # Errors
    /// If the plugin cannot be loaded, or if it rejects the rules: then with its own
    /// message.
    pub fn new(
        host: &Host<EventFilterContract>,
        plugin: &std::path::Path,
        rules: &str,
    ) -> anyhow::Result<Self> {
        let mut instance = host.load(plugin)?.instantiate(Clock {
            started: Instant::now(),
        })?;
        let filter = instance
            .call("filter.create", |bindings, store| {
                bindings
                    .example_event_filter_rules()
                    .filter()
                    .call_create(store, rules)
            })?
            .map_err(|reason| anyhow::anyhow!("the plugin does not accept its rules: {reason}"))?;
        Ok(Self { instance, filter })
    }

    /// Filters one event.
    ///
    /// # Errors
    /// A trap or a limit, which also ends this filter.
    pub fn judge(&mut self, event: &Event) -> kumiki::Result<Verdict> {
        let filter = self.filter;
        self.instance.call("filter.judge", |bindings, store| {
            bindings
                .example_event_filter_rules()
                .filter()
                .call_judge(store, filter, event)
        })
    }

    /// Returns the number of events filtered so far.
    ///
    /// # Errors
    /// A trap or a limit, which also ends this filter.
    pub fn judged(&mut self) -> kumiki::Result<u64> {
        let filter = self.filter;
        self.instance.call("filter.judged", |bindings, store| {
            bindings
                .example_event_filter_rules()
                .filter()
                .call_judged(store, filter)
        })
    }
}

//! An embedder with a contract of its own: plugins that filter events.
//!
//! The contract (`wit/world.wit`) has what the text processor's has not: a
//! record that goes both ways, a variant, and a resource that the plugin
//! exports. Everything that ties it to Kumiki is in this file; copy it, change
//! the WIT, and follow the compiler.

use std::time::Instant;

use kumiki::wasmtime::component::{HasSelf, InstancePre, Linker, ResourceAny};
use kumiki::wasmtime::{self, Store};
use kumiki::{Contract, Host, HostState, Instance};

pub use bindings::exports::example::event_filter::rules::{Event, Verdict};

mod bindings {
    #![allow(
        missing_docs,
        reason = "generated from the WIT, which documents itself"
    )]
    kumiki::wasmtime::component::bindgen!({
        path: "wit",
        world: "event-filter",
        wasmtime_crate: kumiki::wasmtime,
        additional_derives: [Clone, PartialEq],
    });
}

/// The contract: world `event-filter` of `example:event-filter`.
pub struct EventFilterContract;

impl Contract for EventFilterContract {
    const WIT: &'static str = include_str!("../wit/world.wit");
    const WORLD: &'static str = "event-filter";

    type Data = Clock;
    type Pre = bindings::EventFilterPre<HostState<Clock>>;
    type Bindings = bindings::EventFilter;

    fn link(linker: &mut Linker<HostState<Clock>>) -> wasmtime::Result<()> {
        bindings::EventFilter::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
    }

    fn pre(pre: InstancePre<HostState<Clock>>) -> wasmtime::Result<Self::Pre> {
        bindings::EventFilterPre::new(pre)
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut Store<HostState<Clock>>,
    ) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate(store)
    }
}

/// What the host keeps for each instance.
pub struct Clock {
    /// When the host started.
    pub started: Instant,
}

/// What a plugin may ask of the host.
impl bindings::example::event_filter::clock::Host for HostState<Clock> {
    fn uptime(&mut self) -> u64 {
        self.data.started.elapsed().as_secs()
    }
}

impl bindings::example::event_filter::types::Host for HostState<Clock> {}

/// A plugin with one filter in it, made from the text of its rules.
pub struct EventFilter {
    instance: Instance<EventFilterContract>,
    filter: ResourceAny,
}

impl EventFilter {
    /// Loads a plugin and has it make a filter.
    ///
    /// # Errors
    /// When the plugin does not load, or does not accept the rules: then with
    /// its own words.
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

    /// Judges one event.
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

    /// How many events it has judged.
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

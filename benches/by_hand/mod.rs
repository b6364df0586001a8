//! The peer: what an embedder writes who does without Kumiki.

#![allow(dead_code, reason = "not every benchmark compares with all of it")]

use kumiki::EngineConfig;
use kumiki::wasmtime::component::{Component, HasSelf, Linker};
use kumiki::wasmtime::{Config, Engine, Store};

kumiki::wasmtime::component::bindgen!({
    path: "../wit/text-processor",
    world: "text-plugin",
    wasmtime_crate: kumiki::wasmtime,
});

/// Logs to nobody and configures nothing, as Kumiki does in the benchmarks.
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

/// An artifact in a file, mapped as it is.
pub(crate) struct Mapped {
    engine: Engine,
    linker: Linker<State>,
    file: tempfile::NamedTempFile,
}

impl Mapped {
    pub(crate) fn new(component: &std::path::Path) -> Self {
        let config = EngineConfig::default().to_wasmtime();
        let engine = Engine::new(&config).expect("an engine");
        let component = std::fs::read(component).expect("it can be read");
        let artifact = engine
            .precompile_component(&component)
            .expect("it compiles");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), artifact).expect("it can be written");
        let mut linker = Linker::new(&engine);
        TextPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).expect("it links");
        Self {
            engine,
            linker,
            file,
        }
    }

    /// The first output: mapped, linked, instantiated, called.
    pub(crate) fn first(&self, input: &str) -> String {
        // SAFETY: the file was written above, and nobody else knows its name.
        #[expect(unsafe_code, reason = "the peer of what the cache does")]
        let component = unsafe { Component::deserialize_file(&self.engine, self.file.path()) };
        let component = component.expect("an artifact");
        let pre = self.linker.instantiate_pre(&component).expect("it links");
        let pre = TextPluginPre::new(pre).expect("it exports");
        let mut store = Store::new(&self.engine, State);
        store.set_epoch_deadline(u64::MAX / 2);
        let plugin = pre.instantiate(&mut store).expect("an instance");
        let plugin = plugin.myapp_text_processor_plugin();
        plugin
            .call_process(&mut store, input)
            .expect("no trap")
            .expect("no error")
            .output
    }
}

/// One plugin in a store, and nothing around it.
pub(crate) struct ByHand {
    store: Store<State>,
    plugin: TextPlugin,
    /// Ticks of the epoch that each call may take.
    time: Option<u64>,
}

impl ByHand {
    /// With Kumiki's configuration, and so with a time limit.
    pub(crate) fn limited(component: &[u8]) -> Self {
        let config = EngineConfig::default().to_wasmtime();
        Self::new(&config, component, Some(360_001))
    }

    /// With the same configuration but for epochs, and no limit of any kind.
    pub(crate) fn unlimited(component: &[u8]) -> Self {
        let mut config = EngineConfig::default().to_wasmtime();
        config.epoch_interruption(false);
        Self::new(&config, component, None)
    }

    fn new(config: &Config, component: &[u8], time: Option<u64>) -> Self {
        let engine = Engine::new(config).expect("an engine");
        let component = Component::from_binary(&engine, component).expect("a component");
        let mut linker = Linker::new(&engine);
        TextPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).expect("it links");
        let pre = linker.instantiate_pre(&component).expect("it links");
        let pre = TextPluginPre::new(pre).expect("it exports");
        let mut store = Store::new(&engine, State);
        if time.is_some() {
            store.set_epoch_deadline(u64::MAX / 2);
        }
        let plugin = pre.instantiate(&mut store).expect("an instance");
        Self {
            store,
            plugin,
            time,
        }
    }

    /// The plugin's output.
    pub(crate) fn process(&mut self, input: &str) -> String {
        // Who wants a time limit for each call arms it for each call.
        if let Some(ticks) = self.time {
            self.store.set_epoch_deadline(ticks);
        }
        let plugin = self.plugin.myapp_text_processor_plugin();
        plugin
            .call_process(&mut self.store, input)
            .expect("no trap")
            .expect("no error")
            .output
    }
}

/// A new instance for each call, in the pool of wasmtime.
#[derive(Clone)]
pub(crate) struct Pooled {
    engine: Engine,
    pre: TextPluginPre<State>,
}

impl Pooled {
    /// With Kumiki's configuration, and so with as many slots.
    pub(crate) fn new(component: &[u8]) -> Self {
        Self::with(&EngineConfig::default().to_wasmtime(), component)
    }

    pub(crate) fn with(config: &Config, component: &[u8]) -> Self {
        let engine = Engine::new(config).expect("an engine");
        let component = Component::from_binary(&engine, component).expect("a component");
        let mut linker = Linker::new(&engine);
        TextPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).expect("it links");
        let pre = linker.instantiate_pre(&component).expect("it links");
        let pre = TextPluginPre::new(pre).expect("it exports");
        Self { engine, pre }
    }

    /// An instance and its store, made and dropped.
    pub(crate) fn make(&self) {
        let mut store = Store::new(&self.engine, State);
        store.set_epoch_deadline(360_001);
        std::hint::black_box(self.pre.instantiate(&mut store).expect("an instance"));
    }

    /// The output of a new instance.
    pub(crate) fn process(&self, input: &str) -> String {
        let mut store = Store::new(&self.engine, State);
        store.set_epoch_deadline(360_001);
        let plugin = self.pre.instantiate(&mut store).expect("an instance");
        plugin
            .myapp_text_processor_plugin()
            .call_process(&mut store, input)
            .expect("no trap")
            .expect("no error")
            .output
    }
}

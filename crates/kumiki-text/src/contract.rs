//! The text-processor contract tied to Kumiki: its WIT, its bindings, and the
//! functions that the host gives to each plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kumiki::wasmtime::component::{InstancePre, Linker, WasmStr};
use kumiki::wasmtime::{self, StoreContextMut};
use kumiki::{Contract, HostState, Level};

pub use bindings::exports::myapp::text_processor::plugin::{ProcessError, ProcessResult};
pub use bindings::myapp::text_processor::host_api::LogLevel;
pub use bindings::myapp::text_processor::types::KeyValue;

mod bindings {
    #![allow(
        missing_docs,
        reason = "generated from the WIT, which documents itself"
    )]
    kumiki::wasmtime::component::bindgen!({
        path: "../../wit/text-processor",
        world: "text-plugin",
        wasmtime_crate: kumiki::wasmtime,
        additional_derives: [PartialEq, Eq, Hash],
    });
}

/// The text-processor contract: world `text-plugin` of package
/// `myapp:text-processor`.
pub struct TextContract;

impl Contract for TextContract {
    const WIT: &'static str = include_str!("../../../wit/text-processor/world.wit");
    const WORLD: &'static str = "text-plugin";

    type Data = TextData;
    type Pre = bindings::TextPluginPre<HostState<TextData>>;
    type Bindings = bindings::TextPlugin;

    fn link(linker: &mut Linker<HostState<TextData>>) -> wasmtime::Result<()> {
        // By hand, where `bindgen!` has `add_to_linker`: it would copy each
        // string into one of its own first, and these are only looked at.
        let mut host = linker.instance("myapp:text-processor/host-api")?;
        host.func_wrap("log", log)?;
        host.func_wrap("get-config", get_config)
    }

    fn pre(pre: InstancePre<HostState<TextData>>) -> wasmtime::Result<Self::Pre> {
        bindings::TextPluginPre::new(pre)
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<HostState<TextData>>,
    ) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate(store)
    }
}

/// What a plugin may look up with `get-config`; each plugin has its own.
/// Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    values: Arc<BTreeMap<String, String>>,
}

impl Config {
    /// The value of a key, if it has one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

/// Of pairs with the same key, the last one counts.
impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let values = pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        Self {
            values: Arc::new(values),
        }
    }
}

/// What the host keeps for each instance of a text plugin.
#[derive(Clone, Debug, Default)]
pub struct TextData {
    /// What its `get-config` answers from.
    pub config: Config,
}

/// `log`, as the WIT has it.
fn log(
    store: StoreContextMut<'_, HostState<TextData>>,
    (level, message): (LogLevel, WasmStr),
) -> wasmtime::Result<()> {
    let level = match level {
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    };
    let message = message.to_str(&store)?;
    store.data().log(level, &message);
    Ok(())
}

/// `get-config`, as the WIT has it.
fn get_config(
    store: StoreContextMut<'_, HostState<TextData>>,
    (key,): (WasmStr,),
) -> wasmtime::Result<(Option<String>,)> {
    let key = key.to_str(&store)?;
    let value = store.data().data.config.get(&key);
    Ok((value.map(str::to_owned),))
}

/// The name of an error as the contract spells it, such as `invalid-input`.
/// (`Display` is taken by the generated code, and says something else.)
pub(crate) struct ErrorName(pub(crate) ProcessError);

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            ProcessError::InvalidInput => "invalid-input",
            ProcessError::UnsupportedFormat => "unsupported-format",
            ProcessError::InternalError => "internal-error",
        })
    }
}

//! Binds the text-processor contract to Kumiki: its WIT, its bindings, and the host
//! functions that plugins import.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kumiki::wasmtime::component::{
    Accessor, ComponentNamedList, Instance, InstancePre, Lift, Linker, Lower, TypedFunc, WasmStr,
};
use kumiki::wasmtime::{self, Store, StoreContextMut};
use kumiki::{Contract, Level, StoreData};

use crate::plugin::call_mode::CallMode;

use bindings::exports::myapp::text_processor as exports;
pub use bindings::myapp::text_processor::host_api::LogLevel;
pub use bindings::myapp::text_processor::types::{KeyValue, ProcessError, ProcessResult};
pub(crate) use exports::column::{
    ColumnMetadata, ColumnResult, FailedRow, TextsParam, TextsResult,
};

mod bindings {
    #![allow(
        missing_docs,
        reason = "generated from the WIT, which documents itself"
    )]
    kumiki::wasmtime::component::bindgen!({
        path: "../../wit/text-processor",
        // Every interface that a plugin may export. `TextContract::pre` looks up
        // the ones that it does export.
        inline: "
            package kumiki:text;
            world all-call-modes {
                include myapp:text-processor/text-plugin;
                include myapp:text-processor/text-plugin-batch;
                include myapp:text-processor/text-plugin-column;
                include myapp:text-processor/text-plugin-concurrent;
                include myapp:text-processor/text-plugin-stream;
            }
        ",
        world: "kumiki:text/all-call-modes",
        ownership: Borrowing { duplicate_if_necessary: true },
        wasmtime_crate: kumiki::wasmtime,
        additional_derives: [PartialEq, Eq, Hash],
    });
}

/// The interface that a plugin exports for whole texts: see
/// [`TextPlugin::transform`](crate::TextPlugin::transform).
pub const STREAMING: &str = "myapp:text-processor/streaming";

/// The text-processor contract: world `text-plugin` of package
/// `myapp:text-processor`.
pub struct TextContract;

impl Contract for TextContract {
    const WIT: &'static str = concat!(
        include_str!("../../../wit/text-processor/world.wit"),
        include_str!("../../../wit/text-processor/batch.wit"),
        include_str!("../../../wit/text-processor/column.wit"),
        include_str!("../../../wit/text-processor/concurrent.wit"),
        include_str!("../../../wit/text-processor/stream.wit"),
    );
    const WORLD: &'static str = "text-plugin";
    const OPTIONAL: &'static [&'static str] = &["batch", "column", "concurrent", "streaming"];

    type Data = TextData;
    type Pre = TextPre;
    type Bindings = TextBindings;

    fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
        // Not `add_to_linker` of `bindgen!`: it copies each string argument, while
        // these functions only borrow them.
        let mut host = linker.instance("myapp:text-processor/host-api")?;
        host.func_wrap("log", log)?;
        host.func_wrap("get-config", get_config)
    }

    fn pre(pre: InstancePre<StoreData>) -> wasmtime::Result<Self::Pre> {
        let offers = |interface| pre.component().get_export_index(None, interface).is_some();
        Ok(TextPre {
            plugin: exports::plugin::GuestIndices::new(&pre)?,
            batch: offers(CallMode::Batch.interface())
                .then(|| exports::batch::GuestIndices::new(&pre))
                .transpose()?,
            column: offers(CallMode::Column.interface())
                .then(|| exports::column::GuestIndices::new(&pre))
                .transpose()?,
            concurrent: offers(CallMode::Concurrent.interface())
                .then(|| exports::concurrent::GuestIndices::new(&pre))
                .transpose()?,
            streaming: offers(STREAMING)
                .then(|| exports::streaming::GuestIndices::new(&pre))
                .transpose()?,
            pre,
        })
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings> {
        let instance = pre.pre.instantiate(&mut *store)?;
        pre.load(store, instance)
    }

    async fn instantiate_concurrent(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings> {
        let instance = pre.pre.instantiate_async(&mut *store).await?;
        pre.load(store, instance)
    }
}

/// Indices of a plugin's exports, looked up once.
pub struct TextPre {
    pre: InstancePre<StoreData>,
    plugin: exports::plugin::GuestIndices,
    batch: Option<exports::batch::GuestIndices>,
    column: Option<exports::column::GuestIndices>,
    concurrent: Option<exports::concurrent::GuestIndices>,
    streaming: Option<exports::streaming::GuestIndices>,
}

impl TextPre {
    fn load(
        &self,
        store: &mut Store<StoreData>,
        instance: Instance,
    ) -> wasmtime::Result<TextBindings> {
        let Self {
            pre: _,
            plugin,
            batch,
            column,
            concurrent,
            streaming,
        } = self;
        Ok(TextBindings {
            plugin: plugin.load(&mut *store, &instance)?,
            batch: batch
                .as_ref()
                .map(|batch| batch.load(&mut *store, &instance))
                .transpose()?,
            column: column
                .as_ref()
                .map(|column| column.load(&mut *store, &instance))
                .transpose()?,
            concurrent: concurrent
                .as_ref()
                .map(|concurrent| concurrent.load(&mut *store, &instance))
                .transpose()?,
            streaming: streaming
                .as_ref()
                .map(|streaming| streaming.load(&mut *store, &instance))
                .transpose()?,
            instance,
        })
    }
}

/// Exports of one instance: the interface that every plugin has, and the optional
/// faster ones.
pub struct TextBindings {
    instance: Instance,
    plugin: exports::plugin::Guest,
    batch: Option<exports::batch::Guest>,
    column: Option<exports::column::Guest>,
    concurrent: Option<exports::concurrent::Guest>,
    streaming: Option<exports::streaming::Guest>,
}

impl TextBindings {
    /// Returns the interface that every plugin exports.
    #[inline]
    #[must_use]
    pub fn plugin(&self) -> &exports::plugin::Guest {
        &self.plugin
    }

    /// Returns the interface for a list of records per call, if exported.
    #[must_use]
    pub fn batch(&self) -> Option<&exports::batch::Guest> {
        self.batch.as_ref()
    }

    /// Returns the interface for records in flat buffers, if exported.
    #[must_use]
    pub fn column(&self) -> Option<&exports::column::Guest> {
        self.column.as_ref()
    }

    /// Returns the interface for many records at the same time, if exported.
    #[must_use]
    pub fn concurrent(&self) -> Option<&exports::concurrent::Guest> {
        self.concurrent.as_ref()
    }

    /// Returns the interface for whole texts of any length, if exported.
    #[must_use]
    pub fn streaming(&self) -> Option<&exports::streaming::Guest> {
        self.streaming.as_ref()
    }

    /// Whether the plugin can be called in this mode.
    pub(crate) fn offers(&self, mode: CallMode) -> bool {
        match mode {
            CallMode::Single => true,
            CallMode::Batch => self.batch.is_some(),
            CallMode::Column => self.column.is_some(),
            CallMode::Concurrent => self.concurrent.is_some(),
        }
    }

    /// Looks up a function of the interface that every plugin exports, to call it
    /// asynchronously: `bindgen!` generates only synchronous calls of it.
    pub(crate) fn function<P, R>(
        &self,
        accessor: &Accessor<StoreData>,
        name: &str,
    ) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower + 'static,
        R: ComponentNamedList + Lift + 'static,
    {
        accessor.with(|mut store| {
            let interface = CallMode::Single.interface();
            let interface = self
                .instance
                .get_export_index(&mut store, None, interface)
                .ok_or_else(|| wasmtime::format_err!("it does not export `{interface}`"))?;
            let function = self
                .instance
                .get_export_index(&mut store, Some(&interface), name)
                .ok_or_else(|| wasmtime::format_err!("it does not export `{name}`"))?;
            self.instance.get_typed_func(&mut store, function)
        })
    }
}

/// Configuration of one plugin, which it reads with `get-config`. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    values: Arc<BTreeMap<String, String>>,
}

impl Config {
    /// Returns the value of a key, if it is set.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Returns these values and `others`, which take precedence for the same key.
    #[must_use]
    pub fn merge(&self, others: &Self) -> Self {
        let mut values = BTreeMap::clone(&self.values);
        let others = others.values.iter();
        values.extend(others.map(|(key, value)| (key.clone(), value.clone())));
        Self {
            values: Arc::new(values),
        }
    }
}

/// If a key occurs more than once, its last value is kept.
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

/// Host data of each instance of a text plugin.
#[derive(Clone, Debug, Default)]
pub struct TextData {
    /// The configuration that `get-config` reads.
    pub config: Config,
}

/// Implements `log` of the WIT.
fn log(
    store: StoreContextMut<'_, StoreData>,
    (level, message): (LogLevel, WasmStr),
) -> wasmtime::Result<()> {
    let level = match level {
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    };
    let message = message.to_str(&store)?;
    store.data().host::<TextData>().log(level, &message);
    Ok(())
}

/// Implements `get-config` of the WIT.
fn get_config(
    store: StoreContextMut<'_, StoreData>,
    (key,): (WasmStr,),
) -> wasmtime::Result<(Option<String>,)> {
    let key = key.to_str(&store)?;
    let value = store.data().host::<TextData>().data.config.get(&key);
    Ok((value.map(str::to_owned),))
}

/// Displays an error with its name in the WIT, such as `invalid-input`. The
/// generated `Display` of [`ProcessError`] prints something else.
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

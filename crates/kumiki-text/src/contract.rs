//! Binds the text-processor contract to Kumiki: its WIT, its bindings, and the host
//! functions that plugins import.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kumiki::wasmtime::component::{InstancePre, Linker, WasmStr};
use kumiki::wasmtime::{self, StoreContextMut};
use kumiki::{Contract, Level, StoreData};

use crate::call_mode::CallMode;

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
        include_str!("../../../wit/text-processor/stream.wit"),
    );
    const WORLD: &'static str = "text-plugin";
    const OPTIONAL: &'static [&'static str] = &["batch", "column", "streaming"];

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
        let offers = |mode: CallMode| {
            let index = pre.component().get_export_index(None, mode.interface());
            index.is_some()
        };
        let (batch, column) = (offers(CallMode::Batch), offers(CallMode::Column));
        let streaming = pre.component().get_export_index(None, STREAMING).is_some();
        Ok(TextPre {
            plugin: exports::plugin::GuestIndices::new(&pre)?,
            batch: batch
                .then(|| exports::batch::GuestIndices::new(&pre))
                .transpose()?,
            column: column
                .then(|| exports::column::GuestIndices::new(&pre))
                .transpose()?,
            streaming: streaming
                .then(|| exports::streaming::GuestIndices::new(&pre))
                .transpose()?,
            pre,
        })
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings> {
        let instance = pre.pre.instantiate(&mut *store)?;
        let batch = pre.batch.as_ref();
        let column = pre.column.as_ref();
        let streaming = pre.streaming.as_ref();
        Ok(TextBindings {
            plugin: pre.plugin.load(&mut *store, &instance)?,
            batch: batch
                .map(|batch| batch.load(&mut *store, &instance))
                .transpose()?,
            column: column
                .map(|column| column.load(&mut *store, &instance))
                .transpose()?,
            streaming: streaming
                .map(|streaming| streaming.load(&mut *store, &instance))
                .transpose()?,
        })
    }
}

/// Indices of a plugin's exports, looked up once.
pub struct TextPre {
    pre: InstancePre<StoreData>,
    plugin: exports::plugin::GuestIndices,
    batch: Option<exports::batch::GuestIndices>,
    column: Option<exports::column::GuestIndices>,
    streaming: Option<exports::streaming::GuestIndices>,
}

/// Exports of one instance: the interface that every plugin has, and the optional
/// faster ones.
pub struct TextBindings {
    plugin: exports::plugin::Guest,
    batch: Option<exports::batch::Guest>,
    column: Option<exports::column::Guest>,
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
        }
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

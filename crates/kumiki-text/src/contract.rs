//! The text-processor contract tied to Kumiki: its WIT, its bindings, and the
//! functions that the host gives to each plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kumiki::wasmtime::component::{InstancePre, Linker, WasmStr};
use kumiki::wasmtime::{self, StoreContextMut};
use kumiki::{Contract, HostState, Level};

use crate::way::Way;

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
        // Everything that a plugin may export: what it does is looked up by hand.
        inline: "
            package kumiki:text;
            world every-way {
                include myapp:text-processor/text-plugin;
                include myapp:text-processor/text-plugin-batch;
                include myapp:text-processor/text-plugin-column;
            }
        ",
        world: "kumiki:text/every-way",
        ownership: Borrowing { duplicate_if_necessary: true },
        wasmtime_crate: kumiki::wasmtime,
        additional_derives: [PartialEq, Eq, Hash],
    });
}

/// The text-processor contract: world `text-plugin` of package
/// `myapp:text-processor`.
pub struct TextContract;

impl Contract for TextContract {
    const WIT: &'static str = concat!(
        include_str!("../../../wit/text-processor/world.wit"),
        include_str!("../../../wit/text-processor/batch.wit"),
        include_str!("../../../wit/text-processor/column.wit"),
    );
    const WORLD: &'static str = "text-plugin";
    const OPTIONAL: &'static [&'static str] = &["batch", "column"];

    type Data = TextData;
    type Pre = TextPre;
    type Bindings = TextBindings;

    fn link(linker: &mut Linker<HostState<TextData>>) -> wasmtime::Result<()> {
        // By hand, where `bindgen!` has `add_to_linker`: it would copy each
        // string into one of its own first, and these are only looked at.
        let mut host = linker.instance("myapp:text-processor/host-api")?;
        host.func_wrap("log", log)?;
        host.func_wrap("get-config", get_config)
    }

    fn pre(pre: InstancePre<HostState<TextData>>) -> wasmtime::Result<Self::Pre> {
        let offers = |way: &Way| {
            let index = pre.component().get_export_index(None, way.interface);
            index.is_some()
        };
        let (batch, column) = (offers(&Way::BATCH), offers(&Way::COLUMN));
        Ok(TextPre {
            plugin: exports::plugin::GuestIndices::new(&pre)?,
            batch: batch
                .then(|| exports::batch::GuestIndices::new(&pre))
                .transpose()?,
            column: column
                .then(|| exports::column::GuestIndices::new(&pre))
                .transpose()?,
            pre,
        })
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<HostState<TextData>>,
    ) -> wasmtime::Result<Self::Bindings> {
        let instance = pre.pre.instantiate(&mut *store)?;
        let batch = pre.batch.as_ref();
        let column = pre.column.as_ref();
        Ok(TextBindings {
            plugin: pre.plugin.load(&mut *store, &instance)?,
            batch: batch
                .map(|batch| batch.load(&mut *store, &instance))
                .transpose()?,
            column: column
                .map(|column| column.load(&mut *store, &instance))
                .transpose()?,
        })
    }
}

/// A plugin's exports, looked up once.
pub struct TextPre {
    pre: InstancePre<HostState<TextData>>,
    plugin: exports::plugin::GuestIndices,
    batch: Option<exports::batch::GuestIndices>,
    column: Option<exports::column::GuestIndices>,
}

/// The exports of one instance: what every plugin has, and the faster ways that
/// this one offers.
pub struct TextBindings {
    plugin: exports::plugin::Guest,
    batch: Option<exports::batch::Guest>,
    column: Option<exports::column::Guest>,
}

impl TextBindings {
    /// The functions that every plugin has.
    #[inline]
    #[must_use]
    pub fn plugin(&self) -> &exports::plugin::Guest {
        &self.plugin
    }

    /// Many records in one call, if it offers that.
    #[must_use]
    pub fn batch(&self) -> Option<&exports::batch::Guest> {
        self.batch.as_ref()
    }

    /// Many records in flat buffers, if it offers that.
    #[must_use]
    pub fn column(&self) -> Option<&exports::column::Guest> {
        self.column.as_ref()
    }

    /// Whether it can be called in this way.
    pub(crate) fn offers(&self, way: &Way) -> bool {
        match way.name {
            "batch" => self.batch.is_some(),
            "column" => self.column.is_some(),
            _ => true,
        }
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

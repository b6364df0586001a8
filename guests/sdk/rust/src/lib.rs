//! Write a plugin of the text-processor contract in Rust.
//!
//! ```ignore
//! use kumiki_plugin::{Output, Plugin, ProcessError, info};
//!
//! struct Shout;
//!
//! impl Plugin for Shout {
//!     const NAME: &'static str = "shout";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!
//!     fn process(input: &str) -> Result<Output, ProcessError> {
//!         if input.is_empty() {
//!             return Err(ProcessError::InvalidInput);
//!         }
//!         info!("shouting {} bytes", input.len());
//!         Ok(Output::new(input.to_uppercase() + "!").with("volume", "high"))
//!     }
//! }
//!
//! kumiki_plugin::export!(Shout);
//! ```
//!
//! A plugin that transforms whole texts of any length implements [`Streaming`] too.
//!
//! Beyond what wit-bindgen generates, a plugin gets: the interfaces `batch` and
//! `column`, by which the host gives it many records in one call; a panic's message and
//! place in the host's log, at level error, before the call ends as a trap; and
//! a stamp that tells `kumiki inspect` what it was written with. Plain
//! wit-bindgen does as well without these.

mod column;
#[doc(hidden)]
pub mod concurrent;
mod stream;
#[doc(hidden)]
pub mod streaming;

use std::fmt;
use std::sync::Once;

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/text-processor",
        inline: "
            package kumiki:plugin;
            world every-way {
                include myapp:text-processor/text-plugin-batch;
                include myapp:text-processor/text-plugin-column;
            }
        ",
        world: "kumiki:plugin/every-way",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "kumiki_plugin::bindings",
    });
}

use bindings::myapp::text_processor::host_api;
use bindings::myapp::text_processor::types::{KeyValue, ProcessResult};

pub use bindings::myapp::text_processor::host_api::LogLevel;
pub use bindings::myapp::text_processor::types::ProcessError;
pub use concurrent::Concurrent;
pub use stream::{Input, Output as StreamOutput};
pub use streaming::Streaming;
#[doc(hidden)]
pub use wit_bindgen;

/// A plugin: what it is called and what it does.
pub trait Plugin {
    /// Its name, such as `text-upper`.
    const NAME: &'static str;
    /// Its version, usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// Processes one record. Called once for each; the instance may be thrown
    /// away between two calls, so nothing that matters may be remembered.
    ///
    /// # Errors
    /// One of the contract's, for input that is not to this plugin's liking.
    /// A panic is a trap: it costs the instance.
    fn process(input: &str) -> Result<Output, ProcessError>;

    /// Processes many records: one answer for each, in order. To be written only
    /// by a plugin that can do more with many than with one, such as a model,
    /// which ends with `answers.extend(…)`; it must answer as
    /// [`Plugin::process`] does.
    fn process_batch(inputs: &[&str], answers: &mut impl Extend<Result<Output, ProcessError>>)
    where
        Self: Sized,
    {
        // One by one: the memory of an answer that is taken serves the next.
        answers.extend(inputs.iter().map(|input| one::<Self>(input)));
    }
}

/// What a plugin makes of a record.
#[derive(Clone, Debug, Default)]
pub struct Output {
    text: String,
    metadata: Vec<KeyValue>,
}

impl Output {
    /// This text, without metadata.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            metadata: Vec::new(),
        }
    }

    /// With an entry of metadata.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        let (key, value) = (key.into(), value.to_string());
        self.metadata.push(KeyValue { key, value });
        self
    }
}

/// Writes to the host's log; [`debug!`], [`info!`], [`warn!`] and [`error!`]
/// format the message.
pub fn log(level: LogLevel, message: &str) {
    host_api::log(level, message);
}

/// What the host has configured under a key.
pub fn config(key: &str) -> Option<String> {
    host_api::get_config(key)
}

/// Logs a formatted message at level debug.
#[macro_export]
macro_rules! debug {
    ($($message:tt)*) => { $crate::log($crate::LogLevel::Debug, &::std::format!($($message)*)) };
}

/// Logs a formatted message at level info.
#[macro_export]
macro_rules! info {
    ($($message:tt)*) => { $crate::log($crate::LogLevel::Info, &::std::format!($($message)*)) };
}

/// Logs a formatted message at level warn.
#[macro_export]
macro_rules! warn {
    ($($message:tt)*) => { $crate::log($crate::LogLevel::Warn, &::std::format!($($message)*)) };
}

/// Logs a formatted message at level error.
#[macro_export]
macro_rules! error {
    ($($message:tt)*) => { $crate::log($crate::LogLevel::Error, &::std::format!($($message)*)) };
}

/// Makes a [`Plugin`] the plugin that this crate is.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        struct KumikiComponent;

        impl $crate::bindings::exports::myapp::text_processor::plugin::Guest for KumikiComponent {
            fn get_name() -> ::std::string::String {
                <$plugin as $crate::Plugin>::NAME.into()
            }
            fn get_version() -> ::std::string::String {
                <$plugin as $crate::Plugin>::VERSION.into()
            }
            fn process(
                input: ::std::string::String,
            ) -> ::std::result::Result<
                $crate::bindings::myapp::text_processor::types::ProcessResult,
                $crate::ProcessError,
            > {
                $crate::run::<$plugin>(&input)
            }
        }

        impl $crate::bindings::exports::myapp::text_processor::batch::Guest for KumikiComponent {
            fn process_batch(
                inputs: ::std::vec::Vec<::std::string::String>,
            ) -> ::std::vec::Vec<
                ::std::result::Result<
                    $crate::bindings::myapp::text_processor::types::ProcessResult,
                    $crate::ProcessError,
                >,
            > {
                $crate::run_batch::<$plugin>(&inputs)
            }
        }

        impl $crate::bindings::exports::myapp::text_processor::column::Guest for KumikiComponent {
            fn process_column(
                inputs: $crate::bindings::exports::myapp::text_processor::column::Texts,
            ) -> $crate::bindings::exports::myapp::text_processor::column::ColumnResult {
                $crate::run_column::<$plugin>(&inputs)
            }
        }

        $crate::bindings::export_component!(KumikiComponent with_types_in $crate::bindings);
    };
}

/// What `kumiki inspect` reads; a custom section, which costs nothing when the
/// plugin runs.
#[used]
#[cfg_attr(target_family = "wasm", unsafe(link_section = "kumiki-sdk"))]
static STAMP: [u8; STAMP_TEXT.len()] = {
    let mut bytes = [0; STAMP_TEXT.len()];
    bytes.copy_from_slice(STAMP_TEXT.as_bytes());
    bytes
};
const STAMP_TEXT: &str = concat!("kumiki-plugin ", env!("CARGO_PKG_VERSION"));

#[doc(hidden)]
pub fn run<P: Plugin>(input: &str) -> Result<ProcessResult, ProcessError> {
    log_panics();
    one::<P>(input).map(Output::into_result)
}

/// The plugin's own function, which all ways lead to: once in the component, and
/// not once for each.
#[inline(never)]
fn one<P: Plugin>(input: &str) -> Result<Output, ProcessError> {
    P::process(input)
}

#[doc(hidden)]
pub fn run_batch<P: Plugin>(inputs: &[String]) -> Vec<Result<ProcessResult, ProcessError>> {
    log_panics();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut answers = Answers(Vec::with_capacity(inputs.len()));
    P::process_batch(&inputs, &mut answers);
    answers.0
}

/// What goes back from a batch.
struct Answers(Vec<Result<ProcessResult, ProcessError>>);

impl Extend<Result<Output, ProcessError>> for Answers {
    fn extend<I: IntoIterator<Item = Result<Output, ProcessError>>>(&mut self, answers: I) {
        let answers = answers.into_iter();
        self.0
            .extend(answers.map(|answer| answer.map(Output::into_result)));
    }
}

#[doc(hidden)]
pub use column::run as run_column;

impl Output {
    fn into_result(self) -> ProcessResult {
        let Self { text, metadata } = self;
        ProcessResult {
            output: text,
            metadata,
        }
    }
}

#[inline(never)]
fn log_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            host_api::log(LogLevel::Error, &panic.to_string());
        }));
    });
}

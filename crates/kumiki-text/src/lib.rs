//! The text-processor contract for [`kumiki`]: plugins, written in any language,
//! that transform records of text.
//!
//! ```
//! use kumiki_text::{Config, TextHost, TextPlugin};
//!
//! # fn main() -> Result<(), kumiki_text::Error> {
//! # let bytes = test_components::TextPlugin::new("echo").build();
//! let host = TextHost::new()?;
//! let mut plugin = TextPlugin::new(host.load_bytes("echo.wasm", &bytes)?, Config::default())?;
//! assert_eq!((plugin.name(), plugin.version()), ("echo", "1.0.0"));
//!
//! let result = plugin.process("Hello, Component Model!")?;
//! assert_eq!(result.output, "Hello, Component Model!");
//! # Ok(())
//! # }
//! ```
//!
//! This crate is also an example of how to define your own contract:
//! `contract.rs` binds the contract to Kumiki (the WIT, `bindgen!`, the host
//! functions), and everything else is ordinary Rust on top of it.

pub mod cases;
pub mod conformance;
mod contract;
mod error;
mod folder;
mod pipeline;
mod plugin;
mod pool;
mod records;
mod streaming;

pub use conformance::Growth;
pub use contract::{
    Config, KeyValue, LogLevel, ProcessError, ProcessResult, STREAMING, TextBindings, TextContract,
    TextData,
};
pub use error::{Error, Result};
pub use folder::{FolderError, load_folder, plugin_files};
pub use kumiki;
pub use pipeline::{Outcome, Outcomes, Pipeline};
pub use plugin::TextPlugin;
pub use plugin::call_mode::CallMode;
pub use plugin::circuit_breaker::{CircuitBreaker, CircuitOpened};
pub use plugin::usage::Usage;
pub use pool::{PooledPlugin, TextPool};
pub use records::answers::{Answer, Answers, Entries};
pub use records::parts::{Allowance, Parts};
pub use records::texts::Texts;
pub use streaming::NotUtf8;

/// Loads plugins of the text-processor contract.
pub type TextHost = kumiki::Host<TextContract>;

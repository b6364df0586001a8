//! Kumiki runs WebAssembly component plugins for any contract. It checks plugins
//! before they run, limits and observes them while they run, and keeps them from
//! harming the host program.
//!
//! A **contract** is a WIT world that host and plugins agree on. The macro
//! [`contract!`] reads it and generates its bindings; you implement the functions that
//! plugins import:
//!
//! ```
//! use kumiki::{Host, HostState};
//!
//! /// Per-instance data for the host functions.
//! pub struct Greeting {
//!     host_name: String,
//! }
//!
//! kumiki::contract!(pub Greeter {
//!     inline: r#"
//!         package example:greeter;
//!         world greeter {
//!             import host-name: func() -> string;
//!             export greet: func() -> string;
//!         }
//!     "#,
//!     world: "greeter",
//!     data: Greeting,
//! });
//!
//! impl greeter::GreeterImports for HostState<Greeting> {
//!     fn host_name(&mut self) -> String {
//!         self.data.host_name.clone()
//!     }
//! }
//!
//! # fn main() -> Result<(), kumiki::Error> {
//! # use kumiki::Contract as _;
//! # let component = test_components::build(Greeter::WIT, Greeter::WORLD, r#"
//! #     (import "$root" "host-name" (func $host-name (param i32)))
//! #     (func (export "greet") (result i32)
//! #         (call $host-name (i32.const 16)) (i32.const 16))
//! # "#);
//! let host = Host::<Greeter>::new()?;
//! let plugin = host.load_bytes("greeter", &component)?;
//! let mut instance = plugin.instantiate(Greeting { host_name: "kumiki".into() })?;
//! let greeting = instance.call("greet", |greeter, store| greeter.call_greet(store))?;
//! assert_eq!(greeting, "kumiki");
//! # Ok(())
//! # }
//! ```
//!
//! The main types and their lifetimes:
//!
//! | type | what it is | lifetime |
//! | --- | --- | --- |
//! | [`Engine`] | compiler and runtime settings | one per process and configuration, shared |
//! | [`Host`] | a contract with its host functions linked | as long as its plugins |
//! | [`Plugin`] | a component: checked, compiled, linked | shared by threads, cheap to clone |
//! | [`Instance`] | one running plugin with its own store | until a trap, a limit or a [`RecyclePolicy`] ends it |
//! | [`Budget`] | memory limit for all plugins together | shared by hosts; one per process unless you pass another |
//! | [`Pool`] | warm instances of one plugin, for many threads | until its owner drops it |
//!
//! Errors say what failed and in which plugin; [`Error::hint`] says how to fix it.
//! Log records and events reach the embedder through an [`Observer`]; this
//! crate never prints.

mod budget;
mod clock;
mod engine;
mod error;
pub mod inspect;
mod limits;
mod load;
mod log_meter;
mod observer;
mod panics;
mod permissions;
mod runtime;
mod sandbox;
mod text;
mod wasi;

/// Defines a contract: generates the bindings of a WIT world, and a struct that
/// implements [`Contract`] with them.
///
/// ```
/// # use kumiki::HostState;
/// # pub struct Greeting { host_name: String }
/// kumiki::contract!(
///     /// Plugins that greet.
///     pub Greeter {
///         inline: "
///             package example:greeter;
///             world greeter {
///                 import host-name: func() -> string;
///                 export greet: func(to: string) -> string;
///             }
///         ",
///         world: "greeter",
///         data: Greeting,
///     }
/// );
///
/// impl greeter::GreeterImports for HostState<Greeting> {
///     fn host_name(&mut self) -> String {
///         self.data.host_name.clone()
///     }
/// }
/// ```
///
/// | field | meaning |
/// | --- | --- |
/// | `path` | a WIT file, or a folder with the files of one package and its dependencies in `deps/`; relative to the crate's folder |
/// | `inline` | the WIT itself, instead of `path` |
/// | `world` | the world that plugins implement |
/// | `data` | [`Contract::Data`]: what the host keeps for each instance; `()` unless specified |
/// | `async` | `true` for an [`AsyncContract`]: host functions may await, and calls are futures; `false` unless specified |
/// | `bindgen` | further options of [`bindgen!`](wasmtime::component::bindgen), such as `{ additional_derives: [Clone] }` |
///
/// The bindings are in a module with the contract's name in snake case: `greeter` for
/// `Greeter`. Implement its `Host` traits, and `…Imports` for functions that the world
/// imports directly, for [`HostState<Data>`](HostState). Imported interfaces that have
/// only types need no implementation.
///
/// [`Contract::OPTIONAL`] stays empty: a contract with optional interfaces implements
/// [`Contract`] itself, as `kumiki-text` does.
#[doc(inline)]
pub use kumiki_macros::contract;

pub use budget::Budget;
pub use clock::TICK;
pub use engine::{Engine, EngineConfig};
pub use error::{Error, HostError, Result, ThinError, WrongType};
pub use limits::{Limit, Limits};
#[cfg(feature = "cache")]
pub use load::{Artifact, Cache, Runtime};
pub use load::{CompileCommand, ThinComponent};
pub use observer::{ContractEvent, Event, Level, LogRecord, Observer, Silent};
#[doc(hidden)]
pub use panics::catch_panic;
pub use permissions::{
    Clocks, Denial, FolderAccess, FolderGrant, GrantError, Grants, GrantsFile, NetworkGrant,
    Permission, PermissionRequest, PermissionRequests, PermissionRequestsError, PluginName,
    Randomness, VariableGrant,
};
pub use runtime::{
    Any, AsyncContract, AsyncReadStream, AsyncWriteStream, CallTimer, Contract, EngineChoice,
    Function, Host, HostBuilder, HostState, Instance, Plugin, Pool, PoolConfig, Pooled, ReadStream,
    RecyclePolicy, StoreData, WriteStream,
};
#[doc(hidden)]
pub use runtime::{Lease, LeasePool};
pub use sandbox::{Sandbox, SandboxStatus};
pub use text::{excerpt, is_invisible, spell_out};
pub use wasi::{Protected, WASI_0_3_VERSION, WASI_VERSION, raise_descriptor_limit};
pub use wasmtime;

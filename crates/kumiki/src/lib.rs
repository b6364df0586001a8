//! Kumiki runs WebAssembly component plugins for any contract. It checks plugins
//! before they run, limits and observes them while they run, and keeps them from
//! harming the host program.
//!
//! A **contract** is a WIT world that host and plugins agree on. You provide the
//! world and the bindings that wasmtime's `bindgen!` generates from it; a small
//! [`Contract`] implementation connects them to Kumiki:
//!
//! ```
//! use kumiki::{Contract, Host, HostState, wasmtime};
//! use kumiki::wasmtime::component::{HasSelf, InstancePre, Linker};
//!
//! mod bindings {
//!     kumiki::wasmtime::component::bindgen!({
//!         inline: r#"
//!             package example:greeter;
//!             world greeter {
//!                 import host-name: func() -> string;
//!                 export greet: func() -> string;
//!             }
//!         "#,
//!         wasmtime_crate: kumiki::wasmtime,
//!     });
//! }
//!
//! /// Per-instance data for the host functions.
//! struct Greeting { host_name: String }
//!
//! impl bindings::GreeterImports for HostState<Greeting> {
//!     fn host_name(&mut self) -> String { self.data.host_name.clone() }
//! }
//!
//! struct Greeter;
//!
//! impl Contract for Greeter {
//!     const WIT: &'static str = r#"
//!         package example:greeter;
//!         world greeter {
//!             import host-name: func() -> string;
//!             export greet: func() -> string;
//!         }
//!     "#;
//!     const WORLD: &'static str = "greeter";
//!     type Data = Greeting;
//!     type Pre = bindings::GreeterPre<HostState<Greeting>>;
//!     type Bindings = bindings::Greeter;
//!
//!     fn link(linker: &mut Linker<HostState<Greeting>>) -> wasmtime::Result<()> {
//!         bindings::Greeter::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
//!     }
//!     fn pre(pre: InstancePre<HostState<Greeting>>) -> wasmtime::Result<Self::Pre> {
//!         bindings::GreeterPre::new(pre)
//!     }
//!     fn instantiate(
//!         pre: &Self::Pre,
//!         store: &mut wasmtime::Store<HostState<Greeting>>,
//!     ) -> wasmtime::Result<Self::Bindings> {
//!         pre.instantiate(store)
//!     }
//! }
//!
//! # fn main() -> Result<(), kumiki::Error> {
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

pub use budget::Budget;
pub use clock::TICK;
pub use engine::{Engine, EngineConfig};
pub use error::{Error, HostError, Result, WrongType};
pub use limits::{Limit, Limits};
pub use load::{Artifact, Cache, CompileCommand};
pub use observer::{ContractEvent, Event, Level, LogRecord, Observer, Silent};
#[doc(hidden)]
pub use panics::catch_panic;
pub use permissions::{
    Clocks, Denial, FolderAccess, FolderGrant, GrantError, Grants, GrantsFile, NetworkGrant,
    Permission, PermissionRequest, PermissionRequests, PermissionRequestsError, PluginName,
    Randomness, VariableGrant,
};
pub use runtime::{
    Contract, Host, HostBuilder, HostState, Instance, Plugin, Pool, PoolConfig, Pooled,
    RecyclePolicy,
};
pub use sandbox::{Sandbox, SandboxStatus};
pub use text::{excerpt, is_invisible, spell_out};
pub use wasi::{Protected, WASI_VERSION, raise_descriptor_limit};
pub use wasmtime;

//! What an embedder brings: a WIT world and the bindings made from it.

use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use crate::HostState;

/// A WIT world that host and plugins agree on, and the bindings that
/// wasmtime's `bindgen!` makes of it. See the [crate's front page](crate) for
/// one written out.
pub trait Contract: Sized + Send + Sync + 'static {
    /// The WIT source of the package that holds the world. It is what plugins
    /// are checked against before they are compiled, so it must be the very
    /// text that `bindgen!` reads.
    const WIT: &'static str;
    /// The world's name in that package.
    const WORLD: &'static str;
    /// Interfaces of that package that a plugin may export besides, such as a
    /// faster way to be called. Where it does, their types are checked too.
    const OPTIONAL: &'static [&'static str] = &[];

    /// What the host keeps for each instance on the contract's behalf, reached
    /// by host functions as [`HostState::data`].
    type Data: Send + 'static;
    /// `bindgen!`'s `…Pre` type: the exports looked up once per plugin.
    type Pre: Send + Sync + 'static;
    /// `bindgen!`'s type for the world: the exports of one instance.
    type Bindings: Send + 'static;

    /// Links the functions that the host gives. Called once per [`Host`]; WASI
    /// 0.2 is already linked, with nothing granted.
    ///
    /// [`Host`]: crate::Host
    fn link(linker: &mut Linker<HostState<Self::Data>>) -> wasmtime::Result<()>;

    /// Looks the exports up. Called once per plugin, after the check.
    fn pre(pre: InstancePre<HostState<Self::Data>>) -> wasmtime::Result<Self::Pre>;

    /// Makes an instance. Called once per instance, within its limits.
    fn instantiate(
        pre: &Self::Pre,
        store: &mut Store<HostState<Self::Data>>,
    ) -> wasmtime::Result<Self::Bindings>;
}

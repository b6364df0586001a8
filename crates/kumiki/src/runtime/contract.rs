//! The [`Contract`] trait: a WIT world and the bindings generated from it.

use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use crate::StoreData;

/// A WIT world that host and plugins agree on, and the bindings that
/// wasmtime's `bindgen!` generates from it. See the [crate documentation](crate) for a
/// full example.
pub trait Contract: Sized + Send + Sync + 'static {
    /// The WIT source of the package that contains the world. Plugins are checked against
    /// it before they are compiled, so it must be the same text that `bindgen!` reads.
    const WIT: &'static str;
    /// The world's name in that package.
    const WORLD: &'static str;
    /// Interfaces of that package that a plugin may export additionally, such as a
    /// faster call interface. If it exports them, their types are checked too.
    const OPTIONAL: &'static [&'static str] = &[];

    /// Whether plugins may be components of any world, as for [`Any`](crate::Any): then
    /// no export is required, and an import that neither WASI nor [`Contract::link`]
    /// provides traps when it is called.
    const ANY_WORLD: bool = false;

    /// Whether host functions and calls are asynchronous: then it is an
    /// [`AsyncContract`], and its instances are created and called in tasks of a tokio
    /// runtime.
    const ASYNC: bool = false;

    /// Whether the world imports asynchronous functions (`async func`) from the host. All
    /// plugins of the contract then have an engine with
    /// [`EngineConfig::concurrency`](crate::EngineConfig::concurrency).
    const CONCURRENT: bool = false;

    /// The contract's data for each instance, which host functions access as
    /// [`HostState::data`](crate::HostState::data).
    type Data: Send + 'static;
    /// `bindgen!`'s `…Pre` type: the exports looked up once per plugin.
    type Pre: Send + Sync + 'static;
    /// `bindgen!`'s type for the world: the exports of one instance.
    type Bindings: Send + 'static;

    /// Links the host functions. Called once per [`Host`]; WASI is already linked,
    /// with nothing granted.
    ///
    /// [`Host`]: crate::Host
    fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()>;

    /// Looks up the exports. Called once per plugin, after the check.
    fn pre(pre: InstancePre<StoreData>) -> wasmtime::Result<Self::Pre>;

    /// Instantiates the component. Called once per instance, within its limits; never if
    /// the contract is [asynchronous](Contract::ASYNC).
    fn instantiate(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings>;

    /// Instantiates a component that imports asynchronous functions (`async func` in its
    /// WIT), for which wasmtime refuses [`Contract::instantiate`]. Called as that is, on the
    /// same thread. Without this function, such a component does not start.
    fn instantiate_concurrent(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> impl Future<Output = wasmtime::Result<Self::Bindings>> {
        async { Self::instantiate(pre, store) }
    }
}

/// A contract whose bindings are asynchronous: its host functions may await, and a call
/// is a future. [`contract!`](crate::contract) implements it for `async: true`.
///
/// [`Contract::ASYNC`] must be true, and `bindgen!` must get
/// `imports: { default: async }, exports: { default: async }`.
///
/// A host function has about 1.5 MiB of stack in such a call: asynchronous calls run on
/// stacks of 2 MiB, of which the guest may use 512 KiB. The program aborts when a host
/// function needs more.
#[diagnostic::on_unimplemented(
    message = "the contract `{Self}` is synchronous",
    note = "add `async: true` to its `kumiki::contract!`, or use the function without `_async`"
)]
pub trait AsyncContract: Contract {
    /// Instantiates the component. Awaited once per instance, within its limits.
    fn instantiate_async(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> impl Future<Output = wasmtime::Result<Self::Bindings>> + Send;
}

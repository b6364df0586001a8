//! A component, compiled and linked for one engine.
//!
//! It is prepared for the host's own engine. When all slots of that are taken,
//! or when the component needs what no slot has, it is prepared again for the
//! same engine without slots: machine code is the same for both, so that costs
//! a copy of it, once per plugin, and no compilation.

use wasmtime::component::{Component, Linker};

use crate::{Contract, Engine, Error, HostState, Result};

/// An engine, and all that this host gives, linked for it.
pub(crate) struct Linked<C: Contract> {
    pub(crate) engine: Engine,
    linker: Linker<HostState<C::Data>>,
}

impl<C: Contract> Linked<C> {
    pub(crate) fn new(engine: Engine) -> Result<Self> {
        let mut linker = Linker::new(engine.as_wasmtime());
        crate::wasi::link(&mut linker)
            .and_then(|()| C::link(&mut linker))
            .map_err(|source| Error::Contract {
                message: format!("{source:#}"),
            })?;
        Ok(Self { engine, linker })
    }

    /// The same, without slots.
    pub(crate) fn without_slots(&self) -> Result<Self> {
        Self::new(self.engine.without_slots()?)
    }

    /// Looks up what a component of this engine imports and exports.
    pub(crate) fn prepare(&self, component: Component) -> wasmtime::Result<Prepared<C>> {
        let pre = self.linker.instantiate_pre(&component).and_then(C::pre)?;
        Ok(Prepared { component, pre })
    }
}

/// A component whose imports are linked and whose exports are known.
pub(crate) struct Prepared<C: Contract> {
    pub(crate) component: Component,
    pub(crate) pre: C::Pre,
}

impl<C: Contract> Prepared<C> {
    /// The same for another engine, one that differs in nothing but its slots.
    pub(crate) fn again(&self, linked: &Linked<C>) -> wasmtime::Result<Self> {
        let engine = linked.engine.as_wasmtime();
        linked.prepare(crate::load::cache::copy(&self.component, engine)?)
    }
}

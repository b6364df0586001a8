//! A component, compiled and linked for a host.
//!
//! A host has its engine twice: with slots, and without for what has no place in them.
//! Nobody but this module sees that there are two. Machine code is the same for both:
//! where an instance is made outside of the slots, the component is copied, once per
//! plugin, and not compiled again.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use super::contract::Contract;
use super::state::StoreData;
use crate::engine::{ModuleHash, Reservation, SharedModule, SlotNeeds};
use crate::inspect::{InstanceSize, compatible_name};
use crate::load::Needs;
use crate::observer::Observer;
use crate::wasi::Waits;
use crate::{Engine, Error, Result, load, wasi};

/// All that a host gives, linked for its engine.
pub(super) struct Linked<C: Contract> {
    slots: Side,
    /// Made when there is something that no slot takes; none where it cannot be made.
    outside: OnceLock<Option<Side>>,
    /// For plugins that need concurrency; created with the first one.
    concurrent: OnceLock<Option<Side>>,
    contract: PhantomData<C>,
}

/// One of the two engines, and what is linked for it.
struct Side {
    engine: Engine,
    linker: Mutex<SharedLinker>,
}

/// A linker, and the core modules of plugins that are linked in it.
struct SharedLinker {
    linker: Linker<StoreData>,
    modules: HashMap<ModuleHash, Arc<SharedModule>>,
}

/// The maximum number of core modules that stay linked, and in memory, for as long as the
/// host: the runtimes of a few languages. With more, a plugin gets a copy of the linker,
/// which takes 0.1 ms.
const LINKED_MODULES: usize = 16;

impl Side {
    fn new<C: Contract>(engine: Engine) -> Result<Self> {
        let mut linker = Linker::new(engine.as_wasmtime());
        link_wasi(&mut linker, C::ASYNC, engine.config().concurrency)
            .and_then(|()| C::link(&mut linker))
            .map_err(|source| Error::Contract {
                message: format!("{source:#}"),
            })?;
        let linker = Mutex::new(SharedLinker {
            linker,
            modules: HashMap::new(),
        });
        Ok(Self { engine, linker })
    }

    /// Looks up what a component of this engine imports and exports.
    fn template<C: Contract>(
        &self,
        component: Component,
        modules: Vec<Arc<SharedModule>>,
    ) -> wasmtime::Result<Template<C>> {
        let mut shared = self.linker.lock().unwrap_or_else(PoisonError::into_inner);
        let are_linked = shared.link_modules(&modules)?;
        let pre = match are_linked && !C::ANY_WORLD {
            true => shared.linker.instantiate_pre(&component)?,
            false => {
                let mut linker = shared.linker.clone();
                if !are_linked {
                    link_modules(&mut linker, &modules, |hash| {
                        shared.modules.contains_key(&hash)
                    })?;
                }
                drop(shared);
                if C::ANY_WORLD {
                    wasi::link_unknown_imports(&mut linker, &component)?;
                }
                linker.instantiate_pre(&component)?
            }
        };
        let pre = C::pre(pre)?;
        Ok(Template {
            component,
            modules,
            pre,
        })
    }
}

impl SharedLinker {
    /// Links modules, unless they would be too many; returns whether all are linked.
    fn link_modules(&mut self, modules: &[Arc<SharedModule>]) -> wasmtime::Result<bool> {
        let Self {
            linker,
            modules: linked,
        } = self;
        let is_new = |module: &&Arc<SharedModule>| !linked.contains_key(&module.hash);
        if linked.len() + modules.iter().filter(is_new).count() > LINKED_MODULES {
            return Ok(false);
        }
        link_modules(linker, modules, |hash| linked.contains_key(&hash))?;
        linked.extend(modules.iter().map(|it| (it.hash, it.clone())));
        Ok(true)
    }
}

/// Links the modules that are not linked yet.
fn link_modules(
    linker: &mut Linker<StoreData>,
    modules: &[Arc<SharedModule>],
    is_linked: impl Fn(ModuleHash) -> bool,
) -> wasmtime::Result<()> {
    for shared in modules.iter().filter(|it| !is_linked(it.hash)) {
        let name = shared.hash.import_name();
        linker.root().module(&name, &shared.module)?;
    }
    Ok(())
}

/// Not generic over the contract, so that the functions of WASI are compiled in this
/// crate, and not in each crate that has a contract.
fn link_wasi(
    linker: &mut Linker<StoreData>,
    is_async: bool,
    concurrency: bool,
) -> wasmtime::Result<()> {
    let waits = match is_async {
        true => Waits::Async,
        false => Waits::Blocking,
    };
    wasi::link(linker, waits)?;
    match concurrency {
        true => wasi::link_0_3(linker),
        false => Ok(()),
    }
}

impl<C: Contract> Linked<C> {
    pub(super) fn new(engine: Engine) -> Result<Self> {
        Ok(Self {
            slots: Side::new::<C>(engine)?,
            outside: OnceLock::new(),
            concurrent: OnceLock::new(),
            contract: PhantomData,
        })
    }

    /// The engine, with its slots.
    pub(super) fn engine(&self) -> &Engine {
        &self.slots.engine
    }

    /// Prepares a component of this engine. One that was compiled for the engine without
    /// slots, because it needs more than a slot has, stays outside of them.
    pub(super) fn prepare(
        &self,
        component: Component,
        needs: Needs,
    ) -> wasmtime::Result<Prepared<C>> {
        // wasmtime does not know what the modules need.
        debug_assert!(component.resources_required().is_none_or(|required| {
            let InstanceSize {
                memories, tables, ..
            } = needs.size;
            (memories, tables) == (required.num_memories as usize, required.num_tables as usize)
        }));
        let with_slots = self.slots.engine.as_wasmtime();
        let fits = wasmtime::Engine::same(component.engine(), with_slots);
        let side = match fits {
            true => Some(&self.slots),
            false if needs.concurrency => self.concurrent(),
            false => self.outside(),
        };
        let side = side.ok_or_else(|| wasmtime::format_err!("no engine is without slots"))?;
        let is_asynchronous = needs.concurrency && imports_asynchronous(&component);
        Ok(Prepared {
            is_asynchronous,
            needs: fits.then(|| SlotNeeds::of(needs.size)),
            first: side.template(component, needs.modules)?,
            outside: OnceLock::new(),
        })
    }

    fn outside(&self) -> Option<&Side> {
        let make = || Side::new::<C>(self.slots.engine.without_slots().ok()?).ok();
        self.outside.get_or_init(make).as_ref()
    }

    fn concurrent(&self) -> Option<&Side> {
        let make = || Side::new::<C>(self.slots.engine.for_plugin(true).ok()?).ok();
        self.concurrent.get_or_init(make).as_ref()
    }
}

/// A component whose imports are linked and whose exports are known, ready for
/// instances in slots and outside of them.
pub(super) struct Prepared<C: Contract> {
    first: Template<C>,
    /// Whether it imports asynchronous functions.
    is_asynchronous: bool,
    /// What an instance needs of the slots; none where no slot has room for it.
    needs: Option<SlotNeeds>,
    /// The same outside of the slots; made for the first instance that finds none free.
    outside: OnceLock<Option<Template<C>>>,
}

/// What instances are made of, for one engine.
pub(super) struct Template<C: Contract> {
    component: Component,
    /// The core modules that it imports; they are shared for as long as a plugin has them.
    modules: Vec<Arc<SharedModule>>,
    pub(super) pre: C::Pre,
}

impl<C: Contract> Template<C> {
    pub(super) fn engine(&self) -> &wasmtime::Engine {
        self.component.engine()
    }
}

/// Where one instance is made, and what is reserved for it there.
pub(super) struct Placement<'a, C: Contract> {
    pub(super) template: &'a Template<C>,
    /// Kept for as long as the instance lives.
    pub(super) reservation: Option<Reservation>,
}

impl<C: Contract> Prepared<C> {
    pub(super) fn component(&self) -> &Component {
        &self.first.component
    }

    pub(super) fn is_asynchronous(&self) -> bool {
        self.is_asynchronous
    }

    /// Chooses where an instance is made, before anything of it runs: to try again
    /// elsewhere would run start code and host functions a second time on the same data.
    pub(super) fn placement(
        &self,
        linked: &Linked<C>,
        observer: &dyn Observer,
    ) -> Placement<'_, C> {
        let first = |reservation| Placement {
            template: &self.first,
            reservation,
        };
        let Some(needs) = self.needs else {
            return first(None);
        };
        if let Some(reservation) = linked.engine().reserve(needs) {
            return first(Some(reservation));
        }
        linked.engine().report_slots_full(observer);
        match self.outside(linked) {
            Some(template) => Placement {
                template,
                reservation: None,
            },
            // wasmtime says that there is no slot.
            None => first(None),
        }
    }

    #[cold]
    fn outside(&self, linked: &Linked<C>) -> Option<&Template<C>> {
        let make = || {
            let side = linked.outside()?;
            let modules = self.first.modules.iter();
            let modules = modules.map(|module| copy(module, &side.engine));
            let modules = modules.collect::<wasmtime::Result<_>>().ok()?;
            let component = load::copy(&self.first.component, side.engine.as_wasmtime());
            side.template(component.ok()?, modules).ok()
        };
        self.outside.get_or_init(make).as_ref()
    }
}

fn imports_asynchronous(component: &Component) -> bool {
    let engine = component.engine();
    let is_asynchronous = |item: &ComponentItem| match item {
        ComponentItem::ComponentFunc(function) => function.async_(),
        _ => false,
    };
    component
        .component_type()
        .imports(engine)
        .any(|(name, import)| match &import.ty {
            _ if wasi::waits_in_synchronous_functions(&compatible_name(name)) => true,
            ComponentItem::ComponentInstance(interface) => {
                let mut items = interface.exports(engine);
                items.any(|(_, item)| is_asynchronous(&item.ty))
            }
            item => is_asynchronous(item),
        })
}

/// Copies a core module to another engine, unless it has it already.
fn copy(shared: &SharedModule, engine: &Engine) -> wasmtime::Result<Arc<SharedModule>> {
    let copy = || load::copy(&shared.module, engine.as_wasmtime());
    engine.shared_modules().get_or_make(shared.hash, copy)
}

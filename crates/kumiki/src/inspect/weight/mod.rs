//! What a component comes to when it is compiled, which its file does not show:
//! wasmtime writes out every instance of a component within it, so ten instances of
//! what has ten instances are a hundred; and it writes an adapter for every function
//! that one component calls in another, as long as the function's type.
//!
//! Counted while the component is validated, which is linear in its file, and
//! refused before it is compiled. Of the plugins known, those on QuickJS come to the
//! most: 9,400 items, and 393 parts of adapters.

mod core_module;
mod type_size;

use wasmparser::component_types::ComponentAnyTypeId;
use wasmparser::types::TypesRef;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Instance, Payload,
};

use self::core_module::{Module, read};
use self::type_size::TypeSizes;
use super::bounds::within;
use crate::Result;

/// Items of all instances, and of components that are never instantiated: up to 4 µs
/// and 900 bytes each.
const ITEMS: usize = 250_000;
/// Parts of the types of all functions that one component calls in another: up to
/// 50 µs each.
const ADAPTERS: usize = 50_000;
/// Bytes that the host keeps for all core instances, besides linear memories and
/// the elements of tables. To fill them takes 5 ns for 16 bytes. The largest known:
/// 1.5 MB.
const SETUP: usize = 64 << 20;
/// Bytes of data segments, counted for each core instance: all of them are copied
/// when a plugin is instantiated, which no time limit ends.
const DATA: usize = 1 << 30;

/// Parts of the types that the validator copies, 190 bytes each: those of imports and
/// exports, of types of instances and components, and of instances. Counted over all
/// components, including those that are never instantiated.
const COPIES: usize = 2_000_000;

/// Parts of types that count as an item.
const PARTS: usize = 16;

/// The components that are being read, outermost first.
pub(crate) struct Weights {
    open: Vec<Open>,
    sizes: TypeSizes,
    /// The parts of types that the validator has copied.
    copies: usize,
    /// Items of the components that have ended.
    ended: usize,
    /// The module that is being read.
    module: Option<Module>,
    /// Whether a component within lifts or lowers, without which there are no
    /// adapters.
    adapts: bool,
}

/// A component whose sections are being read, and what it has numbered so far.
#[derive(Default)]
struct Open {
    weight: Weight,
    /// Those that only an argument decides have no weight.
    components: Vec<Option<Weight>>,
    modules: Vec<Option<Module>>,
    /// How many items each hands over.
    instances: Vec<usize>,
}

/// What one instance of a component comes to.
#[derive(Clone, Copy, Default)]
struct Weight {
    items: usize,
    adapters: usize,
    /// Bytes of the host's memory for its core instances, and bytes of data that are
    /// copied when they are made.
    setup: usize,
    data: usize,
    /// Items that it exports, those of instances included.
    exports: usize,
    /// Parts of the types of what it exports.
    parts: usize,
    /// Items of outer components that go with it wherever it goes.
    captured: usize,
}

impl Weights {
    pub(crate) fn new() -> Self {
        Self {
            open: vec![Open::default()],
            sizes: TypeSizes::default(),
            copies: 0,
            ended: 0,
            module: None,
            adapts: false,
        }
    }

    /// Counts a part of a component that is valid so far; `types` are those of the
    /// component that it is in.
    pub(crate) fn add(
        &mut self,
        plugin: &str,
        payload: &Payload<'_>,
        types: Option<TypesRef<'_>>,
    ) -> Result<()> {
        match payload {
            Payload::ModuleSection { .. } => self.module = Some(Module::default()),
            Payload::ComponentSection { .. } => self.open.push(Open::default()),
            Payload::End(_) => self.end(),
            payload => {
                if let Some(module) = &mut self.module {
                    module.add(payload);
                }
            }
        }
        let (Some(types), None, Some(last)) = (types, self.module, self.open.len().checked_sub(1))
        else {
            return Ok(());
        };
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in read(section) {
                    let item = types.component_item_for_import(import.name.name);
                    let size = item.map_or(1, |item| self.sizes.entity(item.ty, types));
                    self.copies = self.copies.saturating_add(size);
                    self.open[last].import(import.ty, size);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in read(section) {
                    let item = types.component_item_for_export(export.name.name);
                    let size = item.map_or(1, |item| self.sizes.entity(item.ty, types));
                    self.copies = self.copies.saturating_add(size);
                    self.open[last].export(export.kind, export.index, size);
                }
            }
            Payload::ComponentTypeSection(section) => {
                let all = types.component_type_count();
                for index in all.saturating_sub(section.count())..all {
                    let ty = types.component_any_type_at(index);
                    self.copies = self.copies.saturating_add(self.sizes.scope(ty, types));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in read(section) {
                    self.alias(&alias);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in read(section) {
                    let copies = self.open[last].parts_of(&instance);
                    self.copies = self.copies.saturating_add(copies);
                    within(plugin, PASSED, self.open[last].instance(&instance), 0)?;
                    self.check(plugin)?;
                }
            }
            Payload::InstanceSection(section) => {
                for instance in read(section) {
                    within(plugin, PASSED, self.open[last].core_instance(&instance), 0)?;
                    self.check(plugin)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in read(section) {
                    self.canonical(&function, types);
                }
            }
            _ => {}
        }
        self.check(plugin)
    }

    /// Bytes of the host's memory for the core instances of the whole component.
    pub(crate) fn setup(&self) -> usize {
        self.open.first().map_or(0, |open| open.weight.setup)
    }

    fn check(&self, plugin: &str) -> Result<()> {
        let what = "parts of types, counted for each import, export and instance";
        within(plugin, what, self.copies, COPIES)?;
        let Some(Open { weight, .. }) = self.open.last() else {
            return Ok(());
        };
        let items = self.open.iter().map(|open| open.weight.items);
        let items = items.fold(self.ended, usize::saturating_add);
        within(plugin, "items, counted for each instance", items, ITEMS)?;
        let what = "bytes of globals, functions and tables, counted for each core instance";
        within(plugin, what, weight.setup, SETUP)?;
        let what = "bytes of data, counted for each core instance";
        within(plugin, what, weight.data, DATA)?;
        let adapters = if self.adapts { weight.adapters } else { 0 };
        let what = "parts in the types of functions that it calls within itself";
        within(plugin, what, adapters, ADAPTERS)
    }

    /// A module or component has been read.
    fn end(&mut self) {
        let open = self.open.len();
        if let (Some(module), Some(outer)) = (self.module.take(), self.open.last_mut()) {
            outer.modules.push(Some(module));
        } else if open > 1
            && let (Some(Open { weight, .. }), Some(outer)) =
                (self.open.pop(), self.open.last_mut())
        {
            self.ended = self.ended.saturating_add(weight.items);
            outer.weight.add_items(1 + weight.captured);
            outer.components.push(Some(weight));
        }
    }

    fn canonical(&mut self, function: &CanonicalFunction, types: TypesRef<'_>) {
        let ty = match function {
            CanonicalFunction::Lift { type_index, .. } => {
                match types.component_any_type_at(*type_index) {
                    ComponentAnyTypeId::Func(id) => Some(id),
                    _ => None,
                }
            }
            CanonicalFunction::Lower { func_index, .. } => {
                Some(types.component_function_at(*func_index))
            }
            _ => None,
        };
        let size = ty.map_or(1, |id| self.sizes.function(id, types));
        self.adapts |= ty.is_some() && self.open.len() > 1;
        if let Some(Open { weight, .. }) = self.open.last_mut() {
            weight.add_items(items(size));
            // Each adapter is one function lowered; what it is lifted from does not
            // make another.
            if let CanonicalFunction::Lower { .. } = function {
                weight.adapters = weight.adapters.saturating_add(size);
            }
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        let open = self.open.len();
        let ComponentAlias::Outer { kind, count, index } = alias else {
            if let Some(open) = self.open.last_mut() {
                open.inner_alias(alias);
            }
            return;
        };
        let outer = open.checked_sub(1 + *count as usize);
        let outer_item = outer.and_then(|outer| Some((outer, self.open.get(outer)?)));
        let index = *index as usize;
        let mut captured = 1;
        match kind {
            ComponentOuterAliasKind::Component => {
                let found = outer_item.and_then(|(_, outer)| *outer.components.get(index)?);
                captured += found.map_or(0, |weight| weight.captured);
                self.open[open - 1].components.push(found);
            }
            ComponentOuterAliasKind::CoreModule => {
                let found = outer_item.and_then(|(_, outer)| *outer.modules.get(index)?);
                self.open[open - 1].modules.push(found);
            }
            ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Type => {}
        }
        self.open[open - 1].weight.add_items(captured);
        // It goes with every component on the way to where it is used.
        for within in self.open.iter_mut().skip(outer.unwrap_or(0) + 1) {
            let all = within.weight.captured.saturating_add(captured);
            within.weight.captured = all;
        }
    }
}

/// What is refused where only an argument decides what is instantiated: no tool
/// makes such components, and there is no saying what they come to.
const PASSED: &str = "instances of what is passed to it";

impl Open {
    fn import(&mut self, ty: ComponentTypeRef, size: usize) {
        let size = items(size);
        self.weight.add_items(size);
        match ty {
            ComponentTypeRef::Component(_) => self.components.push(None),
            ComponentTypeRef::Module(_) => self.modules.push(None),
            // An instance of the host's is no copy of its items.
            ComponentTypeRef::Instance(_) => self.instances.push(size),
            _ => {}
        }
    }

    /// An exported item has another number as well.
    fn export(&mut self, kind: ComponentExternalKind, index: u32, size: usize) {
        self.weight.parts = self.weight.parts.saturating_add(size);
        let size = items(size).saturating_add(self.handed_over(kind, index));
        self.weight.add_items(size);
        self.weight.exports = self.weight.exports.saturating_add(size);
        let index = index as usize;
        match kind {
            ComponentExternalKind::Component => {
                let found = self.components.get(index).copied().flatten();
                self.components.push(found);
            }
            ComponentExternalKind::Module => {
                let found = self.modules.get(index).copied().flatten();
                self.modules.push(found);
            }
            ComponentExternalKind::Instance => {
                let found = self.instances.get(index).copied().unwrap_or(0);
                self.instances.push(found);
            }
            _ => {}
        }
    }

    /// An alias of what an instance exports.
    fn inner_alias(&mut self, alias: &ComponentAlias<'_>) {
        let mut size = 1;
        if let ComponentAlias::InstanceExport {
            kind,
            instance_index,
            ..
        } = alias
        {
            match kind {
                ComponentExternalKind::Component => self.components.push(None),
                ComponentExternalKind::Module => self.modules.push(None),
                ComponentExternalKind::Instance => {
                    let all = self.instances.get(*instance_index as usize);
                    size = all.copied().unwrap_or(1);
                    self.instances.push(size);
                }
                _ => {}
            }
        }
        self.weight.add_items(size);
    }

    /// Counts an instance. How many things it instantiates that nobody knows.
    fn instance(&mut self, instance: &ComponentInstance<'_>) -> usize {
        let handed_over = match instance {
            ComponentInstance::Instantiate { args, .. } => {
                let sizes = args.iter().map(|it| self.handed_over(it.kind, it.index));
                sizes.fold(1, usize::saturating_add)
            }
            ComponentInstance::FromExports(exports) => {
                let sizes = exports.iter().map(|it| self.handed_over(it.kind, it.index));
                sizes.fold(1, usize::saturating_add)
            }
        };
        self.weight.add_items(handed_over);
        let ComponentInstance::Instantiate {
            component_index, ..
        } = instance
        else {
            self.instances.push(handed_over);
            return 0;
        };
        let component = self.components.get(*component_index as usize);
        let Some(inner) = component.copied().flatten() else {
            return 1;
        };
        self.weight.add_items(inner.items);
        self.weight.add_items(inner.exports);
        self.weight.adapters = self.weight.adapters.saturating_add(inner.adapters);
        self.weight.add_setup(inner.setup, inner.data);
        self.instances.push(inner.exports);
        0
    }

    /// The parts of the types of what an instance of a component exports.
    fn parts_of(&self, instance: &ComponentInstance<'_>) -> usize {
        let ComponentInstance::Instantiate {
            component_index: index,
            ..
        } = instance
        else {
            return 0;
        };
        let component = self.components.get(*index as usize).copied().flatten();
        component.map_or(0, |inner| inner.parts)
    }

    /// The same for an instance of a module.
    fn core_instance(&mut self, instance: &Instance<'_>) -> usize {
        let (items, unknown) = match instance {
            Instance::Instantiate { module_index, args } => {
                let module = self.modules.get(*module_index as usize);
                let module = module.copied().flatten();
                let unknown = usize::from(module.is_none());
                let module = module.unwrap_or_default();
                self.weight.add_setup(module.setup(), module.data);
                (args.len().saturating_add(module.imports), unknown)
            }
            Instance::FromExports(exports) => (exports.len(), 0),
        };
        self.weight.add_items(items.saturating_add(1));
        unknown
    }

    /// How many items go with one that is handed over.
    fn handed_over(&self, kind: ComponentExternalKind, index: u32) -> usize {
        let index = index as usize;
        let more = match kind {
            ComponentExternalKind::Instance => self.instances.get(index).copied(),
            ComponentExternalKind::Component => {
                let component = self.components.get(index).copied().flatten();
                component.map(|weight| weight.captured)
            }
            _ => None,
        };
        more.unwrap_or(0).saturating_add(1)
    }
}

impl Weight {
    fn add_setup(&mut self, setup: usize, data: usize) {
        self.setup = self.setup.saturating_add(setup);
        self.data = self.data.saturating_add(data);
    }

    fn add_items(&mut self, items: usize) {
        self.items = self.items.saturating_add(items);
    }
}

/// The number of items that a type with this many parts counts as.
fn items(parts: usize) -> usize {
    1 + parts / PARTS
}

#[cfg(test)]
mod tests;

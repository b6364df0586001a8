//! The size of a component after the compiler has expanded it. wasmtime copies a nested
//! component for each of its instances, so ten instances of a component with ten
//! instances are a hundred. It also generates an adapter for each function that one
//! component calls in another, and an adapter is as long as the function's type.
//!
//! The size is counted during validation, in time linear in the file's size, and a
//! component that is too large is refused before it is compiled. The largest known
//! plugins are those with QuickJS: 9,400 items, and 393 parts of adapters.

mod core_module;
mod instance_size;
mod type_size;

use wasmparser::component_types::ComponentAnyTypeId;
use wasmparser::types::TypesRef;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Instance, Payload,
};

use self::core_module::{CoreModule, read};
pub(crate) use self::instance_size::InstanceSize;
use self::type_size::TypeSizes;
use super::within::within;
use crate::Result;

/// Items of all instances, and of components that are never instantiated: up to 4 µs
/// and 900 bytes each.
const ITEMS: usize = 250_000;
/// Parts of the types of all functions that one component calls in another: up to
/// 50 µs each.
const ADAPTERS: usize = 50_000;
/// Bytes that the host keeps for all core instances, besides linear memories and
/// the elements of tables. Filling 16 bytes takes 5 ns. The largest known: 1.5 MB.
const HOST_BYTES: usize = 64 << 20;
/// Bytes of data segments, counted for each core instance: all of them are copied
/// during instantiation, which no time limit interrupts.
const DATA: usize = 1 << 30;

/// Parts of the types that the validator copies, 190 bytes each: types of imports and
/// exports, of instance and component types, and of instances. Counted over all
/// components, including those that are never instantiated.
const COPIES: usize = 2_000_000;

/// The number of type parts that count as one item.
const PARTS_PER_ITEM: usize = 16;

/// Counts the expanded size of a component while it is read.
pub(crate) struct ExpansionCounter {
    /// The components being read, outermost first.
    open: Vec<OpenComponent>,
    type_sizes: TypeSizes,
    /// The parts of types that the validator has copied.
    copies: usize,
    /// The items of the components that were read completely.
    ended: usize,
    /// The module being read.
    module: Option<CoreModule>,
    /// Whether a nested component lifts or lowers functions; otherwise there are no
    /// adapters.
    adapts: bool,
}

/// A component whose sections are being read, with its index spaces so far.
#[derive(Default)]
struct OpenComponent {
    size: ExpandedSize,
    /// `None` for a component that is known only at instantiation, such as an import.
    components: Vec<Option<ExpandedSize>>,
    modules: Vec<Option<CoreModule>>,
    /// The number of items that passing each instance adds.
    instances: Vec<usize>,
}

/// The size of one instance of a component.
#[derive(Clone, Copy, Default)]
struct ExpandedSize {
    items: usize,
    /// Parts of the types of functions that need an adapter.
    adapters: usize,
    core: InstanceSize,
    /// Bytes of data segments that are copied when its core instances are created.
    data: usize,
    /// Items that it exports, including those of exported instances.
    exports: usize,
    /// Parts of the types of its exports.
    parts: usize,
    /// Items of outer components that it captures, and that are passed along with it.
    captured: usize,
}

impl ExpansionCounter {
    pub(crate) fn new() -> Self {
        Self {
            open: vec![OpenComponent::default()],
            type_sizes: TypeSizes::default(),
            copies: 0,
            ended: 0,
            module: None,
            adapts: false,
        }
    }

    /// Counts a payload that the validator accepted; `types` are those of the component
    /// that contains it.
    pub(crate) fn add(
        &mut self,
        plugin: &str,
        payload: &Payload<'_>,
        types: Option<TypesRef<'_>>,
    ) -> Result<()> {
        match payload {
            Payload::ModuleSection { .. } => self.module = Some(CoreModule::default()),
            Payload::ComponentSection { .. } => self.open.push(OpenComponent::default()),
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
                    let size = item.map_or(1, |item| self.type_sizes.entity(item.ty, types));
                    self.copies = self.copies.saturating_add(size);
                    self.open[last].import(import.ty, size);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in read(section) {
                    let item = types.component_item_for_export(export.name.name);
                    let size = item.map_or(1, |item| self.type_sizes.entity(item.ty, types));
                    self.copies = self.copies.saturating_add(size);
                    self.open[last].export(export.kind, export.index, size);
                }
            }
            Payload::ComponentTypeSection(section) => {
                let all = types.component_type_count();
                for index in all.saturating_sub(section.count())..all {
                    let ty = types.component_any_type_at(index);
                    self.copies = self
                        .copies
                        .saturating_add(self.type_sizes.copied_parts(ty, types));
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
                    let unknown = self.open[last].instance(&instance);
                    within(plugin, UNKNOWN_INSTANCES, unknown, 0)?;
                    self.check(plugin)?;
                }
            }
            Payload::InstanceSection(section) => {
                for instance in read(section) {
                    let unknown = self.open[last].core_instance(&instance);
                    within(plugin, UNKNOWN_INSTANCES, unknown, 0)?;
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

    /// Returns the size of one instance of the whole component.
    pub(crate) fn instance_size(&self) -> InstanceSize {
        let component = self.open.first();
        component.map_or(InstanceSize::default(), |open| open.size.core)
    }

    fn check(&self, plugin: &str) -> Result<()> {
        let what = "parts of types, counted for each import, export and instance";
        within(plugin, what, self.copies, COPIES)?;
        let Some(OpenComponent { size, .. }) = self.open.last() else {
            return Ok(());
        };
        let items = self.open.iter().map(|open| open.size.items);
        let items = items.fold(self.ended, usize::saturating_add);
        within(plugin, "items, counted for each instance", items, ITEMS)?;
        let what = "bytes of globals, functions and tables, counted for each core instance";
        within(plugin, what, size.core.host_bytes, HOST_BYTES)?;
        let what = "bytes of data, counted for each core instance";
        within(plugin, what, size.data, DATA)?;
        let adapters = if self.adapts { size.adapters } else { 0 };
        let what = "parts in the types of functions called between its components";
        within(plugin, what, adapters, ADAPTERS)
    }

    /// Ends the module or component being read.
    fn end(&mut self) {
        let open = self.open.len();
        if let (Some(module), Some(outer)) = (self.module.take(), self.open.last_mut()) {
            outer.modules.push(Some(module));
        } else if open > 1
            && let (Some(OpenComponent { size, .. }), Some(outer)) =
                (self.open.pop(), self.open.last_mut())
        {
            self.ended = self.ended.saturating_add(size.items);
            outer.size.add_items(1 + size.captured);
            outer.components.push(Some(size));
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
        let parts = ty.map_or(1, |id| self.type_sizes.function(id, types));
        self.adapts |= ty.is_some() && self.open.len() > 1;
        if let Some(OpenComponent { size, .. }) = self.open.last_mut() {
            size.add_items(items(parts));
            // Each lowered function has one adapter; lifting adds none.
            if let CanonicalFunction::Lower { .. } = function {
                size.adapters = size.adapters.saturating_add(parts);
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
                captured += found.map_or(0, |size| size.captured);
                self.open[open - 1].components.push(found);
            }
            ComponentOuterAliasKind::CoreModule => {
                let found = outer_item.and_then(|(_, outer)| *outer.modules.get(index)?);
                self.open[open - 1].modules.push(found);
            }
            ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Type => {}
        }
        self.open[open - 1].size.add_items(captured);
        // Every component between the definition and the use captures the item.
        for inner in self.open.iter_mut().skip(outer.unwrap_or(0) + 1) {
            let all = inner.size.captured.saturating_add(captured);
            inner.size.captured = all;
        }
    }
}

/// Instances of a component or module that is known only at instantiation. They are
/// refused: no tool generates them, and their size is unknown.
const UNKNOWN_INSTANCES: &str = "instances of components or modules that are passed to it";

impl OpenComponent {
    fn import(&mut self, ty: ComponentTypeRef, parts: usize) {
        let items = items(parts);
        self.size.add_items(items);
        match ty {
            ComponentTypeRef::Component(_) => self.components.push(None),
            ComponentTypeRef::Module(_) => self.modules.push(None),
            // The host's instance is not a copy of its items.
            ComponentTypeRef::Instance(_) => self.instances.push(items),
            _ => {}
        }
    }

    /// Counts an export. It adds the exported item to its index space once more.
    fn export(&mut self, kind: ComponentExternalKind, index: u32, parts: usize) {
        self.size.parts = self.size.parts.saturating_add(parts);
        let items = items(parts).saturating_add(self.passed_items(kind, index));
        self.size.add_items(items);
        self.size.exports = self.size.exports.saturating_add(items);
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

    /// Counts an alias of an instance's export.
    fn inner_alias(&mut self, alias: &ComponentAlias<'_>) {
        let mut items = 1;
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
                    items = all.copied().unwrap_or(1);
                    self.instances.push(items);
                }
                _ => {}
            }
        }
        self.size.add_items(items);
    }

    /// Counts an instance. Returns 1 if the component that it instantiates is unknown.
    fn instance(&mut self, instance: &ComponentInstance<'_>) -> usize {
        let passed = match instance {
            ComponentInstance::Instantiate { args, .. } => {
                let items = args.iter().map(|it| self.passed_items(it.kind, it.index));
                items.fold(1, usize::saturating_add)
            }
            ComponentInstance::FromExports(exports) => {
                let items = exports
                    .iter()
                    .map(|it| self.passed_items(it.kind, it.index));
                items.fold(1, usize::saturating_add)
            }
        };
        self.size.add_items(passed);
        let ComponentInstance::Instantiate {
            component_index, ..
        } = instance
        else {
            self.instances.push(passed);
            return 0;
        };
        let component = self.components.get(*component_index as usize);
        let Some(inner) = component.copied().flatten() else {
            return 1;
        };
        self.size.add_items(inner.items);
        self.size.add_items(inner.exports);
        self.size.adapters = self.size.adapters.saturating_add(inner.adapters);
        self.size.add_core(inner.core, inner.data);
        self.instances.push(inner.exports);
        0
    }

    /// Returns the number of parts of the types that an instance of a component exports.
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

    /// Counts a core instance. Returns 1 if the module that it instantiates is unknown.
    fn core_instance(&mut self, instance: &Instance<'_>) -> usize {
        let (items, unknown) = match instance {
            Instance::Instantiate { module_index, args } => {
                let module = self.modules.get(*module_index as usize);
                let module = module.copied().flatten();
                let unknown = usize::from(module.is_none());
                let module = module.unwrap_or_default();
                self.size.add_core(module.instance_size(), module.data);
                (args.len().saturating_add(module.imports), unknown)
            }
            Instance::FromExports(exports) => (exports.len(), 0),
        };
        self.size.add_items(items.saturating_add(1));
        unknown
    }

    /// Returns how many items passing an item adds, itself included.
    fn passed_items(&self, kind: ComponentExternalKind, index: u32) -> usize {
        let index = index as usize;
        let more = match kind {
            ComponentExternalKind::Instance => self.instances.get(index).copied(),
            ComponentExternalKind::Component => {
                let component = self.components.get(index).copied().flatten();
                component.map(|size| size.captured)
            }
            _ => None,
        };
        more.unwrap_or(0).saturating_add(1)
    }
}

impl ExpandedSize {
    fn add_core(&mut self, core: InstanceSize, data: usize) {
        self.core.add(core);
        self.data = self.data.saturating_add(data);
    }

    fn add_items(&mut self, items: usize) {
        self.items = self.items.saturating_add(items);
    }
}

/// Returns the number of items that a type with this many parts counts as.
fn items(parts: usize) -> usize {
    1 + parts / PARTS_PER_ITEM
}

#[cfg(test)]
mod tests;

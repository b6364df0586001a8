//! Separates large core modules from the component that contains them.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::ops::Range;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentImportSection, ComponentOuterAliasKind,
    ComponentTypeRef, CoreTypeSection, RawSection,
};
use wasmparser::{
    ComponentAlias, ComponentAliasSectionReader, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind as OuterKind, ComponentTypeRef as TypeRef, Parser, Payload,
};

use super::module_type::module_type;
use crate::catch_panic;
use crate::engine::{ModuleHash, proposals};

/// The smallest code section of a module that is shared, in bytes. Compiling less takes a
/// few milliseconds.
const MIN_CODE: usize = 64 << 10;
/// The maximum number of different modules that one component shares. Each one is compiled
/// by itself. CPython has 3.
const MAX_MODULES: usize = 16;
/// How many times as many bytes as the component has may be copied in nested components
/// that change: once for each level.
const MAX_COPIES: usize = 4;

/// A component without its large core modules, which it imports instead.
pub(crate) struct SplitComponent<'a> {
    pub(crate) component: Vec<u8>,
    /// The modules that it imports, as [`ModuleHash::import_name`].
    pub(crate) modules: Vec<(ModuleHash, &'a [u8])>,
    /// Where the modules are in the whole component: the start of each, and its place in
    /// `modules`.
    pub(crate) places: Vec<(usize, usize)>,
}

/// Splits a component that was validated and whose nesting is limited; returns `None` if
/// it has no large module, or passes modules around in a way that no known tool generates.
pub(crate) fn split(component: &[u8]) -> Option<SplitComponent<'_>> {
    let modules = Modules::find(component)?;
    let rest = modules.imported_by(component)?;
    is_valid(&rest).then_some(SplitComponent {
        component: rest,
        places: modules
            .large
            .iter()
            .map(|(start, index)| (*start, *index as usize))
            .collect(),
        modules: modules.shared,
    })
}

/// The core modules in a component.
#[derive(Default)]
struct Modules<'a> {
    /// The different large modules.
    shared: Vec<(ModuleHash, &'a [u8])>,
    /// The place in `shared` of each large module, by the start of its bytes.
    large: HashMap<usize, u32>,
    /// The modules that the outermost component defines: the start of each.
    outermost: Vec<usize>,
    /// The names of exports of core instances that the component uses, and of everything
    /// that its modules import. wasmtime handles each export of an imported module by
    /// its name, and CPython has thousands that no component uses.
    used: HashSet<&'a str>,
    /// The nested components in which something changes: the start and length of each.
    changed: HashMap<usize, usize>,
}

impl<'a> Modules<'a> {
    fn find(component: &'a [u8]) -> Option<Self> {
        let mut modules = Self::default();
        // The start of each module and component being read, outermost first, and whether
        // it is a module.
        let mut open: Vec<(Range<usize>, bool)> = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            let is_outermost = open.is_empty();
            match payload.ok()? {
                Payload::ModuleSection {
                    unchecked_range, ..
                } => {
                    if is_outermost {
                        modules.outermost.push(unchecked_range.start);
                    }
                    open.push((unchecked_range, true));
                }
                Payload::ComponentSection {
                    unchecked_range, ..
                } => open.push((unchecked_range, false)),
                Payload::End(_) => drop(open.pop()),
                Payload::CodeSectionStart { range, .. } if range.len() >= MIN_CODE => {
                    if let Some((module, true)) = open.last() {
                        modules.add(module.start, component.get(module.clone())?);
                        modules.change(&open);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        modules.used.insert(import.ok()?.name);
                    }
                }
                payload => {
                    if let Payload::ComponentAliasSection(section) = &payload {
                        modules.uses(section);
                        if !is_outermost && has_outer_module(section) {
                            modules.change(&open);
                        }
                    }
                    if is_outermost {
                        check_outermost(&payload)?;
                    }
                }
            }
        }
        let copied = modules
            .changed
            .values()
            .fold(0_usize, |sum, length| sum.saturating_add(*length));
        let is_small = copied <= component.len().saturating_mul(MAX_COPIES);
        (!modules.shared.is_empty() && is_small).then_some(modules)
    }

    /// Records the exports of core instances that aliases name.
    fn uses(&mut self, section: &ComponentAliasSectionReader<'a>) {
        for alias in section.clone().into_iter().flatten() {
            if let ComponentAlias::CoreInstanceExport { name, .. } = alias {
                self.used.insert(name);
            }
        }
    }

    /// Records that something changes in the components that are open.
    fn change(&mut self, open: &[(Range<usize>, bool)]) {
        let components = open.iter().filter(|(_, is_module)| !is_module);
        self.changed
            .extend(components.map(|(range, _)| (range.start, range.len())));
    }

    fn add(&mut self, start: usize, module: &'a [u8]) {
        let hash = ModuleHash::of(module);
        let known = self.shared.iter().position(|(known, _)| *known == hash);
        let index = known.unwrap_or(self.shared.len());
        if index < MAX_MODULES {
            self.large.insert(start, index as u32);
            if known.is_none() {
                self.shared.push((hash, module));
            }
        }
    }

    /// Encodes the component with imports of the shared modules.
    fn imported_by(&self, component: &[u8]) -> Option<Vec<u8>> {
        let mut out = Component::new();
        let (mut types, mut imports) = (CoreTypeSection::new(), ComponentImportSection::new());
        for (index, (hash, module)) in self.shared.iter().enumerate() {
            types.ty().module(&module_type(module, &self.used)?);
            imports.import(&*hash.import_name(), ComponentTypeRef::Module(index as u32));
        }
        out.section(&types);
        out.section(&imports);
        let mut writer = Writer {
            modules: self,
            indices: self.new_indices(),
            depth: 0,
        };
        writer
            .parse_component(&mut out, Parser::new(0), component)
            .ok()?;
        Some(out.finish())
    }

    /// Returns the new index of each module of the outermost component: imports come
    /// first.
    fn new_indices(&self) -> Vec<u32> {
        let mut next = self.shared.len() as u32;
        let index = |start: &usize| {
            self.large.get(start).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            })
        };
        self.outermost.iter().map(index).collect()
    }
}

/// Returns `None` if the outermost component has core types, whose indices would change,
/// or core modules that it does not define.
fn check_outermost(payload: &Payload<'_>) -> Option<()> {
    let has_modules = match payload {
        Payload::CoreTypeSection(_) => true,
        Payload::ComponentImportSection(section) => {
            let mut imports = section.clone().into_iter().flatten();
            imports.any(|import| matches!(import.ty, TypeRef::Module(_)))
        }
        Payload::ComponentExportSection(section) => {
            let mut exports = section.clone().into_iter().flatten();
            exports.any(|export| export.kind == ComponentExternalKind::Module)
        }
        Payload::ComponentAliasSection(section) => {
            let mut aliases = section.clone().into_iter().flatten();
            aliases.any(|alias| is_module_alias(&alias))
        }
        Payload::ComponentInstanceSection(section) => {
            let mut instances = section.clone().into_iter().flatten();
            instances.any(|instance| passes_modules(&instance))
        }
        _ => false,
    };
    (!has_modules).then_some(())
}

fn passes_modules(instance: &ComponentInstance<'_>) -> bool {
    let module = ComponentExternalKind::Module;
    match instance {
        ComponentInstance::Instantiate { args, .. } => args.iter().any(|arg| arg.kind == module),
        ComponentInstance::FromExports(exports) => exports.iter().any(|it| it.kind == module),
    }
}

/// Copies a component, except its shared modules. Copies all sections unchanged that
/// contain no index of a module of the outermost component.
struct Writer<'a> {
    modules: &'a Modules<'a>,
    /// The new indices of the outermost component's modules.
    indices: Vec<u32>,
    /// The nesting of the component being written: 0 for the outermost one.
    depth: u32,
}

impl Writer<'_> {
    fn new_index(&self, index: u32) -> u32 {
        self.indices.get(index as usize).copied().unwrap_or(index)
    }
}

impl Reencode for Writer<'_> {
    type Error = Infallible;
}

impl ReencodeComponent for Writer<'_> {
    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }

    fn module_index(&mut self, index: u32) -> u32 {
        match self.depth {
            0 => self.new_index(index),
            _ => index,
        }
    }

    fn outer_module_index(&mut self, count: u32, index: u32) -> u32 {
        match count == self.depth {
            true => self.new_index(index),
            false => index,
        }
    }

    fn parse_component_payload(
        &mut self,
        out: &mut Component,
        payload: Payload<'_>,
        whole: &[u8],
    ) -> Result<(), Error> {
        let is_outermost = self.depth == 0;
        match &payload {
            Payload::ModuleSection {
                unchecked_range, ..
            } => match self.modules.large.get(&unchecked_range.start) {
                Some(_) if is_outermost => {}
                // In the place of the module, so that it has the same index.
                Some(index) => drop(out.section(&outer_module(self.depth, *index))),
                None => copy(out, &payload, whole),
            },
            Payload::InstanceSection(_) if is_outermost => {
                component_utils::parse_component_payload(self, out, payload, whole)?;
            }
            Payload::ComponentAliasSection(section) if has_outer_module(section) => {
                component_utils::parse_component_payload(self, out, payload, whole)?;
            }
            Payload::ComponentSection {
                unchecked_range, ..
            } if self.modules.changed.contains_key(&unchecked_range.start) => {
                component_utils::parse_component_payload(self, out, payload, whole)?;
            }
            _ => copy(out, &payload, whole),
        }
        Ok(())
    }
}

/// Copies a section.
fn copy(out: &mut Component, payload: &Payload<'_>, whole: &[u8]) {
    if let Some((id, range)) = payload.as_section() {
        let data = &whole[range];
        out.section(&RawSection { id, data });
    }
}

/// Makes a module of the outermost component a module of one nested in it.
fn outer_module(depth: u32, index: u32) -> ComponentAliasSection {
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::Outer {
        kind: ComponentOuterAliasKind::CoreModule,
        count: depth,
        index,
    });
    aliases
}

fn has_outer_module(section: &ComponentAliasSectionReader<'_>) -> bool {
    let mut aliases = section.clone().into_iter().flatten();
    aliases.any(|alias| {
        let module = OuterKind::CoreModule;
        matches!(alias, ComponentAlias::Outer { kind, .. } if kind == module)
    })
}

/// Returns whether an alias in the outermost component defines a module: of an instance's
/// export, or of another module of the component itself.
fn is_module_alias(alias: &ComponentAlias<'_>) -> bool {
    match alias {
        ComponentAlias::InstanceExport { kind, .. } => *kind == ComponentExternalKind::Module,
        ComponentAlias::Outer { kind, .. } => *kind == OuterKind::CoreModule,
        ComponentAlias::CoreInstanceExport { .. } => false,
    }
}

fn is_valid(component: &[u8]) -> bool {
    let mut validator = proposals::validator();
    let mut payloads = Parser::new(0).parse_all(component);
    let is_valid =
        || payloads.all(|payload| payload.is_ok_and(|it| validator.payload(&it).is_ok()));
    catch_panic(is_valid).unwrap_or(false)
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;

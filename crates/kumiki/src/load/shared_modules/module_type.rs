//! The type of a core module, as a component that imports the module declares it.

use std::collections::HashSet;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{EntityType, ModuleType};
use wasmparser::{
    CompositeInnerType, ExternalKind, FuncType, GlobalType, MemoryType, Parser, Payload, RecGroup,
    TableType, TypeRef,
};

/// The longest name of an import or export, in bytes. wasmtime copies the name of an
/// export of an imported module for each of its uses.
const MAX_NAME: usize = 256;

/// Returns the type of a valid core module, with those of its exports that have one of
/// the names in `used`; `None` if it has imports or exports of kinds
/// or with names that no known runtime has, or is not a module.
pub(super) fn module_type(module: &[u8], used: &HashSet<&str>) -> Option<ModuleType> {
    let mut contents = Contents::default();
    for payload in Parser::new(0).parse_all(module) {
        contents.add(&payload.ok()?)?;
    }
    contents.exports.retain(|(name, _)| used.contains(name));
    contents.into_type()
}

/// The index spaces of a module, its imports and its exports.
#[derive(Default)]
struct Contents<'a> {
    types: Vec<FuncType>,
    /// The types of functions, as indices of `types`.
    functions: Vec<u32>,
    tables: Vec<TableType>,
    memories: Vec<MemoryType>,
    globals: Vec<GlobalType>,
    imports: Vec<(&'a str, &'a str, TypeRef)>,
    exports: Vec<(&'a str, TypeRef)>,
}

impl<'a> Contents<'a> {
    fn add(&mut self, payload: &Payload<'a>) -> Option<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    self.types.push(function_type(&group.ok()?)?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    let import = import.ok()?;
                    check_name(import.module)?;
                    check_name(import.name)?;
                    self.define(import.ty)?;
                    self.imports.push((import.module, import.name, import.ty));
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section.clone() {
                    self.functions.push(ty.ok()?);
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    self.tables.push(table.ok()?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    self.memories.push(memory.ok()?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    self.globals.push(global.ok()?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section.clone() {
                    let export = export.ok()?;
                    check_name(export.name)?;
                    let ty = self.item(export.kind, export.index as usize)?;
                    self.exports.push((export.name, ty));
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Adds an imported item to its index space.
    fn define(&mut self, item: TypeRef) -> Option<()> {
        match item {
            TypeRef::Func(ty) => self.functions.push(ty),
            TypeRef::Table(ty) => self.tables.push(ty),
            TypeRef::Memory(ty) => self.memories.push(ty),
            TypeRef::Global(ty) => self.globals.push(ty),
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => return None,
        }
        Some(())
    }

    fn item(&self, kind: ExternalKind, index: usize) -> Option<TypeRef> {
        Some(match kind {
            ExternalKind::Func => TypeRef::Func(*self.functions.get(index)?),
            ExternalKind::Table => TypeRef::Table(*self.tables.get(index)?),
            ExternalKind::Memory => TypeRef::Memory(*self.memories.get(index)?),
            ExternalKind::Global => TypeRef::Global(*self.globals.get(index)?),
            ExternalKind::Tag | ExternalKind::FuncExact => return None,
        })
    }

    /// Encodes the type: the function types that imports and exports use, then these.
    fn into_type(self) -> Option<ModuleType> {
        let mut module = ModuleType::new();
        let mut indices = vec![None; self.types.len()];
        let mut entity = |module: &mut ModuleType, item: TypeRef| match item {
            TypeRef::Func(ty) => {
                let index = indices.get_mut(ty as usize)?;
                if index.is_none() {
                    *index = Some(module.type_count());
                    let ty = self.types.get(ty as usize)?;
                    let ty = RoundtripReencoder.func_type(ty.clone()).ok()?;
                    module.ty().func_type(&ty);
                }
                index.map(EntityType::Function)
            }
            item => RoundtripReencoder.entity_type(item).ok(),
        };
        for (from, name, item) in &self.imports {
            let ty = entity(&mut module, *item)?;
            module.import(from, name, ty);
        }
        for (name, item) in &self.exports {
            let ty = entity(&mut module, *item)?;
            module.export(name, ty);
        }
        Some(module)
    }
}

fn check_name(name: &str) -> Option<()> {
    (name.len() <= MAX_NAME).then_some(())
}

/// Returns the function type that is alone in a group. A type that is defined with others,
/// or in relation to others, is not equal to the same type by itself.
fn function_type(group: &RecGroup) -> Option<FuncType> {
    let mut types = group.types();
    let (Some(ty), None) = (types.next(), types.next()) else {
        return None;
    };
    let is_plain = !group.is_explicit_rec_group()
        && ty.is_final
        && ty.supertype_idx.is_none()
        && !ty.composite_type.shared;
    match &ty.composite_type.inner {
        CompositeInnerType::Func(ty) if is_plain => Some(ty.clone()),
        _ => None,
    }
}

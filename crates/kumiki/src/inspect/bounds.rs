//! What a component may be made of, so that inspecting, checking and compiling
//! it ends. Found in one pass over its structure, before anything that takes longer than
//! the file is long. The bounds lie well above what languages make: the largest
//! known, CPython, has 13,500 functions, one of 417 KiB, nested 2 deep.
//!
//! What its parts come to when it is compiled is counted later, in `weight.rs`.

use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, Element, ElementItems, ElementKind, FunctionBody,
    Parser, Payload, RecGroup, TypeSectionReader,
};

use super::type_section;
use crate::{Error, Result};

/// Components and modules within each other: validating takes time by the
/// square of it.
const NESTING: usize = 100;
/// Functions of all core modules together: 30 µs and 6 KiB each.
const FUNCTIONS: usize = 100_000;
/// Imports and exports of all modules and components together: each becomes
/// a text of its own.
const NAMES: usize = 100_000;
/// Types of all core modules together: 100 µs and 5 KiB each.
const TYPES: usize = 50_000;
/// Types of all components together with their fields, cases, parameters and
/// declarations: 2 µs and 300 bytes each.
const TYPE_PARTS: usize = 250_000;
/// Component types within each other: reading one takes stack for each.
const TYPE_NESTING: usize = 100;
/// Aliases, instances, and functions lifted and lowered, of all components
/// together: 1 µs and 200 bytes each.
const ITEMS: usize = 250_000;
/// Bytes of one function: compiling takes some 500 times as much memory.
const FUNCTION_BYTES: usize = 1 << 20;
/// Local variables of all functions together: ten bytes declare 50,000, and
/// each costs the compiler 150 ns.
const LOCALS: usize = 10_000_000;
/// Bytes of the code of all core modules together: StarlingMonkey has 9 MiB.
const CODE_BYTES: usize = 64 << 20;
/// Parameters and results of one function or block. Each instruction that names
/// such a type costs the validator 13 ns for each of them, and the compiler memory.
/// CPython has 18 parameters; no compiler of plugins makes two results.
const PARAMETERS: usize = 100;
const RESULTS: usize = 16;
/// Elements of all segments together: up to 700 bytes of memory each while they
/// are compiled. StarlingMonkey has 7,700.
const ELEMENTS: usize = 200_000;
/// Bytes of one constant expression; those of plugins have up to 11.
const EXPRESSION_BYTES: usize = 1000;
/// Globals of all core modules together; CPython has 874.
const GLOBALS: usize = 20_000;

/// Refuses a component beyond the bounds. What is not valid is let through: the
/// validator says it better.
pub(crate) fn check(plugin: &str, component: &[u8]) -> Result<()> {
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        found.add(plugin, component, &payload)?;
    }
    Ok(())
}

#[derive(Default)]
struct Found {
    nesting: usize,
    names: usize,
    types: usize,
    type_parts: usize,
    items: usize,
    functions: usize,
    locals: usize,
    code: usize,
    elements: usize,
    globals: usize,
}

impl Found {
    fn add(&mut self, plugin: &str, component: &[u8], payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.nesting += 1,
            Payload::End(_) => self.nesting = self.nesting.saturating_sub(1),
            Payload::ImportSection(section) => self.names += section.count() as usize,
            Payload::ExportSection(section) => self.names += section.count() as usize,
            Payload::ComponentImportSection(section) => self.names += section.count() as usize,
            Payload::ComponentExportSection(section) => self.names += section.count() as usize,
            Payload::TypeSection(section) => {
                self.types += section.count() as usize;
                signatures(plugin, section)?;
            }
            Payload::GlobalSection(section) => {
                self.globals += section.count() as usize;
                for global in section.clone().into_iter().flatten() {
                    expression(plugin, &global.init_expr)?;
                }
            }
            Payload::ElementSection(section) => {
                for element in section.clone().into_iter().flatten() {
                    self.elements = self.elements.saturating_add(elements(plugin, &element)?);
                    within(plugin, "elements", self.elements, ELEMENTS)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section.clone().into_iter().flatten() {
                    if let DataKind::Active { offset_expr, .. } = &data.kind {
                        expression(plugin, offset_expr)?;
                    }
                }
            }
            Payload::ComponentTypeSection(section) => {
                let section = component.get(section.range()).unwrap_or_default();
                let shape = type_section::read(section, TYPE_NESTING);
                within(plugin, "types within each other", shape.depth, TYPE_NESTING)?;
                self.type_parts = self.type_parts.saturating_add(shape.parts);
            }
            Payload::CoreTypeSection(section) => self.type_parts += section.count() as usize,
            Payload::ComponentAliasSection(section) => self.items += section.count() as usize,
            Payload::ComponentInstanceSection(section) => self.items += section.count() as usize,
            Payload::ComponentCanonicalSection(section) => self.items += section.count() as usize,
            Payload::InstanceSection(section) => self.items += section.count() as usize,
            Payload::CodeSectionStart { count, range, .. } => {
                self.functions += *count as usize;
                self.code = self.code.saturating_add(range.len());
            }
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len();
                within(plugin, "bytes in one function", bytes, FUNCTION_BYTES)?;
                self.locals = self.locals.saturating_add(locals_of(body));
            }
            _ => return Ok(()),
        }
        let Self {
            nesting,
            names,
            types,
            type_parts,
            items,
            functions,
            locals,
            code,
            elements: _,
            globals,
        } = *self;
        within(plugin, "components within each other", nesting, NESTING)?;
        within(plugin, "imports and exports", names, NAMES)?;
        within(plugin, "types", types, TYPES)?;
        within(plugin, "parts of component types", type_parts, TYPE_PARTS)?;
        within(plugin, "aliases, instances and adapters", items, ITEMS)?;
        within(plugin, "functions", functions, FUNCTIONS)?;
        within(plugin, "bytes of code", code, CODE_BYTES)?;
        within(plugin, "globals", globals, GLOBALS)?;
        within(plugin, "local variables", locals, LOCALS)
    }
}

pub(crate) fn within(plugin: &str, what: &'static str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    Err(Error::TooLarge {
        plugin: plugin.into(),
        what,
        found,
        most,
    })
}

/// Bounds the types of functions, which are those of blocks, too.
fn signatures(plugin: &str, section: &TypeSectionReader<'_>) -> Result<()> {
    let groups = section.clone().into_iter().flatten();
    for ty in groups.flat_map(RecGroup::into_types) {
        if let CompositeInnerType::Func(function) = &ty.composite_type.inner {
            let parameters = function.params().len();
            within(plugin, "parameters of one function", parameters, PARAMETERS)?;
            let results = function.results().len();
            within(plugin, "results of one function", results, RESULTS)?;
        }
    }
    Ok(())
}

/// How many elements a segment has, if its expressions are within their bound.
fn elements(plugin: &str, element: &Element<'_>) -> Result<usize> {
    if let ElementKind::Active { offset_expr, .. } = &element.kind {
        expression(plugin, offset_expr)?;
    }
    let count = match &element.items {
        ElementItems::Functions(items) => items.count(),
        ElementItems::Expressions(_, items) => {
            within(plugin, "elements", items.count() as usize, ELEMENTS)?;
            for item in items.clone().into_iter().flatten() {
                expression(plugin, &item)?;
            }
            items.count()
        }
    };
    Ok(count as usize)
}

fn expression(plugin: &str, expression: &ConstExpr<'_>) -> Result<()> {
    let bytes = expression.get_binary_reader().range().len();
    within(
        plugin,
        "bytes in one constant expression",
        bytes,
        EXPRESSION_BYTES,
    )
}

fn locals_of(body: &FunctionBody<'_>) -> usize {
    let declared = body.get_locals_reader().into_iter().flatten().flatten();
    declared.map(|(count, _)| count as usize).sum()
}

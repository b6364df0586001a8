//! Limits on a component's structure, so that inspecting, checking and compiling it end
//! in bounded time. One pass over the structure checks them, before any step whose time
//! is not linear in the file's size. The limits are well above what compilers produce:
//! the largest known component, CPython, has 13,500 functions, one of 417 KiB, and a
//! nesting of 2.
//!
//! The size of its parts once expanded by the compiler is counted later, in `expansion/`.

use wasmparser::{
    ComponentInstance, ConstExpr, CoreType, DataKind, DataSectionReader, ElementItems, ElementKind,
    ElementSectionReader, FunctionBody, GlobalSectionReader, Operator, Parser, Payload, TableInit,
    TableSectionReader,
};

use super::code::Code;
use super::type_section;
use super::within::within;
use crate::Result;

/// Nested components and modules: validation time is quadratic in it.
const NESTING: usize = 100;
/// Functions of all core modules together: 30 µs and 6 KiB each.
const FUNCTIONS: usize = 100_000;
/// Imports and exports of all modules and components together: each becomes a separate
/// string.
const NAMES: usize = 100_000;
/// Bytes in the name of an import, export, field or case of a component: names are
/// copied for each instance. WASI's names have fewer than 100.
const NAME: usize = 256;
/// [`NAME`] in errors.
const NAME_BYTES: &str = "bytes in a name";
/// Types of all core modules together: 100 µs and 5 KiB each.
const TYPES: usize = 50_000;
/// Types of all components together with their fields, cases, parameters and
/// declarations: 2 µs and 300 bytes each.
const TYPE_PARTS: usize = 250_000;
/// [`TYPE_PARTS`] in errors.
const TYPE_PART: &str = "parts of component types";
/// Nested component types: reading one needs stack for each level.
const TYPE_NESTING: usize = 100;
/// Aliases, instances, and functions lifted and lowered, of all components
/// together: 1 µs and 200 bytes each.
const ITEMS: usize = 250_000;
/// Bytes of one function: compiling it needs about 500 times as much memory.
const FUNCTION_BYTES: usize = 1 << 20;
/// Local variables of all functions together: ten bytes declare 50,000, and
/// each costs the compiler 150 ns.
const LOCALS: usize = 10_000_000;
/// Bytes of code of all core modules together: StarlingMonkey has 9 MiB.
const CODE_BYTES: usize = 64 << 20;
/// Core modules and components: 10 µs and 4 KiB each.
const PARTS: usize = 10_000;
/// Globals of all core modules together, without imported ones; CPython has 874.
const GLOBALS: usize = 20_000;
/// Elements of all segments together: up to 700 bytes of memory each during
/// compilation. StarlingMonkey has 7,700.
const ELEMENTS: usize = 200_000;
/// Data segments of all core modules together.
const SEGMENTS: usize = 200_000;
/// Instructions of all constant expressions together, without the first of each:
/// the value of a global, the offset of a segment, an item of a table.
const CONSTANT: usize = 50_000;

/// Refuses a component that exceeds a limit. Accepts invalid components: the validator
/// reports them with a better error.
pub(crate) fn check(plugin: &str, component: &[u8]) -> Result<()> {
    let mut counts = Counts::default();
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        counts.add(plugin, component, &payload)?;
    }
    Ok(())
}

/// The counts of the parts read so far; `nesting` is the current depth.
#[derive(Default)]
struct Counts {
    nesting: usize,
    names: usize,
    types: usize,
    type_parts: usize,
    items: usize,
    functions: usize,
    locals: usize,
    code_bytes: usize,
    parts: usize,
    globals: usize,
    elements: usize,
    segments: usize,
    constant: usize,
    code: Code,
}

impl Counts {
    fn add(&mut self, plugin: &str, component: &[u8], payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.nesting += 1;
                self.parts += 1;
                self.code.begin_module();
            }
            Payload::End(_) => self.nesting = self.nesting.saturating_sub(1),
            Payload::ImportSection(section) => {
                self.names += section.count() as usize;
                within(plugin, "imports and exports", self.names, NAMES)?;
                self.code.imports(section);
            }
            Payload::FunctionSection(section) => {
                self.functions += section.count() as usize;
                within(plugin, "functions", self.functions, FUNCTIONS)?;
                self.code.functions(section);
            }
            Payload::TableSection(section) => self.tables(plugin, section)?,
            Payload::GlobalSection(section) => self.globals(plugin, section)?,
            Payload::ElementSection(section) => self.elements(plugin, section)?,
            Payload::DataSection(section) => self.data(plugin, section)?,
            Payload::ExportSection(section) => self.names += section.count() as usize,
            Payload::ComponentImportSection(section) => {
                self.names += section.count() as usize;
                let names = section.clone().into_iter().flatten();
                check_names(plugin, names.map(|import| import.name.name.len()))?;
            }
            Payload::ComponentExportSection(section) => {
                self.names += section.count() as usize;
                let names = section.clone().into_iter().flatten();
                check_names(plugin, names.map(|export| export.name.name.len()))?;
            }
            Payload::TypeSection(section) => {
                self.types += section.count() as usize;
                within(plugin, "types", self.types, TYPES)?;
                self.code.types(plugin, section)?;
            }
            Payload::ComponentTypeSection(section) => {
                let section = component.get(section.range()).unwrap_or_default();
                let shape = type_section::read(section, TYPE_NESTING);
                within(plugin, "levels of nested types", shape.depth, TYPE_NESTING)?;
                within(plugin, NAME_BYTES, shape.longest_name, NAME)?;
                self.type_parts = self.type_parts.saturating_add(shape.parts);
            }
            Payload::CoreTypeSection(section) => {
                for ty in section.clone().into_iter().flatten() {
                    self.type_parts += match ty {
                        CoreType::Module(declarations) => 1 + declarations.len(),
                        CoreType::Rec(_) => 1,
                    };
                    within(plugin, TYPE_PART, self.type_parts, TYPE_PARTS)?;
                }
            }
            Payload::ComponentAliasSection(section) => self.items += section.count() as usize,
            Payload::ComponentInstanceSection(section) => {
                self.items += section.count() as usize;
                for instance in section.clone().into_iter().flatten() {
                    if let ComponentInstance::FromExports(exports) = instance {
                        check_names(plugin, exports.iter().map(|export| export.name.name.len()))?;
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => self.items += section.count() as usize,
            Payload::InstanceSection(section) => self.items += section.count() as usize,
            Payload::CodeSectionStart { range, .. } => {
                self.code_bytes = self.code_bytes.saturating_add(range.len());
            }
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len();
                within(plugin, "bytes in one function", bytes, FUNCTION_BYTES)?;
                let locals = locals_of(body);
                self.locals = self.locals.saturating_add(locals);
                self.code.body(plugin, body, locals)?;
            }
            _ => return Ok(()),
        }
        let Self {
            nesting,
            names,
            type_parts,
            items,
            locals,
            code_bytes,
            parts,
            ..
        } = *self;
        within(plugin, "levels of nested components", nesting, NESTING)?;
        within(plugin, "imports and exports", names, NAMES)?;
        within(plugin, TYPE_PART, type_parts, TYPE_PARTS)?;
        within(plugin, "aliases, instances and adapters", items, ITEMS)?;
        within(plugin, "bytes of code", code_bytes, CODE_BYTES)?;
        within(plugin, "local variables", locals, LOCALS)?;
        within(plugin, "modules and components", parts, PARTS)
    }

    fn tables(&mut self, plugin: &str, section: &TableSectionReader<'_>) -> Result<()> {
        for table in section.clone().into_iter().flatten() {
            if let TableInit::Expr(value) = table.init {
                self.constant(plugin, &value)?;
            }
        }
        Ok(())
    }

    fn globals(&mut self, plugin: &str, section: &GlobalSectionReader<'_>) -> Result<()> {
        self.globals += section.count() as usize;
        within(plugin, "globals", self.globals, GLOBALS)?;
        for global in section.clone().into_iter().flatten() {
            self.constant(plugin, &global.init_expr)?;
        }
        Ok(())
    }

    fn elements(&mut self, plugin: &str, section: &ElementSectionReader<'_>) -> Result<()> {
        for element in section.clone().into_iter().flatten() {
            let items = match &element.items {
                ElementItems::Functions(items) => items.count(),
                ElementItems::Expressions(_, items) => items.count(),
            };
            self.elements = self.elements.saturating_add(items as usize);
            within(plugin, "elements", self.elements, ELEMENTS)?;
            if let ElementKind::Active { offset_expr, .. } = &element.kind {
                self.constant(plugin, offset_expr)?;
            }
            if let ElementItems::Expressions(_, items) = element.items {
                for item in items.into_iter().flatten() {
                    self.constant(plugin, &item)?;
                }
            }
        }
        Ok(())
    }

    fn data(&mut self, plugin: &str, section: &DataSectionReader<'_>) -> Result<()> {
        self.segments += section.count() as usize;
        within(plugin, "data segments", self.segments, SEGMENTS)?;
        for segment in section.clone().into_iter().flatten() {
            if let DataKind::Active { offset_expr, .. } = segment.kind {
                self.constant(plugin, &offset_expr)?;
            }
        }
        Ok(())
    }

    /// Counts the instructions of a constant expression after its first.
    fn constant(&mut self, plugin: &str, expression: &ConstExpr<'_>) -> Result<()> {
        self.constant = self.constant.saturating_add(extra_instructions(expression));
        let what = "instructions in constant expressions";
        within(plugin, what, self.constant, CONSTANT)
    }
}

/// Refuses names of these lengths if the longest is too long.
fn check_names(plugin: &str, lengths: impl Iterator<Item = usize>) -> Result<()> {
    let longest = lengths.max().unwrap_or_default();
    within(plugin, NAME_BYTES, longest, NAME)
}

/// Returns the number of instructions of a constant expression after its first. Counting
/// stops above the limit.
pub(crate) fn extra_instructions(expression: &ConstExpr<'_>) -> usize {
    let operators = expression.get_operators_reader().into_iter().flatten();
    let operators = operators.take_while(|operator| !matches!(operator, Operator::End));
    operators.skip(1).take(CONSTANT + 1).count()
}

fn locals_of(body: &FunctionBody<'_>) -> usize {
    let declared = body.get_locals_reader().into_iter().flatten().flatten();
    declared.map(|(count, _)| count as usize).sum()
}

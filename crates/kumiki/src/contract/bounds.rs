//! What a component may be made of, so that inspecting, checking and compiling
//! it ends. Found in one pass over its structure, before anything that takes longer than
//! the file is long. The bounds lie well above what languages make: the largest
//! known, CPython, has 13,500 functions, one of 417 KiB, nested 2 deep.

use wasmparser::{FunctionBody, Parser, Payload};

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
/// Bytes of one function: compiling takes some 500 times as much memory.
const FUNCTION_BYTES: usize = 1 << 20;
/// Local variables of all functions together: ten bytes declare 50,000, and
/// each costs the compiler 150 ns.
const LOCALS: usize = 10_000_000;

/// Refuses a component beyond the bounds. What is not valid is let through: the
/// validator says it better.
pub(crate) fn check(plugin: &str, component: &[u8]) -> Result<()> {
    let (mut depth, mut names) = (0_usize, 0_usize);
    let (mut types, mut functions, mut locals) = (0_usize, 0_usize, 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ImportSection(section) => names += section.count() as usize,
            Payload::ExportSection(section) => names += section.count() as usize,
            Payload::ComponentImportSection(section) => names += section.count() as usize,
            Payload::ComponentExportSection(section) => names += section.count() as usize,
            Payload::TypeSection(section) => types += section.count() as usize,
            Payload::CodeSectionStart { count, .. } => functions += count as usize,
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len();
                within(plugin, "bytes in one function", bytes, FUNCTION_BYTES)?;
                locals = locals.saturating_add(locals_of(&body));
            }
            _ => continue,
        }
        within(plugin, "components within each other", depth, NESTING)?;
        within(plugin, "imports and exports", names, NAMES)?;
        within(plugin, "types", types, TYPES)?;
        within(plugin, "functions", functions, FUNCTIONS)?;
        within(plugin, "local variables", locals, LOCALS)?;
    }
    Ok(())
}

fn within(plugin: &str, what: &'static str, found: usize, most: usize) -> Result<()> {
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

fn locals_of(body: &FunctionBody<'_>) -> usize {
    let declared = body.get_locals_reader().into_iter().flatten().flatten();
    declared.map(|(count, _)| count as usize).sum()
}

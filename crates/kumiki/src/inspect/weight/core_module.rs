//! What one instance of a core module takes of the host's memory.

use wasmparser::{ElementItems, FromReader, Payload, SectionLimited};

use crate::inspect::bounds::extra_instructions;

/// Bytes that wasmtime keeps for one core instance, and for what it has, about.
const INSTANCE: usize = 512;
const IMPORT: usize = 40;
const FUNCTION: usize = 40;
const GLOBAL: usize = 16;
const TABLE: usize = 64;
const MEMORY: usize = 64;
const ELEMENT: usize = 8;
const SEGMENT: usize = 16;

/// What one instance of a core module comes to.
#[derive(Clone, Copy, Default)]
pub(super) struct Module {
    pub(super) imports: usize,
    functions: usize,
    /// Functions that others may get hold of; some count more than once.
    handed_out: usize,
    /// Bytes of all else that the host keeps for it.
    others: usize,
    /// Bytes of its data segments.
    pub(super) data: usize,
}

impl Module {
    /// Counts a section.
    pub(super) fn add(&mut self, payload: &Payload<'_>) {
        let mut other = |count: usize, bytes: usize| {
            self.others = self.others.saturating_add(count.saturating_mul(bytes));
        };
        match payload {
            Payload::ImportSection(section) => self.imports += section.count() as usize,
            Payload::FunctionSection(section) => self.functions += section.count() as usize,
            Payload::ExportSection(section) => self.handed_out += section.count() as usize,
            Payload::TableSection(section) => other(section.count() as usize, TABLE),
            Payload::MemorySection(section) => other(section.count() as usize, MEMORY),
            Payload::GlobalSection(section) => {
                // Its value may be a function.
                self.handed_out += section.count() as usize;
                let extra = read(section).map(|global| extra_instructions(&global.init_expr));
                let extra = extra.fold(0, usize::saturating_add);
                other((section.count() as usize).saturating_add(extra), GLOBAL);
            }
            Payload::ElementSection(section) => {
                for element in read(section) {
                    let items = match element.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    self.handed_out += items as usize;
                    other(items as usize, ELEMENT);
                }
            }
            Payload::DataSection(section) => {
                other(section.count() as usize, SEGMENT);
                for segment in read(section) {
                    self.data = self.data.saturating_add(segment.data.len());
                }
            }
            _ => {}
        }
    }

    /// Bytes that the host keeps for an instance of it, about.
    pub(super) fn setup(&self) -> usize {
        let functions = self.functions.min(self.handed_out).saturating_mul(FUNCTION);
        let imports = self.imports.saturating_mul(IMPORT);
        [functions, imports, self.others]
            .into_iter()
            .fold(INSTANCE, usize::saturating_add)
    }
}

/// What a section that is valid holds.
pub(super) fn read<'a, T: FromReader<'a>>(
    section: &SectionLimited<'a, T>,
) -> impl Iterator<Item = T> {
    section.clone().into_iter().flatten()
}

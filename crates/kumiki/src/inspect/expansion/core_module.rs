//! The host memory that one instance of a core module needs.

use wasmparser::{ElementItems, FromReader, Payload, SectionLimited};

use super::InstanceSize;
use crate::inspect::bounds::extra_instructions;

/// The approximate number of bytes that wasmtime keeps for one core instance, and for
/// each of its items.
const INSTANCE: usize = 512;
const IMPORT: usize = 40;
const FUNCTION: usize = 40;
const GLOBAL: usize = 16;
const TABLE: usize = 64;
const MEMORY: usize = 64;
const ELEMENT: usize = 8;
const SEGMENT: usize = 16;

/// The counts of a core module that determine the size of its instances.
#[derive(Clone, Copy, Default)]
pub(super) struct CoreModule {
    pub(super) imports: usize,
    /// Memories that it defines.
    memories: usize,
    /// Tables that it defines.
    tables: usize,
    functions: usize,
    /// References that expose functions: exports, globals and elements. A function may
    /// count more than once.
    references: usize,
    /// Bytes that the host keeps for all other items.
    other_bytes: usize,
    /// Bytes of its data segments.
    pub(super) data: usize,
}

impl CoreModule {
    /// Counts a section.
    pub(super) fn add(&mut self, payload: &Payload<'_>) {
        let mut other = |count: usize, bytes: usize| {
            self.other_bytes = self.other_bytes.saturating_add(count.saturating_mul(bytes));
        };
        match payload {
            Payload::ImportSection(section) => self.imports += section.count() as usize,
            Payload::FunctionSection(section) => self.functions += section.count() as usize,
            Payload::ExportSection(section) => self.references += section.count() as usize,
            Payload::TableSection(section) => {
                self.tables += section.count() as usize;
                other(section.count() as usize, TABLE);
            }
            Payload::MemorySection(section) => {
                self.memories += section.count() as usize;
                other(section.count() as usize, MEMORY);
            }
            Payload::GlobalSection(section) => {
                // Its value may be a function.
                self.references += section.count() as usize;
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
                    self.references += items as usize;
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

    /// Returns the size of an instance of the module.
    pub(super) fn instance_size(&self) -> InstanceSize {
        let functions = self.functions.min(self.references).saturating_mul(FUNCTION);
        let imports = self.imports.saturating_mul(IMPORT);
        let host_bytes = [functions, imports, self.other_bytes]
            .into_iter()
            .fold(INSTANCE, usize::saturating_add);
        InstanceSize {
            host_bytes,
            memories: self.memories,
            tables: self.tables,
        }
    }
}

/// Returns the items of a valid section.
pub(super) fn read<'a, T: FromReader<'a>>(
    section: &SectionLimited<'a, T>,
) -> impl Iterator<Item = T> {
    section.clone().into_iter().flatten()
}

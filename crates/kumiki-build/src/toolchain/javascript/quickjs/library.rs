//! A library of QuickJS that runs by itself, outside of a component.

use wasmi::{
    Error, Func, Global, Instance, Linker, Memory, MemoryType, Module, Mutability, Nullable,
    RefType, Store, StoreLimits, Table, TableType, Val,
};
use wasmparser::{Dylink0Subsection, KnownCustom, MemInfo, Parser, Payload};

use super::link::ADDRESS;
use super::machine::machine;

const PAGE: u32 = 64 << 10;

/// The first entry of the table is empty.
const TABLE: u32 = 1;

pub(super) struct Library {
    pub(super) store: Store<StoreLimits>,
    pub(super) memory: Memory,
    pub(super) instance: Instance,
}

impl Library {
    pub(super) fn start(bytes: &[u8]) -> Result<Self, Error> {
        let needs = needs(bytes)?;
        let (engine, mut store) = machine()?;
        let module = Module::new(&engine, bytes)?;
        let pages = end(&needs).div_ceil(PAGE);
        let memory = Memory::new(&mut store, MemoryType::new(pages, None))?;
        let table = TableType::new(RefType::Func, TABLE + needs.table_size, None);
        let table = Table::new(&mut store, table, Nullable::<Func>::Null.into())?;
        let mut linker = Linker::new(&engine);
        for (name, value, mutability) in [
            ("__stack_pointer", ADDRESS, Mutability::Var),
            ("__memory_base", ADDRESS, Mutability::Const),
            ("__table_base", TABLE, Mutability::Const),
        ] {
            let global = Global::new(&mut store, Val::I32(value.cast_signed()), mutability);
            linker.define("env", name, global)?;
        }
        linker.define("env", "memory", memory)?;
        linker.define("env", "__indirect_function_table", table)?;
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        Ok(Self {
            store,
            memory,
            instance,
        })
    }
}

/// Starts a library, calls functions of it that take and return nothing, and returns its
/// part of the memory, which begins at [`ADDRESS`].
///
/// # Errors
/// Returns why it cannot start or complete, also if it needs more memory than it declares.
pub fn prepared_memory(library: &[u8], functions: &[&str]) -> Result<Vec<u8>, String> {
    try_prepare(library, functions).map_err(|error| error.to_string())
}

fn try_prepare(bytes: &[u8], functions: &[&str]) -> Result<Vec<u8>, Error> {
    let mut library = Library::start(bytes)?;
    let pages = library.memory.size(&library.store);
    for name in functions {
        let function = library
            .instance
            .get_typed_func::<(), ()>(&library.store, name)?;
        function
            .call(&mut library.store, ())
            .map_err(|error| Error::new(format!("{name}: {error}")))?;
    }
    if library.memory.size(&library.store) != pages {
        return Err(Error::new("it needs more memory than it declares"));
    }
    let memory = library.memory.data(&library.store);
    Ok(memory[ADDRESS as usize..end(&needs(bytes)?) as usize].to_vec())
}

/// Where the memory ends that a library declares.
fn end(needs: &MemInfo) -> u32 {
    ADDRESS + needs.memory_size
}

/// The memory and table entries that a library declares.
fn needs(library: &[u8]) -> Result<MemInfo, Error> {
    for payload in Parser::new(0).parse_all(library).flatten() {
        if let Payload::CustomSection(section) = payload
            && let KnownCustom::Dylink0(parts) = section.as_known()
        {
            for part in parts.into_iter().flatten() {
                if let Dylink0Subsection::MemInfo(info) = part {
                    return Ok(info);
                }
            }
        }
    }
    Err(Error::new("it is not a library"))
}

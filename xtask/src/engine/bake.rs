//! Runs the preparation of the runtime once, when it is built: the result has the memory
//! that is left by it as its data, so that an instance starts with a context. It also
//! needs no code any more that adjusts addresses, because the library is always at the
//! same address.

use std::borrow::Cow;

use anyhow::{Context as _, Result, anyhow, ensure};
use wasm_encoder::{ConstExpr, DataSection, ExportSection, Module as Encoder, RawSection};
use wasmi::{
    Engine, Func, Global, Linker, Memory, MemoryType, Module, Mutability, Nullable, RefType, Store,
    Table, TableType, Val,
};
use wasmparser::{Dylink0Subsection, KnownCustom, MemInfo, Parser, Payload};

/// Where `kumiki build` places the library.
const ADDRESS: u32 = kumiki_build::QUICKJS_ADDRESS;
/// The first entry of the table is empty.
const TABLE: u32 = 1;
const PAGE: u32 = 64 << 10;

/// What is called before the memory is taken, and is not needed any more.
const PREPARATION: [&str; 3] = ["__wasm_apply_data_relocs", "_initialize", "kumiki_prepare"];

/// Zero bytes in the middle of data that are worth another segment.
const GAP: usize = 24;

pub(super) fn bake(library: &[u8]) -> Result<Vec<u8>> {
    let needs = needs(library)?;
    let memory = prepared(library, &needs)?;
    with_data(library, &memory)
}

fn needs(library: &[u8]) -> Result<MemInfo> {
    for payload in Parser::new(0).parse_all(library) {
        if let Payload::CustomSection(section) = payload?
            && let KnownCustom::Dylink0(parts) = section.as_known()
        {
            for part in parts {
                if let Dylink0Subsection::MemInfo(info) = part? {
                    return Ok(info);
                }
            }
        }
    }
    Err(anyhow!("not a library"))
}

/// The memory of the library after its preparation.
fn prepared(library: &[u8], needs: &MemInfo) -> Result<Vec<u8>> {
    let engine = Engine::default();
    let module = Module::new(&engine, library)?;
    let mut store = Store::new(&engine, ());
    let end = ADDRESS + needs.memory_size;
    let memory = Memory::new(&mut store, MemoryType::new(end.div_ceil(PAGE), None))?;
    let pages = memory.size(&store);
    let table = TableType::new(RefType::Func, TABLE + needs.table_size, None);
    let table = Table::new(&mut store, table, Nullable::<Func>::Null.into())?;
    let mut linker = Linker::new(&engine);
    for (name, value, mutability) in [
        ("__stack_pointer", ADDRESS, Mutability::Var),
        ("__memory_base", ADDRESS, Mutability::Const),
        ("__table_base", TABLE, Mutability::Const),
    ] {
        let value = Val::I32(i32::try_from(value)?);
        let global = Global::new(&mut store, value, mutability);
        linker.define("env", name, global)?;
    }
    linker.define("env", "memory", memory)?;
    linker.define("env", "__indirect_function_table", table)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    for name in PREPARATION {
        let function = instance.get_typed_func::<(), ()>(&store, name)?;
        function.call(&mut store, ()).with_context(|| name)?;
    }
    ensure!(
        memory.size(&store) == pages,
        "the preparation needs more memory than `FIRST_REGION` in memory.c has"
    );
    let all = memory.data(&store);
    Ok(all[ADDRESS as usize..end as usize].to_vec())
}

/// The library with these bytes as its data, and without its preparation.
fn with_data(library: &[u8], memory: &[u8]) -> Result<Vec<u8>> {
    let segments = segments(memory);
    let mut encoder = Encoder::new();
    for payload in Parser::new(0).parse_all(library) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        match payload {
            // It fills with zeros what has data now.
            Payload::StartSection { .. } | Payload::DataCountSection { .. } => {}
            Payload::ExportSection(exports) => {
                let mut kept = ExportSection::new();
                for export in exports {
                    let export = export?;
                    if !PREPARATION.contains(&export.name) {
                        kept.export(export.name, export.kind.into(), export.index);
                    }
                }
                encoder.section(&kept);
            }
            Payload::DataSection(_) => {
                let mut data = DataSection::new();
                for (start, bytes) in &segments {
                    let address = ADDRESS + u32::try_from(*start)?;
                    let address = ConstExpr::i32_const(i32::try_from(address)?);
                    data.active(0, &address, bytes.iter().copied());
                }
                encoder.section(&data);
            }
            _ => {
                let data = Cow::Borrowed(&library[range]);
                encoder.section(&RawSection { id, data: &data });
            }
        }
    }
    Ok(encoder.finish())
}

/// The parts that are not zero.
fn segments(memory: &[u8]) -> Vec<(usize, &[u8])> {
    let mut segments = Vec::new();
    let mut at = 0;
    while let Some(skipped) = memory[at..].iter().position(|byte| *byte != 0) {
        let start = at + skipped;
        let mut end = start;
        let mut zeros = 0;
        for (index, byte) in memory.iter().enumerate().skip(start) {
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            if *byte != 0 {
                end = index + 1;
            }
            if zeros == GAP {
                break;
            }
        }
        segments.push((start, &memory[start..end]));
        at = end;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_have_all_bytes_that_are_not_zero() {
        let mut memory = vec![0; 200];
        for (index, byte) in [(3, 1), (10, 2), (60, 3), (199, 4)] {
            memory[index] = byte;
        }
        let found = segments(&memory);
        let places: Vec<_> = found
            .iter()
            .map(|(start, bytes)| (*start, bytes.len()))
            .collect();
        assert_eq!(places, [(3, 8), (60, 1), (199, 1)]);
        assert!(segments(&[0; 9]).is_empty());
    }
}

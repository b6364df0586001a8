//! Runs the preparation of the runtime once, when it is built: the result has the memory
//! that is left by it as its data, so that an instance starts with a context. It also
//! needs no code any more that adjusts addresses, because the library is always at the
//! same address.

use std::borrow::Cow;

use anyhow::{Result, anyhow};
use wasm_encoder::{ConstExpr, DataSection, ExportSection, Module as Encoder, RawSection};
use wasmparser::{Parser, Payload};

/// Where `kumiki build` places the library.
const ADDRESS: u32 = kumiki_build::QUICKJS_ADDRESS;
/// What is called before the memory is taken, and is not needed any more.
const PREPARATION: [&str; 3] = ["__wasm_apply_data_relocs", "_initialize", "kumiki_prepare"];

/// Zero bytes in the middle of data that are worth another segment.
const GAP: usize = 24;

/// # Errors
/// Returns why the preparation failed. If it needs more memory, `FIRST_REGION` in memory.c
/// is too small.
pub(super) fn bake(library: &[u8]) -> Result<Vec<u8>> {
    let memory = kumiki_build::prepared_memory(library, &PREPARATION);
    with_data(library, &memory.map_err(|error| anyhow!(error))?)
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

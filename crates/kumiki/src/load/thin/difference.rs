//! Describes a whole component by what is left of it after a split.

use std::collections::HashMap;

use super::recipe::Part;
use crate::load::shared_modules::SplitComponent;

/// The bytes that must be equal for a copy: less would not be smaller than itself.
const BLOCK: usize = 32;

/// The parts of a component: its shared modules, what the split component has as well,
/// and the few bytes in which they differ.
pub(super) fn parts<'a>(component: &'a [u8], split: &SplitComponent<'_>) -> Vec<Part<'a>> {
    let mut modules: Vec<_> = split
        .places
        .iter()
        .filter_map(|(start, index)| {
            let (hash, module) = split.modules.get(*index)?;
            Some((*start, module.len(), *hash))
        })
        .collect();
    modules.sort_unstable_by_key(|(start, ..)| *start);
    let blocks = Blocks::of(&split.component);
    let (mut parts, mut at) = (Vec::new(), 0);
    for (start, length, hash) in modules {
        blocks.describe(&component[at..start], &mut parts);
        parts.push(Part::Module(hash));
        at = start + length;
    }
    blocks.describe(&component[at..], &mut parts);
    parts
}

/// The places of the blocks of some bytes.
struct Blocks<'a> {
    bytes: &'a [u8],
    places: HashMap<&'a [u8], usize>,
}

impl<'a> Blocks<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let blocks = bytes.chunks_exact(BLOCK).enumerate();
        Self {
            bytes,
            places: blocks
                .map(|(index, block)| (block, index * BLOCK))
                .collect(),
        }
    }

    /// Appends parts that make up `region`.
    fn describe<'r>(&self, region: &'r [u8], parts: &mut Vec<Part<'r>>) {
        // From `own` on, the bytes are not described yet.
        let (mut own, mut at) = (0, 0);
        while let Some(block) = region.get(at..at + BLOCK) {
            let Some(&place) = self.places.get(block) else {
                at += 1;
                continue;
            };
            let before = equal(
                region[own..at].iter().rev(),
                self.bytes[..place].iter().rev(),
            );
            let (start, from) = (at - before, place - before);
            let length = equal(region[start..].iter(), self.bytes[from..].iter());
            if own < start {
                parts.push(Part::Own(&region[own..start]));
            }
            parts.push(Part::Copied(from..from + length));
            at = start + length;
            own = at;
        }
        if own < region.len() {
            parts.push(Part::Own(&region[own..]));
        }
    }
}

/// How many bytes are equal.
fn equal<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

//! How a whole component is made of a thin one: its parts, in order.

use std::ops::Range;

use super::difference::parts;
use crate::engine::ModuleHash;
use crate::error::ThinError;
use crate::load::shared_modules::SplitComponent;

/// The format of a recipe.
const VERSION: u8 = 1;
/// The maximum number of parts.
const MAX_PARTS: usize = 100_000;

/// A part of a whole component.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// These bytes of the thin component.
    Copied(Range<usize>),
    /// Bytes that the thin component does not have.
    Own(&'a [u8]),
    /// A core module.
    Module(ModuleHash),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe<'a> {
    /// The number of bytes of the whole component.
    pub(super) length: usize,
    /// The hash of the whole component.
    pub(super) hash: ModuleHash,
    pub(super) parts: Vec<Part<'a>>,
}

impl<'a> Recipe<'a> {
    pub(super) fn of(component: &'a [u8], split: &SplitComponent<'_>) -> Self {
        Self {
            length: component.len(),
            hash: ModuleHash::of(component),
            parts: parts(component, split),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        number(&mut bytes, self.length);
        bytes.extend(self.hash.as_bytes());
        for part in &self.parts {
            match part {
                Part::Copied(range) => {
                    bytes.push(0);
                    number(&mut bytes, range.start);
                    number(&mut bytes, range.len());
                }
                Part::Own(own) => {
                    bytes.push(1);
                    number(&mut bytes, own.len());
                    bytes.extend(*own);
                }
                Part::Module(hash) => {
                    bytes.push(2);
                    bytes.extend(hash.as_bytes());
                }
            }
        }
        bytes
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, ThinError> {
        let mut reader = Reader { bytes };
        let damaged = ThinError::Damaged;
        if reader.byte() != Some(VERSION) {
            return Err(damaged("the version of its recipe"));
        }
        let head = reader.number().zip(reader.hash());
        let (length, hash) = head.ok_or(damaged("the head of its recipe"))?;
        let mut parts = Vec::new();
        while !reader.bytes.is_empty() {
            if parts.len() == MAX_PARTS {
                return Err(damaged("the number of its parts"));
            }
            parts.push(reader.part().ok_or(damaged("a part of its recipe"))?);
        }
        Ok(Self {
            length,
            hash,
            parts,
        })
    }
}

/// Appends a number of at most 32 bits in four bytes.
fn number(bytes: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    bytes.extend(number.to_le_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    fn hash(&mut self) -> Option<ModuleHash> {
        let bytes: [u8; 32] = self.take(32)?.try_into().ok()?;
        Some(ModuleHash::from(bytes))
    }

    fn part(&mut self) -> Option<Part<'a>> {
        Some(match self.byte()? {
            0 => {
                let (start, length) = (self.number()?, self.number()?);
                Part::Copied(start..start.checked_add(length)?)
            }
            1 => {
                let length = self.number()?;
                Part::Own(self.take(length)?)
            }
            2 => Part::Module(self.hash()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipe_is_read_as_written() {
        let recipe = Recipe {
            length: 300,
            hash: ModuleHash::of(b"whole"),
            parts: vec![
                Part::Copied(8..100),
                Part::Own(b"own"),
                Part::Module(ModuleHash::of(b"module")),
            ],
        };
        let bytes = recipe.encode();
        assert_eq!(Recipe::decode(&bytes), Ok(recipe));
        for length in 0..bytes.len() {
            // Without its last parts it is another recipe.
            if let Ok(shorter) = Recipe::decode(&bytes[..length]) {
                assert!(shorter.parts.len() < 3);
            }
        }
    }

    #[test]
    fn other_versions_and_parts_are_refused() {
        let mut bytes = Recipe {
            length: 1,
            hash: ModuleHash::of(b""),
            parts: Vec::new(),
        }
        .encode();
        bytes.push(3);
        assert!(Recipe::decode(&bytes).is_err());
        bytes[0] = 2;
        assert!(Recipe::decode(&bytes).is_err());
    }
}

//! Thin components: plugins without their language's runtime.
//!
//! A thin component imports its large core modules, as [`split`] writes them, and has a
//! custom section from which the whole component can be made again, byte for byte
//! ([`recipe`]). What it was made into again is then loaded like any other component, so
//! nothing in a thin one is trusted: a module is found by the hash of all its bytes.

mod difference;
mod recipe;

use std::borrow::Cow;

use wasm_encoder::{CustomSection, Section as _};
use wasmparser::BinaryReader;

use self::recipe::{Part, Recipe};
use super::shared_modules::split;
use crate::engine::ModuleHash;
use crate::error::ThinError;

/// The bytes before the first section, and the number of custom sections.
const HEADER: usize = 8;
const CUSTOM: u8 = 0;

/// The name of the custom section with the recipe.
const SECTION: &str = "kumiki-thin";

/// A component without the runtime of its language, which it shares with others: 20 KB
/// instead of 600 KB in JavaScript.
///
/// [`Host::load`](crate::Host::load) loads it like a whole one, if its runtime is on this
/// machine: see [`HostBuilder::runtime`](crate::HostBuilder::runtime).
pub struct ThinComponent<'a> {
    bytes: &'a [u8],
    recipe: Recipe<'a>,
}

impl<'a> ThinComponent<'a> {
    /// Makes a component thin. Returns `None` if it is not valid, or has no core module
    /// that plugins share: one with 64 KiB of code or more.
    #[must_use]
    pub fn make(component: &[u8]) -> Option<Vec<u8>> {
        if matches!(ThinComponent::read(component), Ok(Some(_)) | Err(_)) {
            return None;
        }
        let split = split(component)?;
        let recipe = Recipe::of(component, &split);
        let mut thin = split.component;
        let section = CustomSection {
            name: SECTION.into(),
            data: recipe.encode().into(),
        };
        section.append_to(&mut thin);
        let find = |hash: &str| {
            let mut modules = split.modules.iter();
            let found = modules.find(|(known, _)| known.to_string() == hash)?;
            Some(Cow::Borrowed(found.1))
        };
        let restored = ThinComponent::read(&thin).ok()??;
        let restored = restored.restore(component.len(), find).ok()?;
        (restored == component).then_some(thin)
    }

    /// Reads a thin component. Returns `None` for a component that is whole, and for
    /// everything else.
    ///
    /// # Errors
    /// [`ThinError::Damaged`] if its recipe cannot be read.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, ThinError> {
        let Some((start, data)) = section(bytes) else {
            return Ok(None);
        };
        let (bytes, recipe) = (&bytes[..start], Recipe::decode(data)?);
        Ok(Some(Self { bytes, recipe }))
    }

    /// The BLAKE3 hashes of the core modules that it needs, as hexadecimal digits.
    #[must_use]
    pub fn runtimes(&self) -> Vec<String> {
        let mut hashes: Vec<_> = self
            .recipe
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Module(hash) => Some(hash.to_string()),
                _ => None,
            })
            .collect();
        hashes.sort();
        hashes.dedup();
        hashes
    }

    /// Makes the whole component, of at most `most` bytes. `find` gets the hash of a
    /// core module and returns its bytes, which are compared with the hash.
    ///
    /// # Errors
    /// The whole component is too large, a module is missing, or the result is not the
    /// component that was made thin.
    pub fn restore<'m>(
        &self,
        most: usize,
        mut find: impl FnMut(&str) -> Option<Cow<'m, [u8]>>,
    ) -> Result<Vec<u8>, ThinError> {
        let too_large = || ThinError::TooLarge(most);
        if self.recipe.length > most {
            return Err(too_large());
        }
        let mut whole = Vec::with_capacity(self.recipe.length);
        for part in &self.recipe.parts {
            let (bytes, module);
            match part {
                Part::Copied(range) => {
                    let range = range.clone();
                    bytes = self.bytes.get(range).ok_or(ThinError::Damaged("a range"))?;
                }
                Part::Own(own) => bytes = own,
                Part::Module(hash) => {
                    let missing = || ThinError::MissingRuntime(hash.to_string());
                    module = find(&hash.to_string()).ok_or_else(missing)?;
                    if ModuleHash::of(&module) != *hash {
                        return Err(missing());
                    }
                    bytes = &module;
                }
            }
            if bytes.len() > self.recipe.length - whole.len() {
                return Err(ThinError::Damaged("its length"));
            }
            whole.extend_from_slice(bytes);
        }
        match ModuleHash::of(&whole) == self.recipe.hash {
            true => Ok(whole),
            false => Err(ThinError::Damaged("its hash")),
        }
    }
}

/// The start of the last section and its contents, if it is the custom section with a
/// recipe.
fn section(bytes: &[u8]) -> Option<(usize, &[u8])> {
    if !bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        return None;
    }
    let mut reader = BinaryReader::new(&bytes[HEADER..], 0);
    while !reader.eof() {
        let start = HEADER + reader.current_position();
        let (id, length) = (reader.read_u8().ok()?, reader.read_var_u32().ok()?);
        let data = reader.read_bytes(length as usize).ok()?;
        if id == CUSTOM && reader.eof() {
            let mut section = BinaryReader::new(data, 0);
            let is_recipe = section.read_string().ok()? == SECTION;
            let recipe = data.get(section.current_position()..)?;
            return is_recipe.then_some((start, recipe));
        }
    }
    None
}

#[cfg(test)]
#[path = "thin_tests.rs"]
mod tests;

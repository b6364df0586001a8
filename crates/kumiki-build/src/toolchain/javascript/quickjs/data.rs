//! What `quickjs/src/plugin.c` reads: the modules of a plugin and how it answers.

/// The parts of a plugin that QuickJS needs beside its world.
#[derive(Default)]
pub(super) struct PluginData {
    /// The name and the bytecode of each module. The first one runs; it imports the
    /// others.
    pub(super) modules: Vec<(String, Vec<u8>)>,
    /// Numbers of exports: a batch function, and the function for a single record from
    /// which it is derived if the module does not export it.
    pub(super) derived: Vec<(u32, u32)>,
    /// Where the author's lines are in a bundle.
    pub(super) places: Places,
}

/// Maps positions of a bundle to the author's files.
#[derive(Default)]
pub(super) struct Places {
    /// The author's files, and empty names for others.
    pub(super) files: Vec<String>,
    /// In ascending order: from this position of the bundle on, the code comes from this
    /// file.
    pub(super) places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The line of the bundle, from 1.
    pub(super) line: u32,
    /// The column of the bundle, from 0.
    pub(super) column: u32,
    pub(super) file: u32,
    /// The number of lines further down in the file; it may be negative.
    pub(super) shift: i32,
}

impl PluginData {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        number(&mut bytes, self.modules.len());
        for (name, code) in &self.modules {
            text(&mut bytes, name.as_bytes());
            text(&mut bytes, code);
        }
        number(&mut bytes, self.derived.len());
        for (batch, single) in &self.derived {
            bytes.extend(batch.to_le_bytes());
            bytes.extend(single.to_le_bytes());
        }
        number(&mut bytes, self.places.files.len());
        for file in &self.places.files {
            text(&mut bytes, file.as_bytes());
        }
        number(&mut bytes, self.places.places.len());
        for place in &self.places.places {
            for part in [place.line, place.column, place.file, place.shift as u32] {
                bytes.extend(part.to_le_bytes());
            }
        }
        bytes
    }
}

fn number(bytes: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    bytes.extend(number.to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    number(bytes, text.len());
    bytes.extend(text);
}

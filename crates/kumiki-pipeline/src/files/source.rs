//! The bytes of an input: decompressed, and counted as they are stored.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::packing::Packing;

/// Counts the bytes of an input that were read.
#[derive(Clone, Default)]
pub(crate) struct ByteCounter(Arc<AtomicU64>);

impl ByteCounter {
    pub(crate) fn get(&self) -> u64 {
        // No other memory depends on the value.
        self.0.load(Ordering::Relaxed)
    }
}

/// The reader of an input.
pub(crate) type ByteSource = Box<dyn Read + Send>;

/// Opens a file, and decompresses it as its extension says.
pub(crate) fn open(path: &Path) -> io::Result<(ByteSource, ByteCounter)> {
    let (file, counter) = counted(File::open(path)?);
    let (packing, _) = Packing::of_path(path);
    Ok((packing.unpack(file)?, counter))
}

/// A reader whose bytes are counted.
pub(crate) fn counted<R: Read>(input: R) -> (Counted<R>, ByteCounter) {
    let counter = ByteCounter::default();
    let counted = Counted {
        input,
        counter: counter.clone(),
    };
    (counted, counter)
}

/// Counts the bytes that are read through it.
pub(crate) struct Counted<R> {
    input: R,
    counter: ByteCounter,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.counter.0.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

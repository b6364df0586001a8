//! A file as it is read: unpacked where its name says that it is packed, and
//! counted as it lies on the disk, for the progress.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::packing::Packing;

/// How many bytes of an input were read so far.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicU64>);

impl Count {
    pub(super) fn get(&self) -> u64 {
        // Nothing else depends on it: any order of memory will do.
        self.0.load(Ordering::Relaxed)
    }
}

/// What records are read from.
pub(super) type Source = Box<dyn Read + Send>;

/// Opens a file, to be unpacked where its name says so.
pub(super) fn open(path: &Path) -> io::Result<(Source, Count)> {
    let (file, count) = counted(File::open(path)?);
    let (packing, _) = Packing::of(path);
    Ok((packing.unpack(file)?, count))
}

/// Standard input.
pub(super) fn stdin() -> (Source, Count) {
    let (input, count) = counted(io::stdin());
    (Box::new(input), count)
}

/// `input`, counted.
fn counted<R: Read>(input: R) -> (Counted<R>, Count) {
    let count = Count::default();
    let counted = Counted {
        input,
        count: count.clone(),
    };
    (counted, count)
}

struct Counted<R> {
    input: R,
    count: Count,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.count.0.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

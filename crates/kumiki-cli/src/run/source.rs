//! A file as it is read: unpacked where its name says that it is packed, and
//! counted as it lies on the disk, for the progress.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

/// How many bytes of an input were read so far.
pub(super) type Count = Rc<Cell<u64>>;

/// Opens a file. One whose name ends in `.gz` may be of several parts.
pub(super) fn open(path: &Path) -> io::Result<(Box<dyn Read>, Count)> {
    let (file, count) = counted(File::open(path)?);
    let is_packed = path.extension().is_some_and(|end| end == "gz");
    if is_packed {
        return Ok((Box::new(MultiGzDecoder::new(file)), count));
    }
    Ok((Box::new(file), count))
}

/// `input`, counted.
pub(super) fn counted<R: Read>(input: R) -> (impl Read, Count) {
    let count = Count::default();
    (
        Counted {
            input,
            count: count.clone(),
        },
        count,
    )
}

struct Counted<R> {
    input: R,
    count: Count,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.count.set(self.count.get() + length as u64);
        Ok(length)
    }
}

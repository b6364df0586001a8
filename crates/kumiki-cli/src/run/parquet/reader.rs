//! Reads a file of Parquet, some rows at a time.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use super::bounds::bytes_of_a_row;
use super::guard::guarded;

/// Rows that are read at once at the most.
const ROWS: usize = 4096;
/// Bytes that they should have at the most, unless one has more.
const BYTES: usize = 8 << 20;
/// Bytes that a file's description of itself may have.
const DESCRIPTION: u32 = 16 << 20;
/// Bytes that a page may unfold to, unless cells may be longer; writers begin a
/// new page after 1 MiB.
const PAGE: u64 = 64 << 20;
/// Bytes of a page beside those of a single cell.
const BESIDE_CELL: u64 = 1 << 20;

/// A file that is open.
pub(crate) struct ParquetReader {
    file: File,
    metadata: ArrowReaderMetadata,
    /// The column that records are taken from.
    column: usize,
    /// Whether all columns are read.
    whole: bool,
    /// Bytes that a page may unfold to.
    page_limit: u64,
    /// The row group that is read next.
    group: usize,
    rows: Option<ParquetRecordBatchReader>,
}

/// What comes next.
pub(crate) enum Next {
    Rows(RecordBatch),
    /// The end of a row group.
    GroupEnd,
    End,
}

/// Why a column gives no records.
#[derive(Debug)]
pub(crate) enum NoTexts {
    /// There is none of that name; there are these.
    Missing(Vec<String>),
    /// It holds something else.
    Type(DataType),
}

impl ParquetReader {
    /// Opens a file and reads what it says of itself.
    ///
    /// # Errors
    /// When it cannot be opened, or is no Parquet; what is wrong.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        check_description(&mut file)?;
        let options = ArrowReaderOptions::new();
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, options))?;
        Ok(Self {
            file,
            metadata,
            column: 0,
            whole: false,
            page_limit: PAGE,
            group: 0,
            rows: None,
        })
    }

    /// Takes records from this column; `whole` is whether the others are wanted
    /// too, and `cell_limit` how many bytes a cell may have.
    ///
    /// # Errors
    /// When there is no such column, or no texts in it.
    pub(crate) fn select(
        &mut self,
        field: &str,
        whole: bool,
        cell_limit: usize,
    ) -> Result<(), NoTexts> {
        let schema = self.metadata.schema();
        let Some((column, field)) = schema.column_with_name(field) else {
            let names = schema.fields().iter().map(|field| field.name().clone());
            return Err(NoTexts::Missing(names.collect()));
        };
        if !is_text(field.data_type()) {
            return Err(NoTexts::Type(field.data_type().clone()));
        }
        (self.column, self.whole) = (column, whole);
        self.page_limit = PAGE.max((cell_limit as u64).saturating_add(BESIDE_CELL));
        Ok(())
    }

    /// What the file says of itself.
    pub(crate) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// Where in what is read the records are.
    pub(crate) fn column(&self) -> usize {
        match self.whole {
            true => self.column,
            false => 0,
        }
    }

    /// How many bytes of the file were read so far, or soon will be.
    pub(crate) fn position(&self) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        let sizes = groups
            .iter()
            .take(self.group)
            .map(|group| group.compressed_size());
        sizes.map(|size| u64::try_from(size).unwrap_or(0)).sum()
    }

    /// What comes next.
    ///
    /// # Errors
    /// When the file is broken there; what is wrong. Nothing can be read after.
    pub(crate) fn next(&mut self) -> Result<Next, String> {
        let rows = match &mut self.rows {
            Some(rows) => rows,
            None if self.group == self.metadata.metadata().num_row_groups() => {
                return Ok(Next::End);
            }
            None => {
                let rows = self.open_group()?;
                self.group += 1;
                self.rows.insert(rows)
            }
        };
        match guarded(|| rows.next().transpose().map_err(Into::into))? {
            Some(rows) => Ok(Next::Rows(rows)),
            None => {
                self.rows = None;
                Ok(Next::GroupEnd)
            }
        }
    }

    fn open_group(&self) -> Result<ParquetRecordBatchReader, String> {
        let metadata = self.metadata.metadata();
        let group = metadata.row_group(self.group);
        let schema = metadata.file_metadata().schema_descr();
        let wanted = |leaf: &usize| self.whole || schema.get_column_root_idx(*leaf) == self.column;
        let leaves = (0..group.num_columns()).filter(wanted);
        let each = guarded(|| bytes_of_a_row(&self.file, group, leaves, self.page_limit))?;
        let columns = match self.whole {
            true => ProjectionMask::all(),
            false => ProjectionMask::roots(schema, [self.column]),
        };
        let file = self.file.try_clone().map_err(|error| error.to_string())?;
        let metadata = self.metadata.clone();
        guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_row_groups(vec![self.group])
                .with_projection(columns)
                .with_batch_size((BYTES / each.max(1)).clamp(1, ROWS))
                .build()
        })
    }
}

/// Whether what the file says of itself is short enough to be read: taken apart
/// it needs many times its length. What is no Parquet is left to be refused.
fn check_description(file: &mut File) -> Result<(), String> {
    let mut end = [0; 8];
    let found = file
        .seek(SeekFrom::End(-8))
        .and_then(|_| file.read_exact(&mut end));
    let [a, b, c, d, b'P', b'A', b'R', b'1'] = end else {
        return Ok(());
    };
    let length = u32::from_le_bytes([a, b, c, d]);
    match found.is_ok() && length > DESCRIPTION {
        true => Err(format!(
            "its description of itself has {length} bytes, over {DESCRIPTION}"
        )),
        false => Ok(()),
    }
}

/// Whether a column holds texts.
fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    use super::*;

    /// A small file with all kinds of parts.
    fn file(compression: Compression) -> Vec<u8> {
        let texts = (0..40).map(|row| (row % 7 > 0).then(|| format!("text {}", row % 11)));
        let texts: ArrayRef = Arc::new(StringArray::from_iter(texts));
        let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..40));
        let rows = RecordBatch::try_from_iter([("text", texts), ("number", numbers)]).unwrap();
        let properties = WriterProperties::builder().set_compression(compression);
        let properties = properties.set_max_row_group_row_count(Some(25)).build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        file
    }

    /// How many rows there are, if the file is whole.
    fn read(path: &Path, bytes: &[u8]) -> Result<usize, String> {
        std::fs::write(path, bytes).unwrap();
        let mut reader = ParquetReader::open(path)?;
        reader
            .select("text", true, 1 << 20)
            .map_err(|error| format!("{error:?}"))?;
        let mut count = 0;
        loop {
            match reader.next()? {
                Next::Rows(rows) => {
                    let cells = super::super::ColumnTexts::of(rows.column(reader.column()));
                    count += cells.map_or(0, |cells| cells.texts.len());
                }
                Next::GroupEnd => {}
                Next::End => return Ok(count),
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.parquet");
        let whole = file(Compression::SNAPPY);
        assert_eq!(read(&path, &whole), Ok(34));
        for length in 0..whole.len() {
            let read = read(&path, &whole[..length]);
            assert!(read.is_err_and(|error| !error.is_empty()), "{length} bytes");
        }
    }

    /// Whatever the bytes say, they are read or refused.
    #[test]
    fn a_file_that_lies_is_read_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lie.parquet");
        let mut refused = 0;
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
            let whole = file(compression);
            for at in 0..whole.len() {
                for change in [0x01, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= change;
                    refused += usize::from(read(&path, &bytes).is_err());
                }
            }
        }
        assert!(refused > 100, "{refused} were refused");
    }
}

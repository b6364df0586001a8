//! Reads a file of Parquet, some rows at a time.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

use super::footer;
use super::group::{Group, width};
use super::guard::guarded;

/// The most bytes of a page, where lines may not be longer.
const PAGE: usize = 64 << 20;

/// A file that is open.
pub(crate) struct ParquetReader {
    file: Arc<File>,
    /// The most bytes of a page.
    most: usize,
    metadata: ArrowReaderMetadata,
    /// The column that records are taken from.
    column: usize,
    /// Whether all columns are read.
    whole: bool,
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
    /// Opens a file and reads what it says of itself. A value of it may have `most`
    /// bytes, and so may a page, which may have 64 MiB in any case.
    ///
    /// # Errors
    /// When it cannot be opened, or is no Parquet; what is wrong.
    pub(crate) fn open(path: &Path, most: usize) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let footer = footer::read(&file)?;
        // The same bytes that were looked at, whatever becomes of the file.
        let metadata = guarded(|| {
            let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
            ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
        })?;
        Ok(Self {
            file: Arc::new(file),
            most: most.max(PAGE),
            metadata,
            column: 0,
            whole: false,
            group: 0,
            rows: None,
        })
    }

    /// Takes records from this column; `whole` is whether the others are wanted
    /// too.
    ///
    /// # Errors
    /// When there is no such column, or no texts in it.
    pub(crate) fn select(&mut self, field: &str, whole: bool) -> Result<(), NoTexts> {
        let schema = self.metadata.schema();
        let Some((column, field)) = schema.column_with_name(field) else {
            let names = schema.fields().iter().map(|field| field.name().clone());
            return Err(NoTexts::Missing(names.collect()));
        };
        if !is_text(field.data_type()) {
            return Err(NoTexts::Type(field.data_type().clone()));
        }
        (self.column, self.whole) = (column, whole);
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
        let sizes = sizes.map(|size| u64::try_from(size).unwrap_or(0));
        sizes.fold(0, u64::saturating_add)
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
        let schema = metadata.file_metadata().schema_descr();
        let fields = self.metadata.schema().fields();
        let (columns, of_columns) = match self.whole {
            true => (ProjectionMask::all(), 0..fields.len()),
            false => (
                ProjectionMask::roots(schema, [self.column]),
                self.column..self.column + 1,
            ),
        };
        let group = Group {
            file: self.file.clone(),
            metadata,
            at: self.group,
            most: self.most,
        };
        let of_columns = fields.get(of_columns).unwrap_or_default();
        let widths = of_columns.iter().map(|field| width(field.data_type()));
        guarded(|| {
            let rows = group.batch(&columns, widths);
            let rows = rows.map_err(ParquetError::General)?;
            let levels = parquet_to_arrow_field_levels(schema, columns, Some(fields))?;
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &group, rows, None)
        })
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
    use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;
    use proptest::prelude::*;

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
        let mut reader = ParquetReader::open(path, 1 << 20)?;
        reader
            .select("text", true)
            .map_err(|error| format!("{error:?}"))?;
        let mut count = 0;
        loop {
            match reader.next()? {
                Next::Rows(rows) => {
                    assert!(rows.get_array_memory_size() < 64 << 20);
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Bytes that are changed, cut or repeated anywhere, as the fuzz target
        /// `parquet` does it: nothing panics, and no batch is too large.
        #[test]
        fn damaged_bytes_are_read_in_bounded_memory(
            packing in 0..4_usize,
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
            splice in proptest::option::of((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..100_usize)),
        ) {
            let mut bytes = file([
                Compression::UNCOMPRESSED,
                Compression::SNAPPY,
                Compression::GZIP(Default::default()),
                Compression::ZSTD(Default::default()),
            ][packing]);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some((from, to, length)) = splice {
                let from = from.index(bytes.len());
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                let to = to.index(bytes.len());
                bytes.splice(to..to, piece);
            }
            let folder = tempfile::tempdir().unwrap();
            let _ = read(&folder.path().join("damaged.parquet"), &bytes);
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

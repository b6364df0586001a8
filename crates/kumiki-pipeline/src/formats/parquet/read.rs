//! Reads a Parquet file, some rows at a time.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use kumiki::excerpt;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::file::metadata::ParquetMetaDataReader;

use super::footer;
use super::group::{Fault, Group};
use super::guard::guarded;
use super::leaf::Leaf;

/// The least limit of the bytes of a page.
const MIN_PAGE_LIMIT: usize = 64 << 20;
/// Maximum characters of the name of a type in an error.
const MAX_KIND: usize = 200;

/// Reads the rows of a Parquet file in bounded memory, whatever the file claims.
///
/// ```no_run
/// use std::path::Path;
///
/// use kumiki_pipeline::parquet::{ColumnTexts, ParquetPart, ParquetReader};
///
/// let mut reader = ParquetReader::open(Path::new("rows.parquet"), 1 << 20).unwrap();
/// reader.select("text", false).unwrap();
/// while let ParquetPart::Rows(rows) = reader.next_part().unwrap() {
///     let texts = ColumnTexts::of(rows.column(reader.column())).unwrap();
///     println!("{} texts", texts.texts().len());
/// }
/// ```
pub struct ParquetReader {
    file: Arc<File>,
    /// Maximum bytes of a page.
    page_limit: usize,
    metadata: ArrowReaderMetadata,
    /// The memory of values, for each column of Parquet.
    leaves: Vec<Leaf>,
    /// The fault of a page, if there was one.
    fault: Fault,
    /// The index of the column that records are taken from.
    column: usize,
    /// Whether all columns are read.
    all_columns: bool,
    /// The index of the next row group.
    group: usize,
    rows: Option<ParquetRecordBatchReader>,
}

/// A part of a Parquet file.
#[derive(Debug)]
pub enum ParquetPart {
    /// Rows of one row group.
    Rows(RecordBatch),
    /// The end of a row group.
    GroupEnd,
    /// The end of the file.
    End,
}

/// Why a column gives no records.
#[derive(Debug)]
pub enum SelectError {
    /// The file has no such column. Its columns have these names.
    Missing(Vec<String>),
    /// The column holds values of another type. This is the beginning of its name.
    NoTexts(String),
}

impl ParquetReader {
    /// Opens a file and reads its footer. Values and pages may have up to
    /// `value_limit` bytes; pages may have 64 MiB in any case.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a Parquet file.
    pub fn open(path: &Path, value_limit: usize) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let footer = footer::read(&file)?;
        // The bytes that were checked, even if the file changes now.
        let metadata = guarded(|| {
            let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
            ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
        })?;
        Ok(Self {
            leaves: Leaf::all(metadata.schema().fields()),
            fault: Fault::default(),
            file: Arc::new(file),
            page_limit: value_limit.max(MIN_PAGE_LIMIT),
            metadata,
            column: 0,
            all_columns: false,
            group: 0,
            rows: None,
        })
    }

    /// Selects the column that records are taken from. With `all_columns` the others
    /// are read as well.
    ///
    /// # Errors
    /// When there is no such column, or its values are not text.
    pub fn select(&mut self, field: &str, all_columns: bool) -> Result<(), SelectError> {
        let schema = self.metadata.schema();
        let Some((column, field)) = schema.column_with_name(field) else {
            let names = schema.fields().iter().map(|field| field.name().clone());
            return Err(SelectError::Missing(names.collect()));
        };
        if !is_text(field.data_type()) {
            return Err(SelectError::NoTexts(beginning(field.data_type())));
        }
        (self.column, self.all_columns) = (column, all_columns);
        Ok(())
    }

    /// The names of all columns.
    #[must_use]
    pub fn column_names(&self) -> Vec<String> {
        let fields = self.metadata.schema().fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    /// The schema and the footer of the file.
    pub(crate) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// The index of the selected column in the rows that are read.
    #[must_use]
    pub fn column(&self) -> usize {
        match self.all_columns {
            true => self.column,
            false => 0,
        }
    }

    /// Bytes of the row groups that were begun.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        let sizes = groups
            .iter()
            .take(self.group)
            .map(|group| group.compressed_size());
        let sizes = sizes.map(|size| u64::try_from(size).unwrap_or(0));
        sizes.fold(0, u64::saturating_add)
    }

    /// The next part of the file.
    ///
    /// # Errors
    /// What is wrong with the file. Nothing can be read afterwards.
    pub fn next_part(&mut self) -> Result<ParquetPart, String> {
        let rows = match &mut self.rows {
            Some(rows) => rows,
            None if self.group == self.metadata.metadata().num_row_groups() => {
                return Ok(ParquetPart::End);
            }
            None => {
                let rows = self.open_group()?;
                self.group += 1;
                self.rows.insert(rows)
            }
        };
        let next = guarded(|| rows.next().transpose().map_err(Into::into));
        match next.map_err(|reason| self.reason(reason))? {
            Some(rows) => Ok(ParquetPart::Rows(rows)),
            None => {
                self.rows = None;
                Ok(ParquetPart::GroupEnd)
            }
        }
    }

    /// Why the current row group cannot be read, if the crate parquet says `reason`.
    fn reason(&self, reason: String) -> String {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let found = fault.take();
        found.unwrap_or_else(|| format!("row group {}: {reason}", self.group))
    }

    fn open_group(&self) -> Result<ParquetRecordBatchReader, String> {
        let metadata = self.metadata.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let fields = self.metadata.schema().fields();
        let columns = match self.all_columns {
            true => ProjectionMask::all(),
            false => ProjectionMask::roots(schema, [self.column]),
        };
        let group = Group {
            file: self.file.clone(),
            metadata,
            at: self.group,
            leaves: &self.leaves,
            most: self.page_limit,
            fault: self.fault.clone(),
        };
        let rows = group.batch(&columns)?;
        guarded(|| {
            let levels = parquet_to_arrow_field_levels(schema, columns, Some(fields))?;
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &group, rows, None)
        })
    }
}

/// The beginning of the name of a type, which may have very many parts.
fn beginning(kind: &DataType) -> String {
    struct Beginning(String);
    impl fmt::Write for Beginning {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            // A part is one name at most.
            self.0.push_str(part);
            match self.0.len() > MAX_KIND {
                true => Err(fmt::Error),
                false => Ok(()),
            }
        }
    }
    let mut beginning = Beginning(String::new());
    // It fails if the name is longer, and the message has its beginning.
    let _ = write!(beginning, "{kind}");
    excerpt(&beginning.0, MAX_KIND).into_owned()
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
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::{WriterProperties, WriterVersion};
    use proptest::prelude::*;

    use super::*;

    const VERSIONS: [WriterVersion; 2] = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];

    /// A small file with several row groups, nulls, lists and dictionaries.
    fn file(compression: Compression, version: WriterVersion) -> Vec<u8> {
        let texts = (0..40).map(|row| (row % 7 > 0).then(|| format!("text {}", row % 11)));
        let texts: ArrayRef = Arc::new(StringArray::from_iter(texts));
        let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..40));
        let mut lists = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
        for row in 0..40 {
            for at in 0..row % 4 {
                let texts = (0..at).map(|at| (at != 1).then(|| format!("text {at}")));
                lists.values().append_value(texts);
            }
            lists.append(row % 9 > 0);
        }
        let lists: ArrayRef = Arc::new(lists.finish());
        let columns = [("text", texts), ("number", numbers), ("list", lists)];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_writer_version(version)
            // Texts in lists of version 2 repeat parts of each other.
            .set_column_dictionary_enabled(
                "list.list.item.list.item".into(),
                version == WriterVersion::PARQUET_1_0,
            );
        let properties = properties.set_max_row_group_row_count(Some(25)).build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        file
    }

    /// Number of texts, if the file is valid.
    fn read(path: &Path, bytes: &[u8]) -> Result<usize, String> {
        std::fs::write(path, bytes).unwrap();
        let mut reader = ParquetReader::open(path, 1 << 20)?;
        reader
            .select("text", true)
            .map_err(|error| format!("{error:?}"))?;
        let mut count = 0;
        loop {
            match reader.next_part()? {
                ParquetPart::Rows(rows) => {
                    assert!(rows.get_array_memory_size() < 64 << 20);
                    let cells = crate::formats::parquet::column::ColumnTexts::of(
                        rows.column(reader.column()),
                    );
                    count += cells.map_or(0, |cells| cells.texts.len());
                }
                ParquetPart::GroupEnd => {}
                ParquetPart::End => return Ok(count),
            }
        }
    }

    #[test]
    fn truncated_files_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.parquet");
        let whole = file(Compression::SNAPPY, WriterVersion::PARQUET_1_0);
        assert_eq!(read(&path, &whole), Ok(34));
        for length in 0..whole.len() {
            let read = read(&path, &whole[..length]);
            assert!(read.is_err_and(|error| !error.is_empty()), "{length} bytes");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// Files with changed, inserted or repeated bytes cause no panic, and no
        /// batch is too large.
        #[test]
        fn damaged_bytes_are_read_in_bounded_memory(
            packing in 0..4_usize,
            is_version_2: bool,
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
            splice in proptest::option::of((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..100_usize)),
        ) {
            let compression = [
                Compression::UNCOMPRESSED,
                Compression::SNAPPY,
                Compression::GZIP(Default::default()),
                Compression::ZSTD(Default::default()),
            ][packing];
            let mut bytes = file(compression, VERSIONS[usize::from(is_version_2)]);
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

    /// A file with any one byte changed is read or refused.
    #[test]
    fn damaged_files_are_read_or_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.parquet");
        let mut refused = 0;
        for (compression, version) in [
            (Compression::UNCOMPRESSED, VERSIONS[0]),
            (Compression::UNCOMPRESSED, VERSIONS[1]),
            (Compression::SNAPPY, VERSIONS[0]),
        ] {
            let whole = file(compression, version);
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

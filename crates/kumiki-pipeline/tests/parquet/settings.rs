//! Settings of the writer of the crate parquet.

use arrow_schema::{DataType, Schema};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    compression: usize,
    has_dictionary: bool,
    is_version_2: bool,
    statistics: usize,
    group_rows: usize,
    page_rows: usize,
    page_bytes: usize,
    dictionary_bytes: usize,
    write_batch: usize,
    encoding: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compression: 1,
            has_dictionary: true,
            is_version_2: false,
            statistics: 2,
            group_rows: 1 << 20,
            page_rows: 20_000,
            page_bytes: 1 << 20,
            dictionary_bytes: 1 << 20,
            write_batch: 1024,
            encoding: None,
        }
    }
}

pub(crate) fn any_settings() -> impl Strategy<Value = Settings> {
    let sizes = (1..3_000_usize, 1..2_000_usize, 1..100_000_usize);
    let more = (1..50_000_usize, 1..2_000_usize);
    let encoding = proptest::option::of(0..2_usize);
    (
        0..4_usize,
        any::<bool>(),
        any::<bool>(),
        0..3_usize,
        sizes,
        more,
        encoding,
    )
        .prop_map(
            |(compression, has_dictionary, is_version_2, statistics, sizes, more, encoding)| {
                Settings {
                    compression,
                    has_dictionary,
                    is_version_2,
                    statistics,
                    group_rows: sizes.0,
                    page_rows: sizes.1,
                    page_bytes: sizes.2,
                    dictionary_bytes: more.0,
                    write_batch: more.1,
                    encoding,
                }
            },
        )
}

impl Settings {
    pub(crate) fn properties(&self, schema: &Schema) -> WriterProperties {
        let compression = [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(Default::default()),
            Compression::ZSTD(Default::default()),
        ];
        let statistics = [
            EnabledStatistics::None,
            EnabledStatistics::Chunk,
            EnabledStatistics::Page,
        ];
        let version = match self.is_version_2 {
            true => WriterVersion::PARQUET_2_0,
            false => WriterVersion::PARQUET_1_0,
        };
        let mut properties = WriterProperties::builder()
            .set_compression(compression[self.compression])
            .set_dictionary_enabled(self.has_dictionary)
            .set_writer_version(version)
            .set_statistics_enabled(statistics[self.statistics])
            .set_max_row_group_row_count(Some(self.group_rows))
            .set_data_page_row_count_limit(self.page_rows)
            .set_data_page_size_limit(self.page_bytes)
            .set_dictionary_page_size_limit(self.dictionary_bytes)
            .set_write_batch_size(self.write_batch);
        if let Some(encoding) = self.encoding {
            for (column, kind) in leaves(schema) {
                if let Some(encoding) = encodings(&kind)[encoding] {
                    properties = properties.set_column_encoding(column, encoding);
                }
            }
        }
        properties.build()
    }
}

/// The columns without parts that have a path of one or three names.
fn leaves(schema: &Schema) -> Vec<(ColumnPath, DataType)> {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::List(inner) => {
            let path = ["list", inner.name()].map(str::to_owned);
            let path = [vec![field.name().clone()], path.to_vec()].concat();
            (ColumnPath::new(path), inner.data_type().clone())
        }
        kind => (ColumnPath::new(vec![field.name().clone()]), kind.clone()),
    });
    fields.collect()
}

/// Encodings for a type, beside the writer's own choice.
fn encodings(kind: &DataType) -> [Option<Encoding>; 2] {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary => [
            Some(Encoding::DELTA_BYTE_ARRAY),
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ],
        DataType::Int32 | DataType::Int64 => [
            Some(Encoding::DELTA_BINARY_PACKED),
            Some(Encoding::BYTE_STREAM_SPLIT),
        ],
        DataType::Float32 | DataType::Float64 => [Some(Encoding::BYTE_STREAM_SPLIT), None],
        DataType::FixedSizeBinary(_) => [
            Some(Encoding::DELTA_BYTE_ARRAY),
            Some(Encoding::BYTE_STREAM_SPLIT),
        ],
        DataType::Boolean => [Some(Encoding::RLE), None],
        _ => [None, None],
    }
}

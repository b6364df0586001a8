//! `kumiki run` on Parquet: plugins get the texts of one column, results go into
//! another, and everything else is unchanged.

mod scene;

use std::fs::File;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int64Array, LargeStringArray, ListArray,
    RecordBatch, StringArray, StringViewArray, TimestampMillisecondArray, UInt8Array,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use scene::{Scene, snapshot};

const ROWS: usize = 10_000;

/// The text of a row; some are null and some are empty.
fn text(row: usize) -> Option<String> {
    match row % 100 {
        7 => None,
        8 => Some(String::new()),
        _ => Some(format!("wörd {}", row % 1000)),
    }
}

/// Columns of several types; the column `text` has these texts.
fn rows(texts: ArrayRef) -> RecordBatch {
    let number = |row: usize| (!row.is_multiple_of(3)).then_some(row as i64);
    let lists = (0..ROWS).map(|row| (row % 5 > 0).then(|| vec![Some(row as i32); row % 4]));
    let times = (0..ROWS).map(|row| row as i64 * 1000);
    let columns: [(&str, ArrayRef, bool); 6] = [
        (
            "id",
            Arc::new(Int64Array::from_iter((0..ROWS).map(number))),
            true,
        ),
        ("text", texts, true),
        (
            "score",
            Arc::new(Float64Array::from_iter_values(
                (0..ROWS).map(|row| row as f64 / 7.0),
            )),
            false,
        ),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
            true,
        ),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC")),
            true,
        ),
        (
            "small",
            Arc::new(UInt8Array::from_iter_values((0..ROWS).map(|row| row as u8))),
            true,
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).expect("matching columns")
}

/// A file with row groups of 3,000 rows.
fn write(scene: &Scene, name: &str, rows: &RecordBatch) {
    let note = KeyValue::new("made by".to_owned(), "hand".to_owned());
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(3000))
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![note]))
        .build();
    let file = File::create(scene.path(name)).expect("the file is writable");
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).expect("a schema");
    writer.write(rows).expect("the rows are written");
    writer.close().expect("the program ends");
}

/// All rows of a file, and the number of rows in each row group.
fn read(scene: &Scene, name: &str) -> (RecordBatch, Vec<i64>, Vec<KeyValue>) {
    let file = File::open(scene.path(name)).expect("the file exists");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let groups = builder
        .metadata()
        .row_groups()
        .iter()
        .map(|group| group.num_rows());
    let groups = groups.collect();
    let notes = builder
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .cloned();
    let mut reader = builder
        .with_batch_size(ROWS * 2)
        .build()
        .expect("readable rows");
    let rows = reader.next().expect("rows").expect("complete row groups");
    (rows, groups, notes.unwrap_or_default())
}

fn texts() -> [(&'static str, ArrayRef); 4] {
    let all = || (0..ROWS).map(text);
    let shared: Vec<_> = all().collect();
    let shared = shared.iter().map(Option::as_deref);
    [
        ("utf8", Arc::new(StringArray::from_iter(all()))),
        ("large", Arc::new(LargeStringArray::from_iter(all()))),
        ("view", Arc::new(StringViewArray::from_iter(all()))),
        (
            "dictionary",
            Arc::new(DictionaryArray::<Int32Type>::from_iter(shared)),
        ),
    ]
}

#[test]
fn into_writes_results_into_a_column() {
    let scene = Scene::with_plugins();
    for (name, array) in texts() {
        let before = rows(array);
        let input = format!("{name}.parquet");
        write(&scene, &input, &before);
        for (into, at) in [("new", 6), ("text", 1), ("id", 0)] {
            let arguments = [
                "run",
                &input,
                "-q",
                "-p",
                "plugins/picky.wasm",
                "--field",
                "text",
                "--into",
                into,
                "-O",
                "out.parquet",
                "-j",
                "2",
            ];
            let output = scene.run(&arguments);
            // The plugin refuses empty texts and does not get null ones.
            assert!(output.starts_with("exit code: 1\n"), "{output}");
            let refusals = output
                .lines()
                .filter(|line| line.ends_with("returned an error: invalid-input"));
            assert_eq!(refusals.count(), ROWS / 100, "{output}");
            assert!(
                output.contains(&format!("error: {input}:109: `picky` returned an error")),
                "{output}"
            );

            let (after, groups, notes) = read(&scene, "out.parquet");
            assert_eq!(groups, [3000, 3000, 3000, 1000], "{name}");
            assert!(notes.iter().any(|note| note.key == "made by"), "{notes:?}");
            assert_eq!(
                after.num_columns(),
                before.num_columns() + usize::from(into == "new")
            );
            for (column, field) in before.schema().fields().iter().enumerate() {
                if field.name() != into {
                    assert_eq!(after.schema().field(column), &**field, "{name}");
                    assert_eq!(
                        after.column(column),
                        before.column(column),
                        "{name}, {field}"
                    );
                }
            }
            assert_eq!(after.schema().field(at).name(), into);
            let results = after.column(at).as_any().downcast_ref::<StringArray>();
            let results = results.expect("a column of texts");
            for row in 0..ROWS {
                let expected = text(row).filter(|text| !text.is_empty());
                let result = results.is_valid(row).then(|| results.value(row));
                assert_eq!(result, expected.as_deref(), "{name}, row {row}");
            }
        }
    }
}

#[test]
fn field_reads_records_from_a_column() {
    let scene = Scene::with_plugins();
    for (name, array) in texts() {
        write(&scene, &format!("{name}.parquet"), &rows(array));
        let input = format!("{name}.parquet");
        let arguments = [
            "run",
            &input,
            "-q",
            "-p",
            "plugins/echo.wasm",
            "--field",
            "text",
            "-o",
            "raw",
        ];
        let output = scene
            .command(&arguments)
            .output()
            .expect("the program runs");
        let expected: String = (0..ROWS).filter_map(text).map(|text| text + "\n").collect();
        assert!(output.stdout == expected.as_bytes(), "{name}");
    }
    // It can be resumed, like lines.
    let arguments = [
        "run",
        "utf8.parquet",
        "-q",
        "-p",
        "plugins/echo.wasm",
        "--field",
        "text",
        "-O",
        "out.jsonl",
        "--resume",
        "--skip-blank",
    ];
    assert!(scene.run(&arguments).starts_with("exit code: 0\n"));
    let lines = std::fs::read_to_string(scene.path("out.jsonl")).expect("the file exists");
    assert_eq!(lines.lines().count(), ROWS - 200);
    let ninth = lines.lines().nth(7).expect("more lines");
    assert!(
        ninth.starts_with(
            "{\"plugin\":\"echo\",\"record\":8,\"source\":\"utf8.parquet\",\"line\":10,"
        ),
        "{ninth}"
    );
}

#[test]
fn mismatched_parquet_files_are_usage_errors() {
    let scene = Scene::with_plugins().file("rows.csv", "id,text\n1,one\n");
    let [(_, array), (_, large), ..] = texts();
    write(&scene, "rows.parquet", &rows(array));
    write(&scene, "large.parquet", &rows(large));
    let bytes = std::fs::read(scene.path("rows.parquet")).expect("the file exists");
    let scene = scene
        .file("cut.parquet", &bytes[..bytes.len() / 2])
        .file("none.parquet", "none");
    let into = ["--field", "text", "--into", "new", "--chain"];
    for flags in [
        &["rows.parquet"][..],
        &["rows.parquet", "--field", "txt"],
        &["rows.parquet", "--field", "id"],
        &["cut.parquet", "--field", "text"],
        &["none.parquet", "--field", "text"],
        &["-", "--field", "text", "--input-format", "parquet"],
        &[&["rows.parquet"], &into[..]].concat(),
        &[&["rows.parquet", "-o", "csv"], &into[..]].concat(),
        &[&["rows.parquet", "-O", "out.jsonl"], &into[..]].concat(),
        &[
            &["rows.parquet", "-O", "out.parquet", "--resume"],
            &into[..],
        ]
        .concat(),
        &[
            &["rows.parquet", "large.parquet", "-O", "out.parquet"],
            &into[..],
        ]
        .concat(),
        &[&["rows.csv", "-O", "out.parquet"], &into[..]].concat(),
        &["rows.csv", "-o", "parquet"],
    ] {
        let text = scene.transcript(&[&["run", "-q"], flags].concat());
        assert!(text.contains("exit code: 2\n"), "{text}");
        snapshot!(text);
    }
}

/// With a damaged page, everything before it is written, and an error is reported.
#[test]
fn truncated_file_is_reported() {
    let scene = Scene::with_plugins();
    let [(_, array), ..] = texts();
    write(&scene, "rows.parquet", &rows(array));
    let mut bytes = std::fs::read(scene.path("rows.parquet")).expect("the file exists");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 3000].fill(0xff);
    let scene = scene.file("broken.parquet", bytes);
    let arguments = [
        "run",
        "broken.parquet",
        "-q",
        "-p",
        "plugins/echo.wasm",
        "--field",
        "text",
        "--into",
        "new",
        "-O",
        "out.parquet",
    ];
    let output = scene.run(&arguments);
    assert!(output.starts_with("exit code: 1\n"), "{output}");
    assert!(
        output.contains("error: broken.parquet: cannot read row "),
        "{output}"
    );
    assert!(!output.contains("panicked"), "{output}");
    let (after, ..) = read(&scene, "out.parquet");
    assert!(
        after.num_rows() > 0 && after.num_rows() < ROWS,
        "{} rows",
        after.num_rows()
    );
}

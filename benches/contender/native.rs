//! `kumiki run -o raw` without plugins: the same readers, Rust's own upper-casing, and
//! buffered standard output, on one core.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use kumiki_pipeline::Records;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Maximum length of a line, as in `kumiki run`, in bytes.
const LONGEST: usize = 128 << 20;

/// Upper-cases the records of a file.
pub(crate) fn run(format: &str, path: &str) -> ExitCode {
    let ran = File::open(path).map_err(Into::into).and_then(|file| {
        let mut to = BufWriter::with_capacity(64 << 10, io::stdout());
        match format {
            "lines" => lines(file, &mut to)?,
            "jsonl" => json_lines(file, &mut to)?,
            "csv" => rows(file, &mut to)?,
            "parquet" => columns(file, &mut to)?,
            // Converts a file of lines to Parquet.
            "pack" => pack(file, &mut to)?,
            _ => return Err(format!("there is no format `{format}`").into()),
        }
        to.flush()?;
        Ok::<_, Box<dyn Error>>(())
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn lines(file: File, to: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut records = Records::new(file, LONGEST);
    while let Some(record) = records.next_record() {
        writeln!(to, "{}", record?.text.to_uppercase())?;
    }
    Ok(())
}

/// The field that is read of a line; all others are skipped.
#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn json_lines(file: File, to: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut records = Records::new(file, LONGEST);
    while let Some(record) = records.next_record() {
        let Line { text } = serde_json::from_str(record?.text)?;
        writeln!(to, "{}", text.to_uppercase())?;
    }
    Ok(())
}

fn rows(file: File, to: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut from = csv::Reader::from_reader(file);
    let column = from.headers()?.iter().position(|name| name == "text");
    let column = column.ok_or("there is no column `text`")?;
    let mut row = csv::StringRecord::new();
    while from.read_record(&mut row)? {
        let text = row.get(column).ok_or("a row without `text`")?;
        writeln!(to, "{}", text.to_uppercase())?;
    }
    Ok(())
}

fn columns(file: File, to: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let from = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::columns(from.parquet_schema(), ["text"]);
    for batch in from.with_projection(mask).build()? {
        let batch = batch?;
        let texts = batch.column(0).as_string::<i32>();
        for text in texts.iter().flatten() {
            writeln!(to, "{}", text.to_uppercase())?;
        }
    }
    Ok(())
}

fn pack(file: File, to: &mut (impl Write + Send)) -> Result<(), Box<dyn Error>> {
    const ROWS: usize = 1 << 16;
    let schema = Schema::new(vec![
        Field::new("id", DataType::UInt64, false),
        Field::new("text", DataType::Utf8, false),
    ]);
    let schema = Arc::new(schema);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut packed = ArrowWriter::try_new(to, schema.clone(), Some(properties))?;
    let mut records = Records::new(file, LONGEST);
    let mut number = 0;
    loop {
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        while texts.len() < ROWS
            && let Some(record) = records.next_record()
        {
            number += 1;
            ids.push(number);
            texts.push(record?.text.to_owned());
        }
        if texts.is_empty() {
            break;
        }
        let ids: ArrayRef = Arc::new(UInt64Array::from(ids));
        let texts: ArrayRef = Arc::new(StringArray::from(texts));
        packed.write(&RecordBatch::try_new(schema.clone(), vec![ids, texts])?)?;
    }
    packed.close()?;
    Ok(())
}

//! Small files that unfold to much: packed lines, and Parquet whose pages,
//! dictionaries, lists or cells say more than anybody could hold.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray};
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use crate::case::Case;
use crate::guest::attacker;
use crate::outcome::{Outcome::Answer, Seen};
use crate::program::{Ran, run};

/// How much the process may hold, in MiB: a line or cell of 128 MiB is allowed
/// by default, and lies in some buffers at once.
const MOST: usize = 1024;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = packed_lines();
    cases.extend(pages());
    cases.extend(cells());
    cases
}

fn packed_lines() -> Vec<Case> {
    vec![
        row("a line of 1 GiB in a .gz of 1 MB", |folder| {
            write(folder, "in.txt.gz", gzip(1 << 30))?;
            let ran = echo(folder, &["in.txt.gz", "-o", "raw"])?;
            refused(&ran, 1, "longer than 134217728 bytes")
        }),
        row("a line of 4 GiB in a .zst of 130 KB", |folder| {
            write(folder, "in.txt.zst", zstd(4 << 30)?)?;
            let ran = echo(folder, &["in.txt.zst", "-o", "raw"])?;
            refused(&ran, 1, "longer than 134217728 bytes")
        }),
        row("a field of 512 MiB in a .csv.gz", |folder| {
            write(folder, "in.csv.gz", {
                let mut bytes = gzip_of(b"text\n\"");
                bytes.extend(gzip(512 << 20));
                bytes
            })?;
            let ran = echo(folder, &["in.csv.gz", "--field", "text", "-o", "raw"])?;
            refused(&ran, 1, "longer than")
        }),
    ]
}

fn pages() -> Vec<Case> {
    vec![
        row("a page of Parquet that zstd unfolds to 1.5 GB", |folder| {
            let cell = "x".repeat(500_000_000);
            write(folder, "in.parquet", table(plain(ZSTD), texts([&*cell; 3])))?;
            drop(cell);
            refused(&parquet(folder, &[])?, 1, "unfolds to")
        }),
        row("a page of gzip that holds more than it says", |folder| {
            write(folder, "in.parquet", lying_gzip())?;
            refused(&parquet(folder, &[])?, 1, "more than the")
        }),
        row("3,000 cells that share one value of 1 MB", |folder| {
            // 3 GB go through in flat memory, from a file of some kilobytes.
            for keeps_type in [true, false] {
                write(folder, "in.parquet", repeated(1_000_000, 3_000, keeps_type))?;
                let ran = parquet(folder, &["-o", "raw"])?;
                ran.judge(0, MOST)?;
                if ran.stdout.length != 3_000 * 1_000_001 {
                    return Err(format!("{} bytes of results", ran.stdout.length));
                }
            }
            Ok(String::new())
        }),
        row("lists of 100 million numbers beside the texts", |folder| {
            let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
                Some(vec![Some(7); 100_000_000]),
                None,
            ]);
            let rows = RecordBatch::try_from_iter([
                ("text", texts(["one", "two"])),
                ("lists", Arc::new(lists) as ArrayRef),
            ]);
            let rows = rows.map_err(|error| error.to_string())?;
            write(folder, "in.parquet", file(shared(ZSTD), &rows))?;
            drop(rows);
            let ran = parquet(folder, &["--into", "out", "-O", "out.parquet"])?;
            refused(&ran, 1, "its lists unfold from")
        }),
        row("a description of a file that has 1 GB", |folder| {
            // The length alone is a lie; the file is as long as it says.
            let file = std::fs::File::create(folder.join("in.parquet"));
            let mut file = file.map_err(|error| error.to_string())?;
            let end = [&1_000_000_000_u32.to_le_bytes()[..], b"PAR1"].concat();
            file.set_len(1_000_000_100)
                .and_then(|()| std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)))
                .and_then(|_| file.write_all(&end))
                .map_err(|error| error.to_string())?;
            refused(&parquet(folder, &[])?, 2, "description")
        }),
    ]
}

fn cells() -> Vec<Case> {
    vec![row("a cell beyond --line-limit", |folder| {
        let long = "x".repeat(5000);
        let column = texts(["short", &*long, "also"]);
        write(folder, "in.parquet", table(plain(ZSTD), column))?;
        let arguments = ["--line-limit", "4KiB", "--into", "out", "-O", "out.parquet"];
        refused(
            &parquet(folder, &arguments)?,
            1,
            "in.parquet: line 2 is longer than 4096 bytes",
        )?;
        let ran = parquet(folder, &["--line-limit", "4KiB", "-o", "raw"])?;
        match &*ran.stdout.text {
            "short\nalso\n" => refused(&ran, 1, "line 2 is longer than 4096 bytes"),
            other => Err(format!("it answered {other:?}")),
        }
    })]
}

const ZSTD: fn() -> Compression = || Compression::ZSTD(ZstdLevel::default());

/// Every cell by itself, in pages of any size.
fn plain(compression: fn() -> Compression) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(compression())
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_data_page_size_limit(usize::MAX)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
}

/// Cells that are the same are kept once.
fn shared(compression: fn() -> Compression) -> WriterPropertiesBuilder {
    plain(compression)
        .set_dictionary_enabled(true)
        .set_dictionary_page_size_limit(usize::MAX)
}

/// A file of so many cells with one value of so many bytes: read as a dictionary,
/// or as texts.
fn repeated(bytes: usize, cells: usize, keeps_type: bool) -> Vec<u8> {
    let values = texts([&*"x".repeat(bytes)]);
    let keys = Int32Array::from(vec![0; cells]);
    let cells: ArrayRef = Arc::new(DictionaryArray::new(keys, values));
    let rows = RecordBatch::try_from_iter([("text", cells)]).expect("one column");
    let options = ArrowWriterOptions::new()
        .with_properties(shared(ZSTD).build())
        .with_skip_arrow_metadata(!keeps_type);
    let mut file = Vec::new();
    let writer = ArrowWriter::try_new_with_options(&mut file, rows.schema(), options);
    let mut writer = writer.expect("it fits");
    writer.write(&rows).expect("it is written");
    writer.close().expect("it ends");
    file
}

fn texts<const N: usize>(texts: [&str; N]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

/// A file with the one column `text`.
fn table(properties: WriterPropertiesBuilder, texts: ArrayRef) -> Vec<u8> {
    let rows = RecordBatch::try_from_iter([("text", texts)]).expect("one column");
    file(properties, &rows)
}

fn file(properties: WriterPropertiesBuilder, rows: &RecordBatch) -> Vec<u8> {
    let mut file = Vec::new();
    let properties = properties.build();
    let writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties));
    let mut writer = writer.expect("it fits");
    writer.write(rows).expect("it is written");
    writer.close().expect("it ends");
    file
}

/// A file whose one page, of gzip, is replaced by one of the same length that
/// unpacks to much more.
fn lying_gzip() -> Vec<u8> {
    // A text that does not pack leaves room for a bomb in its place.
    let mut state = 1_u64;
    let noise: String = (0..4_000_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b' ' + (state >> 58) as u8)
        })
        .collect();
    let gzip_level = || Compression::GZIP(GzipLevel::default());
    let mut file = table(plain(gzip_level), texts([&*noise]));
    let start = file
        .windows(3)
        .position(|bytes| bytes == [0x1f, 0x8b, 0x08])
        .expect("there is gzip in it");
    let bomb = gzip(2_500_000_000);
    assert!(bomb.len() < 3_000_000, "{} bytes", bomb.len());
    file[start..start + bomb.len()].copy_from_slice(&bomb);
    file
}

/// So many bytes, all the same, as gzip.
fn gzip(bytes: u64) -> Vec<u8> {
    // Parts of gzip may follow each other: one is made, and repeated.
    const PART: u64 = 16 << 20;
    let part = gzip_of(&vec![b'x'; PART as usize]);
    part.repeat(usize::try_from(bytes.div_ceil(PART)).expect("it is small"))
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Level::best());
    packed.write_all(bytes).expect("it goes into memory");
    packed.finish().expect("it goes into memory")
}

fn zstd(bytes: u64) -> Result<Vec<u8>, String> {
    const PART: u64 = 16 << 20;
    let part = zstd::encode_all(&*vec![b'x'; PART as usize], 19);
    let part = part.map_err(|error| error.to_string())?;
    Ok(part.repeat(usize::try_from(bytes / PART).expect("it is small")))
}

/// Runs the program with a plugin that gives everything back.
fn echo(folder: &Path, arguments: &[&str]) -> Result<Ran, String> {
    write(folder, "echo.wasm", attacker("").build())?;
    run(folder, &[&["run", "-p", "echo.wasm"], arguments].concat())
}

fn parquet(folder: &Path, arguments: &[&str]) -> Result<Ran, String> {
    let common = ["in.parquet", "--field", "text"];
    echo(folder, &[&common, arguments].concat())
}

/// Whether it was refused in these words, in bounded memory.
fn refused(ran: &Ran, code: i32, says: &str) -> Result<String, String> {
    let held = ran.judge(code, MOST)?;
    match ran.stderr.text.contains(says) && ran.stderr.length < 16 << 10 {
        true => Ok(held),
        false => Err(format!("it does not say `{says}`: {}", ran.stderr.text)),
    }
}

fn write(folder: &Path, name: &str, bytes: Vec<u8>) -> Result<(), String> {
    std::fs::write(folder.join(name), bytes).map_err(|error| error.to_string())
}

fn row(
    name: &'static str,
    act: impl FnOnce(&Path) -> Result<String, String> + Send + 'static,
) -> Case {
    Case::new(name, Answer, "", move || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let message = act(folder.path())?;
        Ok(Seen {
            outcome: Answer,
            message,
        })
    })
    // What the files are made from is held here, not by the program.
    .within(8 << 10)
    .patience(240)
}

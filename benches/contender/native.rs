//! What `kumiki run -o raw` does, without plugins: the same readers, Rust's own
//! upper-casing, and a buffer before standard output. On one core.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use kumiki_text::Records;

/// The longest line, as `kumiki run` has it, in bytes.
const LONGEST: usize = 128 << 20;

/// Upper-cases the records of a file.
pub(crate) fn run(format: &str, path: &str) -> ExitCode {
    let ran = File::open(path).map_err(Into::into).and_then(|file| {
        let mut to = BufWriter::with_capacity(64 << 10, io::stdout().lock());
        match format {
            "lines" => lines(file, &mut to)?,
            "jsonl" => json_lines(file, &mut to)?,
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

/// What is read of a line; all else is passed over.
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

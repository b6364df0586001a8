//! What `kumiki dev` runs after each build: the author's cases and a sample.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use kumiki_text::cases::{self, Case};

use crate::arguments::DevArguments;
use crate::commands::check::cases_failure;
use crate::failure::{Failure, causes};

/// The file of cases in a project.
const CASES: &str = "tests.jsonl";

/// The number of records of a sample file that are read, and the bytes.
const RECORDS: usize = 1000;
const BYTES: u64 = 4 << 20;

/// The cases and the sample.
pub(super) struct Sample {
    /// The file of the cases.
    pub(super) cases_file: PathBuf,
    pub(super) cases: Vec<Case>,
    /// The records of the sample; without them, the inputs of the cases are the sample.
    pub(super) records: Option<Vec<String>>,
    /// What the records are from.
    pub(super) source: String,
    /// Whether the file has more records.
    pub(super) has_more: bool,
}

impl Sample {
    /// Reads the cases of the project, if there are any, and the sample.
    pub(super) fn read(arguments: &DevArguments) -> Result<Self, Failure> {
        let cases_file = match &*arguments.folder {
            folder if folder == Path::new(".") => PathBuf::from(CASES),
            folder => folder.join(CASES),
        };
        let mut sample = Self {
            cases: read_cases(&cases_file)?,
            cases_file,
            records: arguments.text.clone().map(|text| vec![text]),
            source: "--text".to_owned(),
            has_more: false,
        };
        if let Some(path) = &arguments.file {
            let bytes = read_start(path).map_err(|error| {
                let hint = "name a file with one record per line";
                Failure::path("file", path, &error, hint)
            })?;
            let (records, has_more) = lines(&bytes).map_err(|line| {
                let path = path.display();
                Failure::usage(
                    format!("{path}:{line} is not UTF-8"),
                    "name a text file in UTF-8, not compressed",
                )
            })?;
            sample.records = Some(records);
            sample.has_more = has_more;
            sample.source = path.display().to_string();
        }
        Ok(sample)
    }

    /// Whether there is nothing to run.
    pub(super) fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.records.is_none()
    }
}

/// Reads the cases; none if there is no file.
fn read_cases(path: &Path) -> Result<Vec<Case>, Failure> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = kumiki_build::read_text(path).map_err(|error| {
        let mut failure = Failure::usage(
            error.to_string(),
            "write the cases as UTF-8 text with one JSON object per line, at most 4 MiB",
        );
        failure.causes = causes(&error);
        failure
    })?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    cases::read(text.as_bytes()).map_err(|error| cases_failure(path, &error))
}

/// Reads the first bytes of a regular file, one more than are used.
fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = kumiki_build::open_regular(path)?;
    file.take(BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The records in the first bytes of a file, and whether there are more. The error is
/// the number of a line that is not UTF-8.
fn lines(bytes: &[u8]) -> Result<(Vec<String>, bool), usize> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_cut = bytes.len() as u64 > BYTES;
    let mut rest = bytes;
    let mut records = Vec::new();
    while !rest.is_empty() && records.len() < RECORDS {
        let (line, after) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            // The end of this line was not read.
            None if is_cut => break,
            None => (rest, &[][..]),
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| records.len() + 1)?;
        records.push(text.to_owned());
        rest = after;
    }
    Ok((records, !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_records() {
        for (bytes, records) in [
            (&b""[..], &[][..]),
            (b"a", &["a"]),
            (b"a\n", &["a"]),
            (b"a\r\nb\n", &["a", "b"]),
            (b"\n\n a \n", &["", "", " a "]),
            (b"\xef\xbb\xbfa\n", &["a"]),
        ] {
            let expected: Vec<_> = records.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(lines(bytes), Ok((expected, false)), "{bytes:?}");
        }
        assert_eq!(lines(b"a\n\xff\n"), Err(2));
    }

    #[test]
    fn only_the_first_records_are_used() {
        let many = "a\n".repeat(RECORDS);
        assert!(!lines(many.as_bytes()).unwrap().1);
        let (records, has_more) = lines((many + "b").as_bytes()).unwrap();
        assert_eq!((records.len(), has_more), (RECORDS, true));
    }

    #[test]
    fn line_that_is_read_in_part_is_not_a_record() {
        let length = usize::try_from(BYTES).unwrap();
        let text = "first\n".to_owned() + &"木".repeat(length);
        let (records, has_more) = lines(&text.as_bytes()[..=length]).unwrap();
        assert_eq!((records, has_more), (vec!["first".to_owned()], true));
    }
}

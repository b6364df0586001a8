//! Fields of CSV and TSV.

use std::io::{self, Write};

/// Adds the fields of a row, quoted where necessary.
pub(crate) fn push_fields<'a>(
    out: &mut Vec<u8>,
    fields: impl Iterator<Item = &'a str>,
    delimiter: u8,
) {
    let begin = out.len();
    for (at, field) in fields.enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        push_field(out, field, delimiter);
    }
    if out.len() == begin {
        // An empty line would not be read as a row.
        out.extend_from_slice(b"\"\"");
    }
}

/// Adds a field, quoted where necessary.
pub(crate) fn push_field(out: &mut Vec<u8>, field: &str, delimiter: u8) {
    // Writing into a `Vec` does not fail.
    let _ = write_field(out, field, delimiter);
}

/// Writes a field, quoted where necessary.
pub(crate) fn write_field(out: &mut impl Write, field: &str, delimiter: u8) -> io::Result<()> {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
    // At the beginning of a file a byte order mark would be skipped.
    let marked = field.starts_with('\u{feff}');
    if !marked && !field.bytes().any(special) {
        return out.write_all(field.as_bytes());
    }
    out.write_all(b"\"")?;
    for (at, part) in field.split('"').enumerate() {
        if at > 0 {
            out.write_all(b"\"\"")?;
        }
        out.write_all(part.as_bytes())?;
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every field is read back as it was written.
        #[test]
        fn fields_are_read_back(texts in proptest::collection::vec("\\PC*|[,\"\r\n\t a\u{feff}]{0,9}", 1..5), tab in any::<bool>()) {
            let delimiter = if tab { b'\t' } else { b',' };
            let mut out = Vec::new();
            push_fields(&mut out, texts.iter().map(String::as_str), delimiter);
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).delimiter(delimiter).from_reader(&out[..]);
            let row = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(row.iter().collect::<Vec<_>>(), texts);
        }
    }
}

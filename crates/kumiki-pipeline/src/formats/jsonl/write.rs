//! Results for programs: one JSON object per line for each record and plugin, errors
//! included.

use std::fmt;
use std::io;

use kumiki_text::Outcome;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::escape::write_json;
use crate::formats::bounded::BoundedBuffer;
use crate::formats::report::{RecordLocation, ReportWriter};

/// Writes JSON lines.
pub(crate) struct JsonLines;

/// One line. Every key is present; a missing value is `null`.
#[derive(Serialize)]
struct Line<'a> {
    plugin: Option<&'a str>,
    record: u64,
    source: Option<&'a str>,
    line: Option<u64>,
    output: Option<&'a str>,
    metadata: Option<Metadata<'a>>,
    error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    kind: &'a str,
    message: String,
}

impl ReportWriter for JsonLines {
    fn result(
        &mut self,
        out: &mut BoundedBuffer,
        location: RecordLocation<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let result = outcome.result;
        let error = result.err().map(|error| ErrorObject {
            kind: error.kind(),
            message: error.to_string(),
        });
        let line = Line {
            plugin: Some(outcome.plugin),
            record: location.record,
            source: location.line.map(|(source, _)| source),
            line: location.line.map(|(_, line)| line),
            output: result.ok().map(|result| result.output),
            metadata: result
                .ok()
                .map(|result| Metadata(result.metadata.iter().collect())),
            error,
        };
        write_line(out, &line)
    }

    fn invalid(
        &mut self,
        out: &mut BoundedBuffer,
        location: RecordLocation<'_>,
        error: &dyn fmt::Display,
    ) -> io::Result<bool> {
        let line = Line {
            plugin: None,
            record: location.record,
            source: location.line.map(|(source, _)| source),
            line: location.line.map(|(_, line)| line),
            output: None,
            metadata: None,
            error: Some(ErrorObject {
                kind: "unreadable",
                message: error.to_string(),
            }),
        };
        write_line(out, &line)
    }
}

fn write_line(out: &mut BoundedBuffer, line: &Line<'_>) -> io::Result<bool> {
    write_json(out, line)?;
    out.push(b"\n")?;
    Ok(true)
}

/// Metadata as an object. A key that a plugin gives more than once has an array of
/// its values.
struct Metadata<'a>(Vec<(&'a str, &'a str)>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut indices = std::collections::HashMap::new();
        for &(key, value) in &self.0 {
            let index = *indices.entry(key).or_insert_with(|| {
                keys.push((key, Vec::new()));
                keys.len() - 1
            });
            keys[index].1.push(value);
        }
        let mut map = serializer.serialize_map(Some(keys.len()))?;
        for (key, values) in keys {
            match &values[..] {
                [value] => map.serialize_entry(key, value)?,
                values => map.serialize_entry(key, values)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_keeps_every_value() {
        for (entries, expected) in [
            (vec![], "{}"),
            (vec![("b", "1"), ("a", "2")], r#"{"b":"1","a":"2"}"#),
            (
                vec![("a", "1"), ("b", "2"), ("a", "3")],
                r#"{"a":["1","3"],"b":"2"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&Metadata(entries)).unwrap(), expected);
        }
    }
}

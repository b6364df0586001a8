//! Results for machines: one JSON object a line, for every record and plugin,
//! errors included.

use std::fmt;
use std::io;

use kumiki_text::Outcome;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Bounded, Place, ResultWriter, json};

pub(super) struct JsonLines;

/// One line. Every key is always there, with `null` for what there is not.
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

impl ResultWriter for JsonLines {
    fn result(
        &mut self,
        out: &mut Bounded,
        place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let result = outcome.result;
        let error = result.err().map(|error| ErrorObject {
            kind: error.kind(),
            message: error.to_string(),
        });
        let line = Line {
            plugin: Some(outcome.plugin),
            record: place.record,
            source: place.line.map(|(source, _)| source),
            line: place.line.map(|(_, line)| line),
            output: result.ok().map(|result| result.output),
            metadata: result
                .ok()
                .map(|result| Metadata(result.metadata.iter().collect())),
            error,
        };
        write_line(out, &line)
    }

    fn unread(
        &mut self,
        out: &mut Bounded,
        place: Place<'_>,
        error: &dyn fmt::Display,
    ) -> io::Result<bool> {
        let line = Line {
            plugin: None,
            record: place.record,
            source: place.line.map(|(source, _)| source),
            line: place.line.map(|(_, line)| line),
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

fn write_line(out: &mut Bounded, line: &Line<'_>) -> io::Result<bool> {
    json::write_line(out, line)?;
    out.push(b"\n")?;
    Ok(true)
}

/// Metadata as an object. A key that a plugin gives more than once has the
/// array of its values, so that none is lost.
struct Metadata<'a>(Vec<(&'a str, &'a str)>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for &(key, value) in &self.0 {
            let place = *places.entry(key).or_insert_with(|| {
                keys.push((key, Vec::new()));
                keys.len() - 1
            });
            keys[place].1.push(value);
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

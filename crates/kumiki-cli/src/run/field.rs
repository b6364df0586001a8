//! Records that are one key's text of a JSON object, an object a line.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The text under `key` in a line, or why there is none. Of a key that stands
/// there twice, the last counts.
pub(super) fn text(line: &str, key: &str) -> Result<String, String> {
    let mut json = serde_json::Deserializer::from_str(line);
    let value = Key(key).deserialize(&mut json);
    let value = value.and_then(|value| json.end().map(|()| value));
    match value.map_err(|error| reason(&error))? {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("`{key}` in it is {}, and no text", kind(&other))),
        None => Err(format!("there is no key `{key}` in it")),
    }
}

/// What is wrong with it as JSON. The line that serde_json counts is always the
/// first, for it sees no other.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&at).unwrap_or(&text);
    format!("{text} at its byte {}", error.column())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads the value of one key and passes over all others.
struct Key<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_under_a_key() {
        for (line, expected) in [
            (r#"{"text":"a"}"#, Ok("a")),
            (
                r#" {"id": {"text": 1}, "text" : "\u6728\n", "z": []} "#,
                Ok("木\n"),
            ),
            (r#"{"te\u0078t":"a","text":"b"}"#, Ok("b")),
            (r#"{"Text":"a"}"#, Err("there is no key `text` in it")),
            ("{}", Err("there is no key `text` in it")),
            (r#"{"text":null}"#, Err("`text` in it is null, and no text")),
            (
                r#"{"text":1}"#,
                Err("`text` in it is a number, and no text"),
            ),
            (
                r#"{"text":"a"} b"#,
                Err("trailing characters at its byte 14"),
            ),
            (
                r#"{"text":"a""#,
                Err("EOF while parsing an object at its byte 11"),
            ),
            (
                r#"["text"]"#,
                Err("invalid type: sequence, expected an object at its byte 0"),
            ),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(text(line, "text"), expected, "{line}");
        }
    }
}

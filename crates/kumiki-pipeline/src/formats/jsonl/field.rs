//! The text under a key of a JSON object, and the reason when there is none.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The text under `key` in a line. When the key occurs more than once, the last
/// one counts.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn text(line: &str, key: &str) -> Result<String, String> {
    let mut json = serde_json::Deserializer::from_str(line);
    let value = Key(key).deserialize(&mut json);
    let value = value.and_then(|value| json.end().map(|()| value));
    match value.map_err(|error| reason(&error))? {
        Some(Found::Text(text)) => Ok(text),
        Some(Found::Other(kind)) => Err(format!("`{key}` is {kind}, not text")),
        None => Err(format!("there is no key `{key}` in it")),
    }
}

/// The message of serde_json, with the position as a byte of the line.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&at).unwrap_or(&text);
    // serde_json's words for a value that starts like none.
    let text = text.replace("expected ident", "it is not JSON");
    format!("{text} at byte {}", error.column())
}

/// The value under a key. A value that is not text is not kept: in memory it could
/// be many times as large as the line.
enum Found {
    Text(String),
    /// The kind of another value.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Found, E> {
        Ok(Found::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Found, E> {
        Ok(Found::Text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(Found::Other("null"))
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<Found, E> {
        Ok(Found::Other("true or false"))
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<Found, E> {
        Ok(Found::Other("a number"))
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<Found, E> {
        Ok(Found::Other("a number"))
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<Found, E> {
        Ok(Found::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found::Other("an object"))
    }
}

/// Reads the value of one key and skips all others.
struct Key<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<Found>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Option<Found>;

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
    fn text_under_a_key_is_found() {
        for (line, expected) in [
            (r#"{"text":"a"}"#, Ok("a")),
            (
                r#" {"id": {"text": 1}, "text" : "\u6728\n", "z": []} "#,
                Ok("木\n"),
            ),
            (r#"{"te\u0078t":"a","text":"b"}"#, Ok("b")),
            (r#"{"Text":"a"}"#, Err("there is no key `text` in it")),
            ("{}", Err("there is no key `text` in it")),
            (r#"{"text":null}"#, Err("`text` is null, not text")),
            (r#"{"text":1}"#, Err("`text` is a number, not text")),
            (r#"{"text":"a"} b"#, Err("trailing characters at byte 14")),
            (
                r#"{"text":"a""#,
                Err("EOF while parsing an object at byte 11"),
            ),
            (
                r#"["text"]"#,
                Err("invalid type: sequence, expected an object at byte 0"),
            ),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(text(line, "text"), expected, "{line}");
        }
    }
}

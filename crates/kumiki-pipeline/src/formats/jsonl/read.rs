//! A JSON object as a record: its text, and where a result goes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field;
use crate::formats::rows::Splice;

/// The parts of a JSON object that a run needs.
pub(crate) struct ParsedObject<'a> {
    /// The text of the record, or the reason why there is none.
    pub(crate) text: Result<Cow<'a, str>, String>,
    /// The position of the result. `None` when the line is not an object, and when no
    /// key for results is given.
    pub(crate) splice: Option<Splice>,
}

/// Parses a line once: finds the text under `field`, and the position of a result
/// under `into`. The result replaces the last value of that key, or is added
/// after the last value of the object.
pub(crate) fn parse<'a>(line: &'a str, field: &str, into: Option<&str>) -> ParsedObject<'a> {
    let reread = |splice| ParsedObject {
        text: field::text(line, field).map(Cow::Owned),
        splice,
    };
    let Some(into) = into else {
        return reread(None);
    };
    let mut json = serde_json::Deserializer::from_str(line);
    let object = json.deserialize_map(ObjectVisitor { line, field, into });
    match object.and_then(|object| json.end().map(|()| object)) {
        Ok(Object {
            text: Some(text),
            splice,
            is_sound: true,
        }) => ParsedObject {
            text: Ok(text),
            splice: Some(splice),
        },
        // The error is found by reading the line again, which is rare.
        Ok(Object { splice, .. }) => reread(Some(splice)),
        Err(_) => reread(None),
    }
}

struct Object<'a> {
    /// The text under the field, where it is a string.
    text: Option<Cow<'a, str>>,
    splice: Splice,
    /// Whether all keys and texts that were looked at are valid strings. A raw
    /// value may hold half of a surrogate pair.
    is_sound: bool,
}

/// Goes through an object without unpacking its values.
struct ObjectVisitor<'a, 'k> {
    line: &'a str,
    field: &'k str,
    into: &'k str,
}

impl<'a> Visitor<'a> for ObjectVisitor<'a, '_> {
    type Value = Object<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Object<'a>, A::Error> {
        let (mut text, mut is_sound) = (None, true);
        let (mut last, mut replaced) = (None, None);
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let start = offset(self.line, value.get());
            let end = start + value.get().len();
            last = Some(end);
            let Some(key) = string(key.get()) else {
                is_sound = false;
                continue;
            };
            if key == self.into {
                replaced = Some(start..end);
            }
            if key == self.field {
                text = string(value.get());
                is_sound &= text.is_some();
            }
        }
        let splice = match (replaced, last) {
            (Some(range), _) => Splice::replace(range),
            (None, Some(end)) => Splice::append(end),
            (None, None) => Splice::first(self.line.find('{').map_or(0, |at| at + 1)),
        };
        Ok(Object {
            text,
            splice,
            is_sound,
        })
    }
}

/// The text of a JSON string. `None` for another value, and for a string with half
/// of a surrogate pair.
fn string(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

/// The position of `part`, which is a slice of `line`.
fn offset(line: &str, part: &str) -> usize {
    part.as_ptr().addr() - line.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;
    use crate::formats::rows::SpliceKind;

    #[test]
    fn a_result_replaces_its_value_or_is_appended() {
        for (line, expected) in [
            (r#"{"a":1}"#, Some("{\"a\":1|}")),
            (
                r#" {"a": [1, {"k": 2}] } "#,
                Some(" {\"a\": [1, {\"k\": 2}]| } "),
            ),
            (r#"{"k":1}"#, Some("{\"k\":|}")),
            (
                r#"{"k" : {"k":[]} ,"b":"}"}"#,
                Some("{\"k\" : | ,\"b\":\"}\"}"),
            ),
            (
                r#"{"k":1,"\u006b":"\"k\":"}"#,
                Some("{\"k\":1,\"\\u006b\":|}"),
            ),
            (
                r#"{"\"k":"\\","a":true}"#,
                Some("{\"\\\"k\":\"\\\\\",\"a\":true|}"),
            ),
            ("{ }", Some("{| }")),
            ("[]", None),
            ("7", None),
            ("{", None),
            (r#"{"a":1} x"#, None),
            ("", None),
        ] {
            let found = parse(line, "a", Some("k"))
                .splice
                .map(|splice| splice.range);
            let shown = found.map(|at| format!("{}|{}", &line[..at.start], &line[at.end..]));
            assert_eq!(shown.as_deref(), expected, "{line}");
        }
    }

    /// Any JSON.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[\"\\\\{}:,a木]{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
            let keys = "[\"\\\\{}:,k]{0,2}";
            let entries = proptest::collection::vec((keys, inner), 0..4);
            let object = entries.prop_map(|entries| Value::Object(Map::from_iter(entries)));
            prop_oneof![list, object]
        })
    }

    proptest! {
        /// The object with a spliced value has that value, and all others as before.
        #[test]
        fn a_splice_changes_only_its_value(value in json(), spaced in any::<bool>()) {
            let line = if spaced { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let line = line.unwrap();
            let found = parse(&line, "a", Some("k")).splice;
            prop_assert_eq!(found.is_some(), value.is_object());
            if let (Some(Splice { range: at, kind }), Value::Object(mut object)) = (found, value) {
                let new = match kind {
                    SpliceKind::Replace => "7",
                    SpliceKind::Append => ",\"k\":7",
                    SpliceKind::First => "\"k\":7",
                };
                let line = format!("{}{new}{}", &line[..at.start], &line[at.end..]);
                object.insert("k".to_owned(), Value::from(7));
                let read: Value = serde_json::from_str(&line).unwrap();
                prop_assert_eq!(read, Value::Object(object));
            }
        }

        /// The pass that finds the splice gives the text, or the reason, of the pass
        /// that does not.
        #[test]
        fn both_passes_give_the_same_text(line in "[\"\\\\{}:,k1 \\[\\]]{0,12}|[{]\"k\":\"[\\\\udn\u{1}0a]{0,7}\"(,\"[\\\\ud0k]{0,6}\":(1e999|\"a\"))?[}]|\\PC*") {
            let with_splice = parse(&line, "k", Some("new")).text;
            prop_assert_eq!(with_splice, parse(&line, "k", None).text);
        }

        /// A line has a splice if it is an object, also when its text is unusable.
        #[test]
        fn every_object_has_a_splice(line in "[{]\"[k\\\\ud8]{0,7}\":(1e999|\"[\\\\ud8a\u{1}]{0,7}\"|1|[{]}|)[}]") {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&line).is_ok();
            prop_assert_eq!(parse(&line, "k", Some("k")).splice.is_some(), is_json);
        }
    }
}

//! Where in a JSON object a key's value stands.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::target::Lead;

/// Where the value of `key` belongs: in the place of the one that is there, of
/// the last where there are several, or behind the others. None where the line
/// is no object.
pub(super) fn place(line: &str, key: &str) -> Option<(Range<usize>, Lead)> {
    // What follows believes that it is JSON.
    serde_json::from_str::<IgnoredAny>(line).ok()?;
    let mut scan = Scan {
        bytes: line.as_bytes(),
        at: 0,
    };
    scan.blank();
    if scan.peek()? != b'{' {
        return None;
    }
    scan.at += 1;
    let (mut last, mut found, mut lead) = (scan.at, None, Lead::First);
    loop {
        scan.blank();
        match scan.peek()? {
            b'}' => break,
            b',' => scan.at += 1,
            _ => {
                let name = scan.value();
                scan.blank();
                // The colon.
                scan.at += 1;
                scan.blank();
                let value = scan.value();
                (last, lead) = (value.end, Lead::Added);
                if is_key(line.get(name)?, key) {
                    found = Some(value);
                }
            }
        }
    }
    Some(match found {
        Some(value) => (value, Lead::Replaced),
        None => (last..last, lead),
    })
}

/// Whether a text in JSON is this key.
fn is_key(text: &str, key: &str) -> bool {
    if text.contains('\\') {
        return serde_json::from_str::<String>(text).is_ok_and(|text| text == key);
    }
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    text == Some(key)
}

/// Goes through JSON.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Passes over a value, whatever is in it.
    fn value(&mut self) -> Range<usize> {
        let (start, mut depth) = (self.at, 0_usize);
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.text(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => break,
                byte if depth == 0 && byte.is_ascii_whitespace() => break,
                _ => self.at += 1,
            }
        }
        start..self.at
    }

    fn text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'"' => break,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn where_a_value_belongs() {
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
            let found = place(line, "k");
            let shown = found.map(|(at, _)| format!("{}|{}", &line[..at.start], &line[at.end..]));
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
        /// With a value in its place it is the same object with that value.
        #[test]
        fn only_that_value_changes(value in json(), spaced in any::<bool>()) {
            let line = if spaced { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let line = line.unwrap();
            let found = place(&line, "k");
            prop_assert_eq!(found.is_some(), value.is_object());
            if let (Some((at, lead)), Value::Object(mut object)) = (found, value) {
                let new = match lead {
                    Lead::Replaced => "7",
                    Lead::Added => ",\"k\":7",
                    Lead::First => "\"k\":7",
                };
                let line = format!("{}{new}{}", &line[..at.start], &line[at.end..]);
                object.insert("k".to_owned(), Value::from(7));
                let read: Value = serde_json::from_str(&line).unwrap();
                prop_assert_eq!(read, Value::Object(object));
            }
        }

        #[test]
        fn any_line_is_looked_through(line in "[\"\\\\{}:,k1 \\[\\]]{0,12}|\\PC*") {
            place(&line, "k");
        }
    }
}

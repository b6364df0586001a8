//! The answers of a plugin, kept to compare those of the next build with them.

use std::collections::HashMap;

use blake3::Hash;
use kumiki_text::{Error, ProcessResult};

/// The bytes of a text that are kept. Of the rest, only the hash is.
const KEPT: usize = 64 << 10;

/// The bytes that are kept of all answers of a run. Of the answers after them, only the
/// hashes are.
const KEPT_OF_RUN: usize = 32 << 20;

/// The beginning of a text, and a hash of all of it.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) start: String,
    pub(super) bytes: usize,
    hash: Hash,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self {
            start: text[..text.floor_char_boundary(KEPT)].to_owned(),
            bytes: text.len(),
            hash: blake3::hash(text.as_bytes()),
        }
    }

    /// Keeps only the hash.
    fn forget(&mut self) {
        self.start = String::new();
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.hash == other.hash
    }
}

/// What a plugin answered to a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Output {
        text: Text,
        /// The entries as one text.
        metadata: Text,
    },
    /// An error of the contract, or the reason why there is no answer.
    Error { kind: &'static str, message: Text },
}

impl Answer {
    pub(super) fn of(result: &Result<ProcessResult, Error>) -> Self {
        match result {
            Ok(result) => {
                let entries = result.metadata.iter();
                let entries: Vec<_> = entries
                    .map(|entry| format!("{}={}", entry.key, entry.value))
                    .collect();
                Self::Output {
                    text: Text::new(&result.output),
                    metadata: Text::new(&entries.join("  ")),
                }
            }
            Err(error) => Self::Error {
                kind: error.kind(),
                message: Text::new(&error.to_string()),
            },
        }
    }
}

impl Answer {
    /// The bytes that are kept.
    fn kept(&self) -> usize {
        match self {
            Self::Output { text, metadata } => text.start.len() + metadata.start.len(),
            Self::Error { message, .. } => message.start.len(),
        }
    }

    /// Keeps only the hashes.
    fn forget(&mut self) {
        match self {
            Self::Output { text, metadata } => {
                text.forget();
                metadata.forget();
            }
            Self::Error { message, .. } => message.forget(),
        }
    }
}

/// How an answer differs from the one before.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// There was no answer to this record.
    New,
    Same,
    From(Answer),
}

/// A record, whatever its place: its text, and how many records with the same text
/// are before it.
type Key = (Hash, u32);

/// The last answer to each record, and those of the current run.
#[derive(Default)]
pub(super) struct Answers {
    last: HashMap<Key, Answer>,
    current: HashMap<Key, Answer>,
    /// The bytes that are kept of the current run.
    kept: usize,
    /// The number of records with a text in the current run.
    seen: HashMap<Hash, u32>,
}

impl Answers {
    /// Adds the answer to the next record of the current run, and compares it with the
    /// last one.
    pub(super) fn add(&mut self, input: &str, mut answer: Answer) -> Change {
        let hash = blake3::hash(input.as_bytes());
        let seen = self.seen.entry(hash).or_default();
        let key = (hash, *seen);
        *seen += 1;
        let change = match self.last.get(&key) {
            None => Change::New,
            Some(last) if *last == answer => Change::Same,
            Some(last) => Change::From(last.clone()),
        };
        match self.kept + answer.kept() <= KEPT_OF_RUN {
            true => self.kept += answer.kept(),
            false => answer.forget(),
        }
        self.current.insert(key, answer);
        change
    }

    /// Ends the current run. Records that an incomplete run did not reach keep their
    /// last answer.
    pub(super) fn end_run(&mut self, is_complete: bool) {
        let current = std::mem::take(&mut self.current);
        match is_complete {
            true => self.last = current,
            false => self.last.extend(current),
        }
        self.seen.clear();
        self.kept = 0;
        // Answers of several incomplete runs.
        let mut kept = 0;
        for answer in self.last.values_mut() {
            kept += answer.kept();
            if kept > KEPT_OF_RUN {
                answer.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Answer {
        Answer::Output {
            text: Text::new(text),
            metadata: Text::new(""),
        }
    }

    /// Runs records and returns their changes: `+` new, `=` same, else the old output.
    fn run(answers: &mut Answers, records: &[(&str, &str)], is_complete: bool) -> Vec<String> {
        let changes = records.iter().map(|(input, text)| {
            let change = answers.add(input, output(text));
            match change {
                Change::New => "+".to_owned(),
                Change::Same => "=".to_owned(),
                Change::From(Answer::Output { text, .. }) => text.start,
                Change::From(Answer::Error { .. }) => "error".to_owned(),
            }
        });
        let changes = changes.collect();
        answers.end_run(is_complete);
        changes
    }

    #[test]
    fn answers_are_compared_by_record() {
        let first = [("a", "1"), ("b", "2"), ("a", "3")];
        for (case, second, expected) in [
            ("same", &first[..], &["=", "=", "="][..]),
            (
                "one changed",
                &[("a", "1"), ("b", "5"), ("a", "3")],
                &["=", "2", "="],
            ),
            (
                "inserted",
                &[("x", "9"), ("a", "1"), ("b", "2"), ("a", "3")],
                &["+", "=", "=", "="],
            ),
            ("removed", &[("b", "2"), ("a", "1")], &["=", "="]),
            (
                "moved",
                &[("b", "2"), ("a", "1"), ("a", "3")],
                &["=", "=", "="],
            ),
            (
                "third copy",
                &[("a", "1"), ("a", "3"), ("a", "4")],
                &["=", "=", "+"],
            ),
            ("none", &[], &[]),
        ] {
            let mut answers = Answers::default();
            assert_eq!(run(&mut answers, &first, true), ["+", "+", "+"]);
            assert_eq!(run(&mut answers, second, true), expected, "{case}");
        }
    }

    #[test]
    fn incomplete_run_keeps_the_answers_that_it_did_not_reach() {
        let mut answers = Answers::default();
        run(&mut answers, &[("a", "1"), ("b", "2")], true);
        assert_eq!(run(&mut answers, &[("a", "3")], false), ["1"]);
        assert_eq!(
            run(&mut answers, &[("a", "3"), ("b", "2")], true),
            ["=", "="]
        );
        // A complete run forgets the others.
        run(&mut answers, &[("a", "3")], true);
        assert_eq!(run(&mut answers, &[("b", "2")], true), ["+"]);
    }

    #[test]
    fn the_answers_of_all_records_are_kept_up_to_a_size() {
        let text = "a".repeat(KEPT);
        let inputs: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
        let mut answers = Answers::default();
        for is_complete in [true, false, false] {
            for input in &inputs {
                // Other records in each run.
                answers.add(&format!("{input} {is_complete}"), output(&text));
                let kept: usize = answers.current.values().map(Answer::kept).sum();
                assert!(kept <= KEPT_OF_RUN, "{kept}");
            }
            answers.end_run(is_complete);
            let kept: usize = answers.last.values().map(Answer::kept).sum();
            assert!(kept <= KEPT_OF_RUN && kept > KEPT_OF_RUN / 2, "{kept}");
        }
        // Those of which only the hash is kept are compared as well.
        let changed = |text: &str, answers: &mut Answers| {
            let changes = inputs.iter().map(|input| {
                let change = answers.add(&format!("{input} true"), output(text));
                u32::from(change != Change::Same)
            });
            let changed: u32 = changes.sum();
            answers.end_run(true);
            changed
        };
        assert_eq!(changed(&text, &mut answers), 0);
        assert_eq!(changed("b", &mut answers), 1000);
    }

    #[test]
    fn answers_differ_in_text_metadata_and_kind() {
        let text = || Text::new("a");
        let with = |metadata: &str| Answer::Output {
            text: text(),
            metadata: Text::new(metadata),
        };
        assert_eq!(with("k=v"), with("k=v"));
        assert_ne!(with("k=v"), with("k=w"));
        let error = |kind, message: &str| Answer::Error {
            kind,
            message: Text::new(message),
        };
        assert_ne!(with(""), error("trap", "a"));
        assert_eq!(error("trap", "a"), error("trap", "a"));
        assert_ne!(error("trap", "a"), error("trap", "b"));
        assert_ne!(error("trap", "a"), error("limit", "a"));
    }

    #[test]
    fn texts_that_differ_after_the_kept_part_are_different() {
        let long = |end: &str| Text::new(&("木".repeat(KEPT) + end));
        let text = long("a");
        assert!(text.start.len() <= KEPT && text.start.ends_with('木'));
        assert_eq!(text, long("a"));
        assert_ne!(text, long("b"));
        assert_ne!(text, long("ab"));
    }
}

//! The well-behaved plugins of the soak test, in four languages, and their correct
//! results.

use kumiki_text::{KeyValue, ProcessResult};
use test_components::guests::Guest;

use super::player::{Right, Work};

/// The words of the inputs, in a different order each time. No letter has different
/// upper-case or lower-case forms in different languages.
const WORDS: [&str; 8] = [
    "Kumiki", "組木", "Straße", "42", "naïve", "ИДЕЯ", "木", "joinery",
];

const PLUGINS: [(&str, Right); COUNT] = [
    ("text-upper", upper),
    ("text-reverse-c", reverse),
    ("text-wordcount-js", count),
    ("text-slug-go", slug),
];

/// The number of well-behaved plugins.
pub(super) const COUNT: usize = 4;

/// The well-behaved plugins, or the name of one that is not built.
pub(super) fn plugins() -> Result<Vec<Work>, String> {
    let plugin = |(name, right)| {
        let guest = Guest::find(name);
        let path = guest.path().map_err(|why| format!("{name}: {why}"))?;
        let bytes = std::fs::read(path).map_err(|error| format!("{name}: {error}"))?;
        Ok(Work::Answer { name, bytes, right })
    };
    PLUGINS.into_iter().map(plugin).collect()
}

/// The input of a call: a few words, and in every thousandth call 64 KiB of words.
pub(super) fn input(call: usize) -> String {
    let words = if call % 1000 == 999 {
        8192
    } else {
        1 + call % 7
    };
    let word = |at: usize| WORDS[(call / 7 + at * (1 + call % 3)) % WORDS.len()];
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

fn upper(input: &str) -> ProcessResult {
    let length = input.len().to_string();
    result(
        input.to_uppercase(),
        &[("original_length", &length), ("transform", "uppercase")],
    )
}

fn reverse(input: &str) -> ProcessResult {
    result(input.chars().rev().collect(), &[("transform", "reverse")])
}

fn count(input: &str) -> ProcessResult {
    let words = input.split(' ').count().to_string();
    let characters = input.chars().count().to_string();
    result(
        format!("Words: {words}, Characters: {characters}"),
        &[
            ("word_count", &words),
            ("char_count", &characters),
            ("transform", "wordcount"),
        ],
    )
}

fn slug(input: &str) -> ProcessResult {
    let words = input.split(' ').count().to_string();
    result(
        input.to_lowercase().replace(' ', "-"),
        &[("words", &words), ("transform", "slug")],
    )
}

fn result(output: String, metadata: &[(&str, &str)]) -> ProcessResult {
    let entry = |(key, value): &(&str, &str)| KeyValue {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    ProcessResult {
        output,
        metadata: metadata.iter().map(entry).collect(),
    }
}

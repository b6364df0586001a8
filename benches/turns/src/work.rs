//! The work, its input, and the expected answer.

/// The work of a contender for one text. Each kind gives exactly the same bytes as one
/// of the example plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Returns the text, which measures the cost of a call.
    Echo,
    /// Only upper-cases.
    Bare,
    /// `text-upper`: upper-cases, logs once, and adds two entries of metadata.
    Upper,
    /// `text-wordcount-js`: counts words and characters, logs once, three
    /// entries.
    Words,
    /// `text-title-py`: title-cases words, logs once, two entries.
    Title,
    /// `text-reverse-c`: reverses the text, logs once, one entry.
    Reverse,
    /// `text-slug-go`: joins words by hyphens, logs once, two entries.
    Slug,
}

impl Work {
    /// All kinds of work.
    pub const ALL: [Self; 7] = [
        Self::Echo,
        Self::Bare,
        Self::Upper,
        Self::Words,
        Self::Title,
        Self::Reverse,
        Self::Slug,
    ];

    /// Returns its name in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Bare => "bare",
            Self::Upper => "upper",
            Self::Words => "words",
            Self::Title => "title",
            Self::Reverse => "reverse",
            Self::Slug => "slug",
        }
    }

    /// Finds the work with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.name() == name)
    }

    /// Computes the expected answer to an [`input`] in native Rust. Log messages go to
    /// `log`.
    pub fn answer(self, text: &str, log: impl FnOnce(&str)) -> Answer {
        let entry = |key: &str, value: String| (key.to_owned(), value);
        match self {
            Self::Echo => Answer::bare(text.to_owned()),
            Self::Bare => Answer::bare(text.to_uppercase()),
            Self::Upper => {
                log(&format!("Processed {} characters", text.chars().count()));
                Answer {
                    output: text.to_uppercase(),
                    metadata: vec![
                        entry("original_length", text.len().to_string()),
                        entry("transform", "uppercase".to_owned()),
                    ],
                }
            }
            Self::Words => {
                let (words, characters) = (text.split_whitespace().count(), text.chars().count());
                let output = format!("Words: {words}, Characters: {characters}");
                log(&output);
                Answer {
                    output,
                    metadata: vec![
                        entry("word_count", words.to_string()),
                        entry("char_count", characters.to_string()),
                        entry("transform", "wordcount".to_owned()),
                    ],
                }
            }
            Self::Title => {
                let words = text.split_whitespace().count();
                log(&format!("Title-cased {words} words"));
                Answer {
                    output: title(text),
                    metadata: vec![
                        entry("words", words.to_string()),
                        entry("transform", "titlecase".to_owned()),
                    ],
                }
            }
            Self::Reverse => {
                log("Reversed string");
                Answer {
                    output: text.chars().rev().collect(),
                    metadata: vec![entry("transform", "reverse".to_owned())],
                }
            }
            Self::Slug => {
                let lower = text.to_lowercase();
                let words = lower.split(|it: char| !it.is_alphanumeric());
                let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
                log(&format!("Joined {} words", words.len()));
                Answer {
                    output: words.join("-"),
                    metadata: vec![
                        entry("words", words.len().to_string()),
                        entry("transform", "slug".to_owned()),
                    ],
                }
            }
        }
    }
}

/// Capitalises each word and lower-cases the rest; sufficient for [`input`].
fn title(text: &str) -> String {
    let mut starts = true;
    let case = |it: char| {
        let first = std::mem::replace(&mut starts, it.is_whitespace());
        match first {
            true => it.to_ascii_uppercase(),
            false => it.to_ascii_lowercase(),
        }
    };
    text.chars().map(case).collect()
}

/// The answer of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The output.
    pub output: String,
    /// The metadata: keys and values.
    pub metadata: Vec<(String, String)>,
}

impl Answer {
    /// Creates an answer without metadata.
    #[must_use]
    pub fn bare(output: String) -> Self {
        Self {
            output,
            metadata: Vec::new(),
        }
    }

    /// Returns the digest that the driver compares.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        digest.add(self);
        digest
    }
}

/// A hash of answers (FNV-1a, 64 bits), which need not resist forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds another answer.
    pub fn add(&mut self, answer: &Answer) {
        self.text(&answer.output);
        for (key, value) in &answer.metadata {
            self.text(key);
            self.text(value);
        }
    }

    fn text(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Creates a text of `size` bytes by repeating `Hello, Component Mod!`, which has 21.
#[must_use]
pub fn input(size: usize) -> String {
    const TEXT: &str = "Hello, Component Mod! ";
    let mut text = TEXT.repeat(size / TEXT.len() + 1);
    text.truncate(size);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_the_plugins() {
        let cases = [
            (Work::Echo, "Hello, Component Mod!", ""),
            (
                Work::Upper,
                "HELLO, COMPONENT MOD!",
                "Processed 21 characters",
            ),
            (
                Work::Words,
                "Words: 3, Characters: 21",
                "Words: 3, Characters: 21",
            ),
            (Work::Title, "Hello, Component Mod!", "Title-cased 3 words"),
            (Work::Reverse, "!doM tnenopmoC ,olleH", "Reversed string"),
            (Work::Slug, "hello-component-mod", "Joined 3 words"),
        ];
        for (work, output, logged) in cases {
            let mut log = String::new();
            let answer = work.answer(&input(21), |line| log.push_str(line));
            assert_eq!((&*answer.output, &*log), (output, logged));
        }
    }

    #[test]
    fn digests_tell_answers_apart() {
        let digests: Vec<_> = Work::ALL
            .iter()
            .map(|work| work.answer("a b", |_| ()).digest().0)
            .collect();
        for (at, digest) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(digest), "{:?}", Work::ALL[at]);
        }
    }
}

//! Why contenders are skipped. Each reason is said once: on standard error when it is
//! found, and in a list below the table, to which the rows refer by number.

use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Skipped {
    /// The reasons that were printed.
    said: BTreeSet<String>,
    reasons: Vec<Reason>,
}

struct Reason {
    why: String,
    contenders: Vec<&'static str>,
}

impl Skipped {
    /// Prints why `what` is skipped, unless this reason was printed before.
    pub(super) fn say(&mut self, what: &str, why: &str) {
        if self.said.insert(why.to_owned()) {
            eprintln!("xtask: {what} is skipped: {why}");
        }
    }

    /// Adds a contender of a row. Returns the number of its reason in the list.
    pub(super) fn add(&mut self, contender: &'static str, why: &str) -> usize {
        self.say(contender, why);
        let known = self.reasons.iter().position(|reason| reason.why == why);
        let index = known.unwrap_or_else(|| {
            self.reasons.push(Reason {
                why: why.to_owned(),
                contenders: Vec::new(),
            });
            self.reasons.len() - 1
        });
        let contenders = &mut self.reasons[index].contenders;
        if !contenders.contains(&contender) {
            contenders.push(contender);
        }
        index + 1
    }

    /// Returns the list as Markdown, with a heading; empty if nothing was skipped.
    pub(super) fn list(&self) -> String {
        if self.reasons.is_empty() {
            return String::new();
        }
        let reasons = (1..).zip(&self.reasons);
        let lines = reasons.map(|(number, Reason { why, contenders })| {
            format!("{number}. {}: {}\n", contenders.join(", "), one_line(why))
        });
        format!("\n### Skipped\n\n{}", lines.collect::<String>())
    }
}

/// Joins the lines of a text.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// Formats a text as a cell of a Markdown table: in one line, with its bars escaped.
pub(super) fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_listed_once_with_its_contenders() {
        let mut skipped = Skipped::default();
        assert_eq!(skipped.list(), "");
        // Said before the table, by no contender of it.
        skipped.say("Extism", "it is old\nhint: update");
        assert_eq!(skipped.list(), "");
        assert_eq!(skipped.add("lua", "no C compiler"), 1);
        assert_eq!(skipped.add("extism", "it is old\nhint: update"), 2);
        assert_eq!(skipped.add("extism", "it is old\nhint: update"), 2);
        assert_eq!(skipped.add("quickjs", "no C compiler"), 1);
        assert_eq!(
            skipped.list(),
            "\n### Skipped\n\n\
             1. lua, quickjs: no C compiler\n\
             2. extism: it is old; hint: update\n"
        );
    }

    #[test]
    fn a_cell_is_one_line_without_bars() {
        assert_eq!(cell("plain, 21 bytes"), "plain, 21 bytes");
        assert_eq!(cell("`a | b`\n\n  hint: c|d\r\n"), "`a \\| b`; hint: c\\|d");
    }
}

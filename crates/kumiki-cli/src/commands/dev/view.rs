//! Prints the results of a round.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::answer::{Answer, Change, Text};
use super::difference::{Part, both_shown, shown};
use super::times::Times;
use crate::console::{escape, plural};

const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const OK: Style = AnsiColor::Green.on_default().bold();
const PLACE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// The numbers of a round.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) cases: u64,
    pub(super) failed_cases: u64,
    /// The records of the sample.
    pub(super) records: u64,
    pub(super) new: u64,
    pub(super) changed: u64,
    /// Records of the sample that trapped or exceeded a limit, except for cases, which
    /// are failed cases.
    pub(super) failed: u64,
}

impl Counts {
    /// Counts one record of the sample.
    pub(super) fn add(&mut self, change: &Change) {
        self.records += 1;
        self.new += u64::from(*change == Change::New);
        self.changed += u64::from(matches!(change, Change::From(_)));
    }
}

/// Prints which file changed.
pub(super) fn changed(path: &Path) -> io::Result<()> {
    let path = path.display().to_string();
    let mut out = anstream::stdout().lock();
    writeln!(out, "\n{QUIET}{} changed{QUIET:#}", escape(&path))
}

/// Prints the place of a record and its beginning.
pub(super) fn record(place: &str, input: &str) -> io::Result<()> {
    let (place, input) = (escape(place), shown(&Text::new(input)).quoted());
    let mut out = anstream::stdout().lock();
    writeln!(out, "{PLACE}{place}{PLACE:#}  {QUIET}{input}{QUIET:#}")
}

/// Prints an answer, and the last one if it was different.
pub(super) fn answer(change: &Change, answer: &Answer) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match change {
        Change::New => writeln!(out, "    {}", whole(answer)),
        // Shown for another reason.
        Change::Same => writeln!(out, "  = {}", whole(answer)),
        Change::From(old) => {
            let (old, new) = both(old, answer);
            writeln!(out, "  {OLD}- {old}{OLD:#}")?;
            writeln!(out, "  {NEW}+ {new}{NEW:#}")
        }
    }
}

/// Prints why a case failed.
pub(super) fn wrong(wrong: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "  {FAILED}FAILED{FAILED:#}  {}", escape(wrong))
}

/// Prints that more records would have been shown.
pub(super) fn more(records: u64) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "and {} more", plural(records, "record"))
}

/// Prints the last line of a round.
pub(super) fn summary(counts: &Counts, times: &Times) -> io::Result<()> {
    let mut parts = Vec::new();
    if counts.cases > 0 {
        parts.push(cases(counts));
    }
    if counts.records > 0 {
        parts.push(records(counts));
    }
    parts.push(time(times));
    writeln!(anstream::stdout().lock(), "{}", parts.join("; "))
}
fn cases(counts: &Counts) -> String {
    let Counts {
        cases,
        failed_cases,
        ..
    } = counts;
    match failed_cases {
        0 => format!("{OK}all {} passed{OK:#}", plural(*cases, "case")),
        failed => format!(
            "{FAILED}{failed} of {} failed{FAILED:#}",
            plural(*cases, "case")
        ),
    }
}

fn records(counts: &Counts) -> String {
    let all = plural(counts.records, "record");
    let mut text = match counts.failed {
        0 => all,
        failed if failed == counts.records => format!("{FAILED}{all} failed{FAILED:#}"),
        failed => format!("{FAILED}{failed} of {all} failed{FAILED:#}"),
    };
    let same = counts.new == 0 && counts.changed == 0;
    for (count, what) in [
        (counts.changed, "changed"),
        // In the first round, all are new.
        (counts.new % counts.records, "new"),
    ] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    if same {
        text += ", none changed";
    }
    text
}

fn time(times: &Times) -> String {
    let part = |name: &str, time: Option<Duration>| {
        time.map(|time| format!("{name} {:.2} s", time.as_secs_f64()))
    };
    let parts = [
        part("build", times.build),
        part("load", times.load),
        part("run", Some(times.run)),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let whole = times.start.elapsed().as_secs_f64();
    format!("{whole:.2} s ({})", parts.join(", "))
}

/// An answer in one line.
fn whole(answer: &Answer) -> String {
    match answer {
        Answer::Output { text, metadata } => output(&shown(text), &shown(metadata)),
        Answer::Error { kind, .. } => format!("error: {kind}"),
    }
}

/// Two different answers, each in one line. Metadata that is the same is omitted.
fn both(old: &Answer, new: &Answer) -> (String, String) {
    let (
        Answer::Output { text, metadata },
        Answer::Output {
            text: new_text,
            metadata: new_metadata,
        },
    ) = (old, new)
    else {
        return (whole(old), whole(new));
    };
    let (text, new_text) = both_shown(text, new_text);
    if metadata == new_metadata {
        return (text.quoted(), new_text.quoted());
    }
    let (metadata, new_metadata) = both_shown(metadata, new_metadata);
    (output(&text, &metadata), output(&new_text, &new_metadata))
}

/// An output and its metadata in one line.
fn output(text: &Part, metadata: &Part) -> String {
    let (text, metadata) = (text.quoted(), metadata.plain());
    match metadata.is_empty() {
        true => text,
        false => format!("{text}  [{metadata}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_failed_are_said_to_have_failed() {
        let text = |records, new, changed, failed| {
            let counts = Counts {
                records,
                new,
                changed,
                failed,
                ..Counts::default()
            };
            anstream::adapter::strip_str(&super::records(&counts)).to_string()
        };
        for (counts, expected) in [
            ((1, 1, 0, 0), "1 record"),
            ((5, 0, 0, 0), "5 records, none changed"),
            ((1, 0, 1, 1), "1 record failed, 1 changed"),
            ((1, 0, 0, 1), "1 record failed, none changed"),
            ((5, 1, 2, 3), "3 of 5 records failed, 2 changed, 1 new"),
        ] {
            let (records, new, changed, failed) = counts;
            assert_eq!(text(records, new, changed, failed), expected);
        }
    }
}

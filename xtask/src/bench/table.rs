//! Formats the table as Markdown.

use super::rounds::{Measured, Times};
use super::rows::{Bound, Row, Value};

pub(crate) struct Table {
    text: String,
    goals: Vec<String>,
}

impl Table {
    /// Creates a table that starts with a description of the machine.
    pub(crate) fn new(machine: String) -> Self {
        Self {
            text: machine,
            goals: Vec::new(),
        }
    }

    /// Starts a part of the table.
    pub(crate) fn part(&mut self, title: &str) {
        self.text += &format!(
            "\n### {title}\n\n| row | contender | minimum | median | times Kumiki | also |\n\
             | --- | --- | --- | --- | --- | --- |\n"
        );
    }

    /// Adds a row: a line for each contender, and its goals.
    pub(crate) fn row(&mut self, row: &Row, measured: &Measured) {
        let mut title = row.title.as_str();
        for (name, times) in &measured.contenders {
            let line = match times {
                Ok(times) => {
                    let ratio = measured.ratio(name, "kumiki");
                    let ratio = ratio.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"));
                    format!(
                        "| {title} | {name} | {} | {} | {ratio} | {} |\n",
                        time(times.minimum()),
                        time(times.median()),
                        facts(times)
                    )
                }
                Err(why) => format!("| {title} | {name} | - | - | - | skipped: {why} |\n"),
            };
            self.text += &line.replace("hint: ", "");
            // Only in the first line of the row.
            title = "";
        }
        for goal in &row.goals {
            let number = match goal.value {
                Value::Ratio(a, b) => measured.ratio(a, b),
                Value::Time(name) => measured.times(name).map(Times::median),
                Value::Fact(name, fact) => measured.times(name).and_then(|it| it.fact(fact)),
            };
            let shown = number.map(|number| match goal.value {
                Value::Ratio(..) => format!("{number:.2}"),
                Value::Time(_) => time(number),
                Value::Fact(_, fact) => amount(fact, number),
            });
            self.goal(&row.title, goal.text, number, shown, goal.bound);
        }
    }

    /// Adds a goal; `None` means that it could not be measured.
    fn goal(
        &mut self,
        row: &str,
        text: &str,
        number: Option<f64>,
        shown: Option<String>,
        bound: Bound,
    ) {
        let outcome = match number {
            Some(number) if bound.is_met(number) => "met",
            Some(_) => "**MISSED**",
            None => "not measured",
        };
        let shown = shown.unwrap_or_else(|| "-".to_owned());
        self.goals
            .push(format!("| {row} | {text} | {shown} | {outcome} |\n"));
    }

    /// Returns the whole table, with the goals at its end.
    pub(crate) fn finish(mut self) -> String {
        if !self.goals.is_empty() {
            self.text += "\n### Goals\n\n| row | goal | measured | |\n| --- | --- | --- | --- |\n";
            self.text += &self.goals.concat();
        }
        self.text
    }
}

fn facts(times: &Times) -> String {
    let facts = times.facts.iter();
    let facts: Vec<_> = facts.map(|(name, number)| amount(name, *number)).collect();
    facts.join(", ")
}

fn amount(name: &str, number: f64) -> String {
    match name {
        "bytes" => format!("{:.1} KiB each", number / 1024.0),
        "mappings" => format!("{number:.1} mappings each"),
        "peak" => format!("{:.0} MB peak", number / 1e6),
        "rate" => format!("{:.0} MB/s", number / 1e6),
        name => format!("{number} {name}"),
    }
}

/// Formats nanoseconds with a suitable unit.
pub(super) fn time(nanoseconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
    let unit = UNITS.iter().find(|(size, _)| nanoseconds >= *size);
    let (size, unit) = unit.copied().unwrap_or((1.0, "ns"));
    let number = nanoseconds / size;
    let digits = match number {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let cases = [
            (0.4, "0.40 ns"),
            (21.04, "21.0 ns"),
            (1234.0, "1.23 µs"),
            (532_000.0, "532 µs"),
            (2.5e9, "2.50 s"),
        ];
        for (nanoseconds, expected) in cases {
            assert_eq!(time(nanoseconds), expected);
        }
    }

    #[test]
    fn goals_are_met_missed_or_not_measured() {
        let mut table = Table::new(String::new());
        for number in [Some(1.0), Some(1.2), None] {
            table.goal("row", "at most 1.1", number, None, Bound::AtMost(1.1));
        }
        let text = table.finish();
        let outcomes: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| row | at most 1.1 | - | "))
            .collect();
        assert_eq!(outcomes, ["met |", "**MISSED** |", "not measured |"]);
    }
}

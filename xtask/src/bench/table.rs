//! Formats the table as Markdown.

use super::rounds::{Measured, Times};
use super::rows::{Bound, Row, Value};
use super::skipped::{Skipped, cell};

pub(crate) struct Table {
    text: String,
    goals: Vec<String>,
    skipped: Skipped,
}

impl Table {
    /// Creates a table that starts with a description of the machine.
    pub(super) fn new(machine: String, skipped: Skipped) -> Self {
        Self {
            text: machine,
            goals: Vec::new(),
            skipped,
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
        let mut title = cell(&row.title);
        for (name, times) in &measured.contenders {
            let measurements = match times {
                Ok(times) => {
                    let ratio = measured.ratio(name, "kumiki");
                    let ratio = ratio.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"));
                    let (minimum, median) = (time(times.minimum()), time(times.median()));
                    format!("{minimum} | {median} | {ratio} | {}", cell(&facts(times)))
                }
                Err(why) => {
                    let number = self.skipped.add(name, why);
                    format!("- | - | - | skipped ({number})")
                }
            };
            self.text += &format!("| {title} | {name} | {measurements} |\n");
            // Only in the first line of the row.
            title.clear();
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
        self.goals.push(format!(
            "| {} | {text} | {shown} | {outcome} |\n",
            cell(row)
        ));
    }

    /// Returns the whole table, with what was skipped and the goals at its end.
    pub(crate) fn finish(mut self) -> String {
        self.text += &self.skipped.list();
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
    use kumiki_turns::Work;

    use super::super::rows::row;
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
        let mut table = Table::new(String::new(), Skipped::default());
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
    /// The reason contains all that would break a line of the table.
    #[test]
    fn reasons_do_not_break_the_table() {
        let why = "`cc | ld` failed\nhint: apt-get install gcc";
        let measured = Measured {
            contenders: vec![
                (
                    "kumiki",
                    Ok(Times {
                        turns: vec![10.0],
                        facts: vec![("rate".to_owned(), 2e6)],
                    }),
                ),
                ("extism", Err("it is too old\nhint: update".to_owned())),
                ("lua", Err(why.to_owned())),
            ],
        };
        let mut table = Table::new(String::new(), Skipped::default());
        table.part("Calls");
        table.row(&row("one", "", Work::Echo, 0), &measured);
        table.row(&row("a | b", "", Work::Echo, 0), &measured);
        assert_eq!(
            table.finish(),
            "\n### Calls\n\n\
             | row | contender | minimum | median | times Kumiki | also |\n\
             | --- | --- | --- | --- | --- | --- |\n\
             | one | kumiki | 10.0 ns | 10.0 ns | 1.00 | 2 MB/s |\n\
             |  | extism | - | - | - | skipped (1) |\n\
             |  | lua | - | - | - | skipped (2) |\n\
             | a \\| b | kumiki | 10.0 ns | 10.0 ns | 1.00 | 2 MB/s |\n\
             |  | extism | - | - | - | skipped (1) |\n\
             |  | lua | - | - | - | skipped (2) |\n\
             \n### Skipped\n\n\
             1. extism: it is too old; hint: update\n\
             2. lua: `cc | ld` failed; hint: apt-get install gcc\n"
        );
    }
}

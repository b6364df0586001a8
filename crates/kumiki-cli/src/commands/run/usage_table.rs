//! Table of what each plugin used in a run.

use bytesize::ByteSize;
use kumiki_text::Usage;

const HEAD: [&str; 10] = [
    "records",
    "refused",
    "failed",
    "longest call",
    "all calls",
    "memory",
    "log lines",
    "log",
    "output",
    "fuel",
];

/// Columns of [`brief`].
const BRIEF: [&str; 4] = ["records", "errors", "in calls", "memory"];

/// A heading, and a line for each plugin with everything measured: `--report`.
pub(super) fn table<'a>(used: impl Iterator<Item = (&'a str, &'a Usage)>) -> Vec<String> {
    lines(HEAD, used.map(|(name, usage)| (name, cells(usage))))
}

/// A heading, and a line for each plugin with the main values: the default.
pub(super) fn brief<'a>(used: impl Iterator<Item = (&'a str, &'a Usage)>) -> Vec<String> {
    let cells = |usage: &Usage| {
        [
            usage.records.to_string(),
            (usage.refused + usage.failed).to_string(),
            format!("{:.1?}", usage.time),
            bytes(usage.memory),
        ]
    };
    lines(BRIEF, used.map(|(name, usage)| (name, cells(usage))))
}

/// Formats a heading and rows with aligned columns.
fn lines<'a, const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = (&'a str, [String; N])>,
) -> Vec<String> {
    let head = ("plugin", head.map(str::to_owned));
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let width = |cell: &str| cell.chars().count();
    let names = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let widest = |column: usize| {
        let cells = rows.iter().map(|(_, cells)| width(&cells[column]));
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(widest).collect();
    rows.iter()
        .map(|(name, cells)| {
            let cells = cells.iter().zip(&widths);
            let cells: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:>width$}"))
                .collect();
            format!("{name:<names$}  {}", cells.join("  "))
        })
        .collect()
}

fn cells(usage: &Usage) -> [String; 10] {
    [
        usage.records.to_string(),
        usage.refused.to_string(),
        usage.failed.to_string(),
        format!("{:.1?}", usage.longest),
        format!("{:.1?}", usage.time),
        bytes(usage.memory),
        usage.log_records.to_string(),
        bytes(usage.log_bytes),
        bytes(usage.output),
        usage.fuel.map_or("-".to_owned(), |fuel| fuel.to_string()),
    ]
}

fn bytes(bytes: usize) -> String {
    ByteSize::b(bytes as u64).display().iec().to_string()
}

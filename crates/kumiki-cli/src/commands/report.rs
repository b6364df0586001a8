//! What each plugin used in a run, as a table.

use bytesize::ByteSize;
use kumiki_text::{TextPlugin, Usage};

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

/// A line for each plugin that was measured, below a heading; a column is as
/// wide as its widest cell.
pub(super) fn table(plugins: &[TextPlugin]) -> Vec<String> {
    let measured = plugins.iter().filter_map(|plugin| {
        let cells = cells(plugin.usage()?);
        Some((plugin.name().to_owned(), cells))
    });
    let head = ("plugin".to_owned(), HEAD.map(str::to_owned));
    let rows: Vec<_> = std::iter::once(head).chain(measured).collect();
    let width = |cell: &str| cell.chars().count();
    let names = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            rows.iter()
                .map(|(_, cells)| width(&cells[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
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
    let bytes = |bytes: usize| ByteSize::b(bytes as u64).display().iec().to_string();
    [
        usage.calls.to_string(),
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

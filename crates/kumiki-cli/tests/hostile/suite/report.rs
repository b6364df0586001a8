//! The table at the end of a run.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The rows that have run.
#[derive(Default)]
pub(crate) struct Report {
    rows: Mutex<Vec<Row>>,
}

/// One row that has run.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) outcome: String,
    pub(crate) elapsed: Duration,
    /// The growth of memory in bytes, if the system reports it.
    pub(crate) peak: Option<usize>,
    pub(crate) is_unexpected: bool,
}

impl Report {
    pub(crate) fn add(&self, row: Row) {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(row);
    }

    /// Prints the table to standard output, or nothing if no row ran.
    pub(crate) fn print(&self) {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_empty() {
            return;
        }
        let mut text = format!(
            "\n{:50} {:48} {:>8} {:>9}\n",
            "attack", "outcome", "time", "peak"
        );
        for row in &*rows {
            text.push_str(&line(row));
        }
        let unexpected = rows.iter().filter(|row| row.is_unexpected).count();
        text.push_str(&format!(
            "{} attacks, {unexpected} unexpected outcomes\n",
            rows.len()
        ));
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
}

fn line(row: &Row) -> String {
    let outcome: String = row.outcome.escape_debug().take(48).collect();
    let milliseconds = row.elapsed.as_millis();
    let peak = match row.peak {
        Some(bytes) => format!("{} MiB", bytes >> 20),
        None => "unknown".to_owned(),
    };
    let mark = if row.is_unexpected {
        "  UNEXPECTED"
    } else {
        ""
    };
    format!(
        "{:50} {outcome:48} {milliseconds:>5} ms {peak:>9}{mark}\n",
        row.name
    )
}

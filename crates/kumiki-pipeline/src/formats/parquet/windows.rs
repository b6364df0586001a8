//! The memory of rows that are read at once.

/// Maximum rows that are read at once: a power of two.
pub(super) const MAX_ROWS: usize = 1 << (STEPS - 1);
const STEPS: usize = 13;

/// Maximum bytes of 1, 2, 4, … and [`MAX_ROWS`] rows, anywhere in a column where
/// rows are cut into parts of this number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Windows {
    most: [usize; STEPS],
}

impl Windows {
    /// Rows of equal size.
    pub(super) fn even(row: usize) -> Self {
        let most = std::array::from_fn(|step| row.saturating_mul(1 << step));
        Self { most }
    }

    /// Adds those of another column.
    pub(super) fn add(&mut self, other: &Self) {
        for (most, more) in self.most.iter_mut().zip(other.most) {
            *most = most.saturating_add(more);
        }
    }

    /// Maximum bytes of a row.
    pub(super) fn row(&self) -> usize {
        self.most[0]
    }

    /// The most rows that have at most `bytes` bytes: a power of two.
    pub(super) fn rows_within(&self, bytes: usize) -> usize {
        let step = self.most.iter().rposition(|most| *most <= bytes);
        1 << step.unwrap_or(0)
    }
}

/// Measures rows, one after the other.
#[derive(Debug, Default)]
pub(super) struct RowSizes {
    found: Windows,
    /// Bytes of the window of each size that the next row is in.
    open: [usize; STEPS],
    /// Number of rows that ended.
    rows: usize,
    /// Bytes of the row that has not ended.
    row: usize,
    is_open: bool,
}

impl RowSizes {
    /// Begins a row of this many bytes.
    pub(super) fn begin(&mut self, bytes: usize) {
        self.end();
        (self.row, self.is_open) = (bytes, true);
    }

    /// Begins `count` rows of this many bytes each.
    pub(super) fn begin_many(&mut self, count: usize, bytes: usize) {
        let mut left = count;
        while left > 0 {
            self.begin(bytes);
            left -= 1;
            // Whole windows of equal rows are the same.
            if (self.rows + 1).is_multiple_of(MAX_ROWS) && left > MAX_ROWS {
                self.end();
                let windows = (left - 1) / MAX_ROWS;
                let even = Windows::even(bytes);
                for (most, found) in self.found.most.iter_mut().zip(even.most) {
                    *most = (*most).max(found);
                }
                self.rows = self.rows.saturating_add(windows * MAX_ROWS);
                left -= windows * MAX_ROWS;
            }
        }
    }

    /// Adds bytes to the row that was begun last. `false` where none was.
    pub(super) fn extend(&mut self, bytes: usize) -> bool {
        self.row = self.row.saturating_add(bytes);
        self.is_open
    }

    /// Bytes of the row that was begun last.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// The number of rows that were begun.
    pub(super) fn begun(&self) -> usize {
        self.rows.saturating_add(usize::from(self.is_open))
    }

    /// Maximum bytes of the rows, and their number.
    pub(super) fn finish(mut self) -> (Windows, usize) {
        self.end();
        for step in 1..STEPS {
            let below = self.open[step - 1];
            self.open[step] = self.open[step].saturating_add(below);
        }
        for (most, open) in self.found.most.iter_mut().zip(self.open) {
            *most = (*most).max(open);
        }
        (self.found, self.rows)
    }

    /// Ends the row that is open.
    fn end(&mut self) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        self.rows += 1;
        let mut bytes = std::mem::take(&mut self.row);
        for step in 0..STEPS {
            let window = self.open[step].saturating_add(bytes);
            if !self.rows.is_multiple_of(1 << step) {
                self.open[step] = window;
                return;
            }
            // The window ends here, and is a part of the next larger one.
            self.found.most[step] = self.found.most[step].max(window);
            self.open[step] = 0;
            bytes = window;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, without cleverness.
    fn simple(rows: &[usize]) -> Windows {
        let largest = |step: usize| {
            let windows = rows.chunks(1 << step).map(|window| window.iter().sum());
            windows.max().unwrap_or(0)
        };
        Windows {
            most: std::array::from_fn(largest),
        }
    }

    #[test]
    fn many_equal_rows_are_counted_at_once() {
        for (before, count) in [
            (0, 20_000),
            (5_000, 9_000),
            (4_096, 8_192),
            (3, 4_093),
            (1, 1),
        ] {
            let mut sizes = RowSizes::default();
            let mut rows = vec![7; before];
            (0..before).for_each(|_| sizes.begin(7));
            sizes.begin_many(count, 2);
            rows.extend(vec![2; count]);
            sizes.extend(100);
            *rows.last_mut().unwrap() += 100;
            assert_eq!(
                sizes.finish(),
                (simple(&rows), rows.len()),
                "{before} {count}"
            );
        }
        let mut sizes = RowSizes::default();
        sizes.begin_many(usize::MAX / 2, usize::MAX / 2);
        assert_eq!(sizes.finish().1, usize::MAX / 2);
    }

    #[test]
    fn rows_are_chosen_by_their_bytes() {
        let mut windows = Windows::even(1000);
        assert_eq!((windows.rows_within(8 << 20), windows.row()), (4096, 1000));
        windows.add(&Windows::even(3000));
        assert_eq!(windows.rows_within(8 << 20), 2048);
        assert_eq!(windows.rows_within(10), 1);
    }

    proptest! {
        #[test]
        fn windows_have_their_largest_sum(rows in proptest::collection::vec(0..100_usize, 0..300)) {
            let mut sizes = RowSizes::default();
            for row in &rows {
                sizes.begin(row / 2);
                sizes.extend(row - row / 2);
            }
            prop_assert_eq!(sizes.finish(), (simple(&rows), rows.len()));
        }
    }
}

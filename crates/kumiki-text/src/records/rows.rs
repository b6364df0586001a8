//! Records that are processed at the same time, and how far each has come.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kumiki::wasmtime::component::Accessor;
use kumiki::{CallTimer, StoreData};

use super::answers::Answers;
use super::concurrent::GuestResult;
use super::texts::TextRange;
use crate::contract::ProcessResult;
use crate::{Result, TextPlugin};

/// Records that are processed at the same time.
pub(super) struct Rows<'a> {
    inputs: TextRange<'a>,
    /// Bytes of answers at which no more records are started.
    enough: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The rows that were started.
    rows: Vec<Row>,
    /// Those of them that are to be started again, the last one first.
    again: Vec<usize>,
    /// Bytes of the answers.
    bytes: usize,
    /// How long the longest call took that was answered.
    longest: Duration,
}

pub(super) enum Row {
    /// To be started again.
    Again,
    /// It has no time limit yet.
    Started,
    InFlight(CallTimer),
    Answered(GuestResult),
    /// Processed alone, and counted.
    Done(Result<ProcessResult>),
}

impl<'a> Rows<'a> {
    pub(super) fn new(inputs: TextRange<'a>, enough: usize) -> Self {
        Self {
            inputs,
            enough,
            state: Mutex::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.inputs.len()
    }

    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn input(&self, row: usize) -> &'a str {
        self.inputs.get(row)
    }

    /// Whether records are to be started.
    pub(super) fn are_left(&self) -> bool {
        self.with(|state| !state.again.is_empty() || self.is_next(state))
    }

    /// Whether a record that was not started yet is to be started.
    fn is_next(&self, state: &State) -> bool {
        let is_wanted = state.rows.is_empty() || state.bytes < self.enough;
        is_wanted && state.rows.len() < self.len()
    }

    /// Starts the next record.
    pub(super) fn start(&self) -> Option<usize> {
        self.with(|state| match state.again.pop() {
            Some(row) => {
                state.rows[row] = Row::Started;
                Some(row)
            }
            None => self.is_next(state).then(|| {
                state.rows.push(Row::Started);
                state.rows.len() - 1
            }),
        })
    }

    /// Breaks if the answers are enough.
    pub(super) fn are_enough(&self) -> ControlFlow<()> {
        match self.with(|state| state.bytes >= self.enough) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Returns how long the longest call took that was answered.
    pub(super) fn longest(&self) -> Duration {
        self.with(|state| state.longest)
    }

    /// Starts the rows in flight again.
    pub(super) fn start_again(&self, in_flight: &[usize]) {
        self.with(|state| {
            for row in in_flight.iter().rev() {
                state.rows[*row] = Row::Again;
                state.again.push(*row);
            }
        });
    }

    pub(super) fn set(&self, row: usize, new: Row) {
        self.with(|state| {
            if let Row::Done(Ok(answer)) | Row::Answered(Ok(answer)) = &new {
                state.bytes += answer.output.len();
            }
            if let Some(row) = state.rows.get_mut(row) {
                *row = new;
            }
        });
    }

    pub(super) fn answer(&self, row: usize, answer: GuestResult, accessor: &Accessor<StoreData>) {
        let timer = self.with(|state| {
            let row = state.rows.get_mut(row)?;
            Some(std::mem::replace(row, Row::Started))
        });
        if let Some(Row::InFlight(timer)) = timer {
            self.with(|state| state.longest = state.longest.max(timer.elapsed()));
            timer.end(accessor);
        }
        self.set(row, Row::Answered(answer));
    }

    /// Returns the records that were started and have no answer.
    pub(super) fn unanswered(&self) -> Vec<usize> {
        self.numbers(|row| !matches!(row, Row::Answered(_) | Row::Done(_)))
    }

    /// Returns the records that are being processed.
    pub(super) fn in_flight(&self) -> Vec<usize> {
        self.numbers(|row| matches!(row, Row::Started | Row::InFlight(_)))
    }

    fn numbers(&self, is_wanted: impl Fn(&Row) -> bool) -> Vec<usize> {
        self.with(|state| {
            let rows = state.rows.iter().enumerate();
            rows.filter_map(|(number, row)| is_wanted(row).then_some(number))
                .collect()
        })
    }

    /// Returns how long a record that is being processed has waited.
    pub(super) fn waited(&self, row: usize) -> Duration {
        self.with(|state| match state.rows.get(row) {
            Some(Row::InFlight(timer)) => timer.waited(),
            _ => Duration::ZERO,
        })
    }

    /// Adds the answers, in order, up to the first record without one; returns their
    /// number. The answers after that are lost, and those records are processed again.
    pub(super) fn push_answered(self, plugin: &mut TextPlugin, answers: &mut Answers) -> usize {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut answered = 0;
        for row in state.rows {
            match row {
                Row::Answered(answer) => plugin.take_result(&answer, answers),
                Row::Done(answer) => answers.push(answer),
                Row::Again | Row::Started | Row::InFlight(_) => break,
            }
            answered += 1;
        }
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Texts;

    /// Starts up to `window` rows, as calls do.
    fn start(rows: &Rows<'_>, window: usize) -> Vec<usize> {
        std::iter::from_fn(|| rows.start()).take(window).collect()
    }

    #[test]
    fn rows_that_wait_to_be_started_again_are_not_in_flight() {
        let texts: Texts = ["a"; 40].into_iter().collect();
        let rows = Rows::new(TextRange::all(&texts), usize::MAX);
        assert_eq!(start(&rows, 17), (0..17).collect::<Vec<_>>());
        rows.start_again(&rows.in_flight());
        assert!(rows.in_flight().is_empty());
        assert_eq!(rows.unanswered(), (0..17).collect::<Vec<_>>());
        // In the same order, the others after them.
        assert_eq!(start(&rows, 16), (0..16).collect::<Vec<_>>());
        assert_eq!(rows.in_flight(), (0..16).collect::<Vec<_>>());
        rows.start_again(&rows.in_flight()[8..]);
        assert_eq!(start(&rows, 10), [8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    }
}

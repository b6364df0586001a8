//! Processing in batches, by the fastest mode that a plugin offers. A batch that
//! fails is split in two until the records that cause the failure are isolated.
//!
//! A failing record costs the others only time: each gets the result that
//! [`TextPlugin::process`] returns. `docs/decisions/0006-batches.md` describes how
//! limits and patience apply to a batch.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use kumiki::{Error as HostError, Limit};

use super::column;
use super::invalid_answer::{check_count, refused};
use super::parts::Allowance;
use super::texts::{TextRange, Texts};
use crate::contract::{KeyValue, ProcessError, ProcessResult};
use crate::plugin::call_mode::CallMode;
use crate::{Answers, Result, TextPlugin};

/// Maximum records in one call. The cost of a call is spread over its records,
/// and four times as many would save only 1 ns per record; but the limits of a
/// call, including those of its log, apply to all of its records together.
const MAX_ROWS: usize = 256;
/// Maximum bytes of input in one call, unless a single record has more.
const MAX_BYTES: usize = 1 << 20;

/// How batches are formed for a plugin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    pub(crate) mode: CallMode,
    /// Maximum records in the next call: reduced when a limit is exceeded, then
    /// raised again with each success.
    rows: usize,
    /// The number of batch calls that failed.
    pub(crate) cuts: u32,
}

impl Batching {
    pub(crate) fn new(mode: CallMode) -> Self {
        Self {
            mode,
            rows: MAX_ROWS,
            cuts: 0,
        }
    }

    /// Returns how many of `inputs`, which must not be empty, go into the next call,
    /// which may transfer `call` bytes.
    fn next(&self, inputs: TextRange<'_>, call: usize) -> usize {
        let most = MAX_BYTES.min(call / 4);
        let fits = |end: &usize| *end <= most;
        let ends = inputs.ends().take(self.rows);
        ends.take_while(fits).count().max(1)
    }

    /// Records that a call with `rows` records exceeded a limit.
    fn shrink(&mut self, rows: usize) {
        self.rows = (rows / 2).max(1);
    }

    /// Records that a call succeeded.
    fn grow(&mut self) {
        self.rows = (self.rows + self.rows / 8 + 1).min(MAX_ROWS);
    }
}

impl TextPlugin {
    /// Processes many records by the fastest mode that the plugin offers. Returns one
    /// result per record, in order, the same as [`TextPlugin::process`] returns.
    ///
    /// A batch that traps or exceeds a limit is split in two, repeatedly, until only
    /// the records that cause the failure have errors. So the plugin may receive a
    /// record, and log about it, more than once.
    ///
    /// All answers together take about [`Limits::output`](kumiki::Limits::output)
    /// bytes at most. Records beyond that are not given to the plugin and fail with
    /// [`Limit::Output`]. If that happens, pass fewer records at a time, or receive
    /// the results in parts with [`Pipeline::process_in_parts`].
    ///
    /// [`Pipeline::process_in_parts`]: crate::Pipeline::process_in_parts
    ///
    /// ```
    /// use kumiki_text::{Config, TextHost, TextPlugin, Texts};
    ///
    /// # fn main() -> Result<(), kumiki_text::Error> {
    /// # let bytes = test_components::TextPlugin::new("echo").build();
    /// let host = TextHost::new()?;
    /// let mut plugin = TextPlugin::new(host.load_bytes("echo.wasm", &bytes)?, Config::default())?;
    /// let answers = plugin.process_all(&Texts::from_iter(["one", "two"]));
    /// for answer in answers.iter().flatten() {
    ///     println!("{} with {} entries", answer.output, answer.metadata.len());
    /// }
    /// assert_eq!(answers.failures().len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_all(&mut self, inputs: &Texts) -> Answers {
        let mut answers = Answers::with_capacity(inputs.len(), inputs.as_str().len());
        let allowance = Allowance::of(self.limits());
        self.answer_some(TextRange::all(inputs), allowance, &mut answers);
        if answers.len() < inputs.len() {
            let error = Arc::new(self.no_room());
            while answers.len() < inputs.len() {
                answers.push_failure(error.clone());
            }
        }
        answers
    }

    /// Processes the first of `inputs`, as many as `allowance` permits, and adds
    /// their answers. Processes at least one record if `allowance.last` is set.
    pub(crate) fn answer_some(
        &mut self,
        inputs: TextRange<'_>,
        allowance: Allowance,
        answers: &mut Answers,
    ) {
        self.allow(allowance);
        let mut rest = inputs;
        while rest.len() > 0 {
            let next = match self.batching.mode {
                CallMode::Concurrent => rest.len(),
                _ => self.batching.next(rest, allowance.call),
            };
            let (batch, after) = rest.split_at(next);
            if self.answer(batch, answers).is_break() {
                break;
            }
            rest = after;
        }
        self.allow(Allowance::ALL);
    }

    /// Returns the mode used for batches: the fastest that the plugin offers, unless
    /// changed with [`TextPlugin::set_mode`].
    #[must_use]
    pub fn mode(&self) -> CallMode {
        self.batching.mode
    }

    /// Sets the mode used for batches. Returns false and changes nothing if the plugin
    /// does not offer it.
    pub fn set_mode(&mut self, mode: CallMode) -> bool {
        let offered = self.modes.contains(&mode);
        if offered {
            self.batching = Batching::new(mode);
        }
        offered
    }

    /// Returns the modes that the plugin offers, the slowest first.
    #[must_use]
    pub fn modes(&self) -> &[CallMode] {
        &self.modes
    }

    /// Adds an answer for each of `inputs`, until the allowance is used up.
    fn answer(&mut self, inputs: TextRange<'_>, answers: &mut Answers) -> ControlFlow<()> {
        let together =
            inputs.len() > 1 && self.batching.mode != CallMode::Single && !self.is_circuit_open();
        if !together {
            return self.answer_one_by_one(inputs, answers);
        }
        if self.batching.mode == CallMode::Concurrent {
            return self.answer_concurrently(inputs, answers);
        }
        match self.ask_together(inputs) {
            Ok(answered) => {
                self.batching.grow();
                self.take_all(answered, answers);
                self.is_enough(answers)
            }
            // Splitting would cost this time again at each split, and once more for
            // the record that needs all of it.
            Err(Blame::Alone) => {
                self.batching.shrink(inputs.len());
                self.answer_one_by_one(inputs, answers)
            }
            Err(Blame::Halves { limited }) => {
                if limited {
                    self.batching.shrink(inputs.len());
                }
                let (first, second) = inputs.split_at(inputs.len() / 2);
                self.answer(first, answers)?;
                self.answer(second, answers)
            }
        }
    }

    pub(crate) fn answer_one_by_one(
        &mut self,
        inputs: TextRange<'_>,
        answers: &mut Answers,
    ) -> ControlFlow<()> {
        for input in inputs.iter() {
            // Its answer is likely to be as large: defer it without a futile call.
            if !self.allowed.last && input.len() > self.allowed.call {
                return ControlFlow::Break(());
            }
            match self.process(input) {
                Err(error) if self.is_deferred(&error) => return ControlFlow::Break(()),
                answer => answers.push(answer),
            }
            self.is_enough(answers)?;
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn is_enough(&self, answers: &Answers) -> ControlFlow<()> {
        match answers.bytes() >= self.allowed.part {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Makes one call with many records. An error does not count as a failure of the
    /// plugin, because its records are retried.
    fn ask_together(&mut self, inputs: TextRange<'_>) -> Result<Answered, Blame> {
        let mode = self.batching.mode;
        let start = self.usage().map(|_| Instant::now());
        let instance = self.live().map_err(|_| Blame::Alone)?;
        let answered = match mode {
            CallMode::Column => instance.call("process-column", |bindings, store| {
                column::call(bindings, store, inputs).map(Answered::Column)
            }),
            _ => instance.call("process-batch", |bindings, store| {
                let batch = bindings
                    .batch()
                    .ok_or_else(|| refused("it does not export `batch`"))?;
                let texts: Vec<&str> = inputs.iter().collect();
                let answers = batch.call_process_batch(store, &texts)?;
                check_count(answers.len(), texts.len())?;
                Ok(Answered::Batch(answers))
            }),
        };
        if let Some(start) = start {
            self.measure_call(start.elapsed());
        }
        self.retire();
        if answered.is_err() {
            self.batching.cuts = self.batching.cuts.saturating_add(1);
        }
        answered.map_err(|error| match error {
            HostError::Limit {
                limit: Limit::Time(_) | Limit::Fuel(_),
                ..
            } => Blame::Alone,
            HostError::Limit { .. } => Blame::Halves { limited: true },
            _ => Blame::Halves { limited: false },
        })
    }

    /// Adds the answers of a call.
    fn take_all(&mut self, answered: Answered, answers: &mut Answers) {
        match answered {
            Answered::Column(column) => {
                if let Some((text, ends)) = column.plain() {
                    let rows = answers.len();
                    answers.extend_flat(text, ends);
                    return self.all_answered(answers.len() - rows, || column.longest());
                }
                for row in column.rows() {
                    self.take(row, answers);
                }
            }
            Answered::Batch(batch) => {
                for answer in &batch {
                    self.take_result(answer, answers);
                }
            }
        }
    }

    /// Adds what the guest returned for one record.
    pub(crate) fn take_result(
        &mut self,
        answer: &Result<ProcessResult, ProcessError>,
        answers: &mut Answers,
    ) {
        let answer = answer.as_ref().map_err(|error| *error);
        let row = answer.map(|it| (&*it.output, it.metadata.iter().map(key_and_value)));
        self.take(row, answers);
    }

    /// Adds one answer of a batch.
    fn take<'a>(
        &mut self,
        answer: Result<(&str, impl ExactSizeIterator<Item = (&'a str, &'a str)>), ProcessError>,
        answers: &mut Answers,
    ) {
        let judged = match &answer {
            Ok((output, entries)) => self.judge(Ok((output.len(), entries.len()))),
            Err(error) => self.judge(Err(*error)),
        };
        match (judged, answer) {
            (Ok(()), Ok((output, entries))) => answers.push_answer(output, entries),
            (Err(error), _) => answers.push_failure(error),
            (Ok(()), Err(_)) => {}
        }
    }
}

/// Borrows the key and value of a metadata entry.
pub(crate) fn key_and_value(entry: &KeyValue) -> (&str, &str) {
    (&entry.key, &entry.value)
}

/// A plugin's answer to a batch.
enum Answered {
    Batch(Vec<Result<ProcessResult, ProcessError>>),
    Column(column::Column),
}

/// How the records of a failed batch are retried.
enum Blame {
    /// One by one.
    Alone,
    /// One half, then the other.
    Halves {
        /// Whether the batch may have been too large.
        limited: bool,
    },
}

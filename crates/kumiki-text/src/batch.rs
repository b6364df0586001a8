//! Many records at once: by the best way that a plugin offers, and cut in two
//! where that fails, until the records that are to blame stand alone.
//!
//! What a record costs others is nothing but time: each gets the result that
//! [`TextPlugin::process`] gives. `docs/decisions/0006-batches.md` says how
//! limits and patience hold for a batch.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use kumiki::{Error as HostError, Limit};

use crate::contract::{KeyValue, ProcessError, ProcessResult};
use crate::parts::Allowance;
use crate::texts::{Rows, Texts};
use crate::way::Way;
use crate::{Answers, Result, TextPlugin, column};

/// Records in one call at the most. The cost of a call is spread over them, and
/// four times as many would gain 1 ns a record; but the limits of a call, its
/// log's too, hold for all of them together.
const MOST_ROWS: usize = 256;
/// Bytes of input in one call at the most, unless a single record has more.
const MOST_BYTES: usize = 1 << 20;

/// How a plugin is given many records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    pub(crate) way: Way,
    /// Records in the next call at the most: fewer once a limit fired, and then
    /// more again.
    rows: usize,
    /// Calls with many records that failed.
    pub(crate) cuts: u32,
}

impl Batching {
    pub(crate) fn new(way: Way) -> Self {
        Self {
            way,
            rows: MOST_ROWS,
            cuts: 0,
        }
    }

    /// How many of `inputs`, of which there are some, go into the next call, which
    /// may hand over so many bytes.
    fn next(&self, inputs: Rows<'_>, call: usize) -> usize {
        let most = MOST_BYTES.min(call / 4);
        let fits = |end: &usize| *end <= most;
        let ends = inputs.ends().take(self.rows);
        ends.take_while(fits).count().max(1)
    }

    /// A call of so many records ran into a limit.
    fn shrink(&mut self, rows: usize) {
        self.rows = (rows / 2).max(1);
    }

    /// A call went well.
    fn grow(&mut self) {
        self.rows = (self.rows + self.rows / 8 + 1).min(MOST_ROWS);
    }
}

impl TextPlugin {
    /// Gives many records to the plugin, by the fastest way that it offers: one
    /// answer for each, in order, the same as [`TextPlugin::process`] gives.
    ///
    /// A call with many records that traps or runs into a limit is cut in two,
    /// and again, until only the records that are to blame have errors. So a
    /// plugin may be given a record more than once, and log it more than once.
    ///
    /// All answers together take about [`Limits::output`](kumiki::Limits::output)
    /// bytes at most. The plugin is not asked for records that there is no room
    /// for then: in the place of their answers there is the error
    /// [`Limit::Output`]. Hand over fewer records at a time where that happens, or
    /// take their results in parts: [`Pipeline::process_in_parts`].
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
        self.answer_some(Rows::all(inputs), allowance, &mut answers);
        if answers.len() < inputs.len() {
            let error = Arc::new(self.no_room());
            while answers.len() < inputs.len() {
                answers.push_failure(error.clone());
            }
        }
        answers
    }

    /// Adds answers to the first of `inputs`, as many as are allowed. To one at
    /// least, if it may fail.
    pub(crate) fn answer_some(
        &mut self,
        inputs: Rows<'_>,
        allowance: Allowance,
        answers: &mut Answers,
    ) {
        self.allow(allowance);
        let mut rest = inputs;
        while rest.len() > 0 {
            let next = self.batching.next(rest, allowance.call);
            let (batch, after) = rest.split_at(next);
            if self.answer(batch, answers).is_break() {
                break;
            }
            rest = after;
        }
        self.allow(Allowance::ALL);
    }

    /// The way in which many records are given to it: the fastest it offers,
    /// unless [`TextPlugin::set_way`] says another.
    #[must_use]
    pub fn way(&self) -> Way {
        self.batching.way
    }

    /// Has many records given to it in this way from now on. False, and nothing
    /// is changed, where the plugin does not offer it.
    pub fn set_way(&mut self, way: Way) -> bool {
        let offered = self.ways.contains(&way);
        if offered {
            self.batching = Batching::new(way);
        }
        offered
    }

    /// The ways that it offers, the slowest first.
    #[must_use]
    pub fn ways(&self) -> &[Way] {
        &self.ways
    }

    /// Adds an answer for each of `inputs`, as far as that is allowed.
    fn answer(&mut self, inputs: Rows<'_>, answers: &mut Answers) -> ControlFlow<()> {
        let together = inputs.len() > 1 && self.batching.way != Way::SINGLE && !self.is_set_aside();
        if !together {
            return self.answer_one_by_one(inputs, answers);
        }
        match self.ask_together(inputs) {
            Ok(answered) => {
                self.batching.grow();
                self.take_all(answered, answers);
                self.is_enough(answers)
            }
            // Halves would take this time again at each cut, and then again
            // from whichever record needs all of it.
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

    fn answer_one_by_one(&mut self, inputs: Rows<'_>, answers: &mut Answers) -> ControlFlow<()> {
        for input in inputs.iter() {
            // Its answer is likely to be as large, and it need not be asked twice.
            if !self.allowed.last && input.len() > self.allowed.call {
                return ControlFlow::Break(());
            }
            match self.process(input) {
                Err(error) if self.is_left(&error) => return ControlFlow::Break(()),
                answer => answers.push(answer),
            }
            self.is_enough(answers)?;
        }
        ControlFlow::Continue(())
    }

    fn is_enough(&self, answers: &Answers) -> ControlFlow<()> {
        match answers.bytes() >= self.allowed.part {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// One call with many records. That it fails is not counted as a failure
    /// of the plugin: its records are asked again.
    fn ask_together(&mut self, inputs: Rows<'_>) -> Result<Answered, Blame> {
        let way = self.batching.way;
        let start = self.usage().map(|_| Instant::now());
        let instance = self.live().map_err(|_| Blame::Alone)?;
        let answered = match way {
            Way::COLUMN => instance.call("process-column", |bindings, store| {
                column::call(bindings, store, inputs).map(Answered::Column)
            }),
            _ => instance.call("process-batch", |bindings, store| {
                let batch = bindings.batch().ok_or_else(|| refused("it has no batch"))?;
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

    /// Adds what came of a call.
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
                    let answer = answer.as_ref().map_err(|error| *error);
                    let row = answer.map(|it| (&*it.output, it.metadata.iter().map(key_and_value)));
                    self.take(row, answers);
                }
            }
        }
    }

    /// Adds one answer of many.
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

/// An entry of metadata, to be copied.
pub(crate) fn key_and_value(entry: &KeyValue) -> (&str, &str) {
    (&entry.key, &entry.value)
}

/// What a plugin answered to many records.
enum Answered {
    Batch(Vec<Result<ProcessResult, ProcessError>>),
    Column(column::Column),
}

/// How the records of a call that failed are asked again.
enum Blame {
    /// Each by itself.
    Alone,
    /// One half, then the other.
    Halves {
        /// Whether there may have been too many of them.
        limited: bool,
    },
}

/// Why an answer to many records is none: it ends the instance, as a trap does.
pub(crate) fn refused(why: &'static str) -> kumiki::wasmtime::Error {
    kumiki::wasmtime::Error::msg(why)
}

/// Checks that there is one answer for each record.
pub(crate) fn check_count(answers: usize, inputs: usize) -> kumiki::wasmtime::Result<()> {
    match answers == inputs {
        true => Ok(()),
        false => Err(kumiki::wasmtime::Error::msg(format!(
            "it returned {answers} results for {inputs} inputs"
        ))),
    }
}

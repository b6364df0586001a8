//! Turns the results of a batch into what is written, one part at a time.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use kumiki::{Error as HostError, Limit};
use kumiki_text::{Allowance, Answers, Error, Outcome, Outcomes, Parts, Texts};

use super::batch::Batch;
use super::output::{BatchEnd, BatchOutput, OutputContent};
use super::output_budget::OutputBudget;
use crate::diagnostic::{Diagnostic, Location};
use crate::formats::bounded::BoundedBuffer;
use crate::formats::parquet::table::{TablePart, TableRows};
use crate::formats::record_buffer::{Entry, EntryKind, KeptInput};
use crate::formats::report::{RecordLocation, RenderOptions, ReportWriter};
use crate::formats::report_writer;
use crate::formats::rows::{ColumnTarget, SourceRows};
use crate::output::Output;

/// Maximum bytes of a table that are built at once. Its offsets have 31 bits.
const MAX_TABLE: usize = 1 << 30;

/// Renders results: one variant for each kind of [`Output`].
pub(super) enum Renderer {
    Report(Box<dyn ReportWriter + Send>),
    Rows(Arc<ColumnTarget>),
    Table,
}

impl Renderer {
    pub(super) fn new(output: &Output, options: RenderOptions) -> Self {
        match output {
            Output::Report(format) => Self::Report(report_writer(*format, options)),
            Output::Rows(target) => Self::Rows(target.clone()),
            Output::Table(_) => Self::Table,
        }
    }
}

/// Where the results of one batch go.
enum Target<'a> {
    Report(&'a mut (dyn ReportWriter + Send)),
    Rows(&'a ColumnTarget, SourceRows),
    Table(TableRows, Vec<TablePart>),
    /// Nowhere: the batch is of a table and has only errors.
    Nothing,
}

/// A batch that is being rendered.
pub(super) struct Rendering<'a> {
    source: Option<Arc<str>>,
    /// The number of the first record.
    first: u64,
    entries: Vec<Entry>,
    /// The index of the next entry.
    at: usize,
    /// Whether all entries are records.
    only_records: bool,
    target: Target<'a>,
    bytes_read: u64,
    /// Rendered results that are not yet sent to the writer.
    part: BatchOutput,
    text: BoundedBuffer,
    /// Bytes of errors and rows in the part.
    other_bytes: usize,
    number: u64,
    outputs: &'a OutputBudget,
    /// Whether the writer waits for this batch and has written all of its parts.
    is_alone: bool,
    /// Number of bytes sent to the writer.
    handed_over: usize,
    results: &'a Sender<io::Result<BatchOutput>>,
}

impl<'a> Rendering<'a> {
    /// Begins a batch. Returns its texts as well.
    pub(super) fn new(
        batch: Batch,
        number: u64,
        renderer: &'a mut Renderer,
        outputs: &'a OutputBudget,
        results: &'a Sender<io::Result<BatchOutput>>,
    ) -> (Self, Texts) {
        let first = batch.first_record();
        let buffer = batch.buffer;
        let target = match (renderer, buffer.kept) {
            (Renderer::Report(writer), _) => Target::Report(&mut **writer),
            (Renderer::Rows(target), KeptInput::Rows(rows)) => Target::Rows(target, rows),
            (Renderer::Table, KeptInput::Table(rows)) => Target::Table(rows, Vec::new()),
            (Renderer::Rows(_) | Renderer::Table, _) => Target::Nothing,
        };
        let rendering = Self {
            first,
            at: 0,
            only_records: buffer.texts.len() == buffer.entries.len(),
            source: batch.source,
            entries: buffer.entries,
            target,
            bytes_read: batch.bytes_read,
            part: BatchOutput::default(),
            text: BoundedBuffer::new(outputs.share()),
            other_bytes: 0,
            number,
            outputs,
            is_alone: false,
            handed_over: 0,
            results,
        };
        (rendering, buffer.texts)
    }

    /// Renders the entries after the last record, and sends the rest to the writer.
    pub(super) fn finish(mut self, end: BatchEnd) -> io::Result<()> {
        match self.target {
            Target::Table(..) => self.render_table(&Answers::default(), self.entries.len())?,
            Target::Report(_) | Target::Rows(..) | Target::Nothing => self.render_others()?,
        }
        self.hand_over(Some(end));
        Ok(())
    }

    /// Number of bytes that are rendered but not yet sent to the writer.
    fn size(&self) -> usize {
        self.text.len() + self.other_bytes
    }

    fn hand_over(&mut self, end: Option<BatchEnd>) {
        let mut part = std::mem::take(&mut self.part);
        part.size = self.size();
        part.content = match &mut self.target {
            Target::Table(_, parts) => OutputContent::Table(std::mem::take(parts)),
            _ => OutputContent::Bytes(std::mem::take(&mut self.text.bytes)),
        };
        part.bytes_read = self.bytes_read;
        part.end = end;
        self.other_bytes = 0;
        self.handed_over += part.size;
        self.outputs.reserve(part.size);
        // The receiver is gone when writing has failed.
        let _ = self.results.send(Ok(part));
    }

    /// Sends the rendered results and waits until more may be rendered. With `turn`
    /// it waits until the batch may use the whole limit.
    fn wait(&mut self, turn: bool) {
        if self.size() > 0 {
            self.hand_over(None);
        }
        self.is_alone = self.outputs.wait(self.number, self.handed_over, turn);
        self.text.limit = match self.is_alone {
            true => self.outputs.limit(),
            false => self.outputs.share(),
        };
    }

    /// Renders the entries before the next record.
    fn render_others(&mut self) -> io::Result<()> {
        while let Some(entry) = self.entries.get_mut(self.at)
            && !matches!(entry.kind, EntryKind::Record)
        {
            let entry = Entry {
                line: entry.line,
                kind: std::mem::replace(&mut entry.kind, EntryKind::SkippedRow),
            };
            // Its size is that of the input, which is bounded already.
            let limit = std::mem::replace(&mut self.text.limit, usize::MAX);
            self.render_other(entry)?;
            self.text.limit = limit;
            self.at += 1;
            if self.size() > self.text.limit {
                self.wait(false);
            }
        }
        Ok(())
    }

    /// Renders an entry that is not a record.
    fn render_other(&mut self, entry: Entry) -> io::Result<()> {
        self.part.records += u64::from(match entry.kind {
            EntryKind::Unopened(_) => false,
            EntryKind::SkippedRow => matches!(self.target, Target::Rows(..)),
            EntryKind::Record | EntryKind::Invalid(_) => true,
        });
        let source = || self.source.clone().unwrap_or_default();
        match entry.kind {
            EntryKind::Record | EntryKind::SkippedRow => {}
            EntryKind::Invalid(error) => {
                let location = RecordLocation {
                    record: self.first + self.at as u64,
                    line: self.source.as_deref().map(|source| (source, entry.line)),
                };
                let is_written = match &mut self.target {
                    Target::Report(writer) => writer.invalid(&mut self.text, location, &error)?,
                    Target::Rows(..) | Target::Table(..) | Target::Nothing => false,
                };
                match is_written {
                    true => self.part.failed += 1,
                    false => self.part.fail(Diagnostic::Invalid {
                        source: source(),
                        error,
                    }),
                }
            }
            EntryKind::Unopened(error) => self.part.fail(Diagnostic::Unopened {
                source: source(),
                error,
            }),
        }
        match &self.target {
            Target::Rows(target, rows) => rows.write(&mut self.text, self.at, target, None),
            Target::Report(_) | Target::Table(..) | Target::Nothing => Ok(()),
        }
    }

    /// Renders the next record with its result in each plugin. Results that do not fit
    /// are rendered again when the writer waits for this batch. Results beyond the
    /// limit become errors.
    fn render_record(&mut self, outcomes: &[Outcomes<'_>], row: usize) -> io::Result<()> {
        loop {
            let begin = self.text.len();
            match self.try_record(outcomes, row, false) {
                Err(_) if self.text.take_full() => self.text.bytes.truncate(begin),
                result => return result,
            }
            match self.size() {
                0 if self.is_alone => return self.try_record(outcomes, row, true),
                0 => self.wait(true),
                _ => self.wait(false),
            }
        }
    }

    /// Renders the next record. Nothing counts if it does not fit. With `last`, results
    /// that do not fit become errors.
    fn try_record(&mut self, outcomes: &[Outcomes<'_>], row: usize, last: bool) -> io::Result<()> {
        let entry = self.entries.get(self.at).ok_or_else(missing_result)?;
        let line = entry.line;
        let location = RecordLocation {
            record: self.first + self.at as u64,
            line: self.source.as_deref().map(|source| (source, line)),
        };
        let (text, target, at) = (&mut self.text, &mut self.target, self.at);
        // Errors and what is written before results are bounded already.
        let limit = text.limit;
        if last {
            text.limit = usize::MAX;
        }
        if let Target::Report(writer) = target {
            writer.begin(text, location)?;
        }
        let (mut failed, mut diagnostics) = (0, Vec::new());
        for Outcomes {
            plugin, answers, ..
        } in outcomes
        {
            let mut write = |text: &mut BoundedBuffer, outcome: &Outcome<'_>| match &mut *target {
                Target::Report(writer) => writer.result(text, location, outcome),
                Target::Rows(target, rows) => {
                    let result = outcome.result.ok().map(|answer| answer.output);
                    rows.write(text, at, target, result).map(|()| false)
                }
                Target::Table(..) | Target::Nothing => Ok(false),
            };
            let begin = text.len();
            let result = answers.get(row).ok_or_else(missing_result)?;
            text.limit = limit;
            let mut error = result.err().cloned();
            let mut written = write(&mut *text, &Outcome::new(plugin, result));
            if last && written.is_err() && text.take_full() {
                text.bytes.truncate(begin);
                let too_large = Arc::new(too_large(plugin, limit));
                text.limit = usize::MAX;
                written = write(&mut *text, &Outcome::new(plugin, Err(&too_large)));
                text.limit = limit;
                error = Some(too_large);
            }
            let written = written?;
            if let Some(error) = error {
                failed += 1;
                if !written {
                    let source = self.source.clone();
                    diagnostics.push(Diagnostic::Plugin {
                        location: source.map(|source| Location { source, line }),
                        error,
                    });
                }
            }
        }
        self.at += 1;
        self.part.records += 1;
        self.part.failed += failed;
        self.part.diagnostics.append(&mut diagnostics);
        Ok(())
    }

    /// Adds the rows of a table up to the entry at index `to`, with the answers to
    /// those that are records.
    fn render_table(&mut self, answers: &Answers, to: usize) -> io::Result<()> {
        let Target::Table(rows, parts) = &mut self.target else {
            return Ok(());
        };
        let (mut ends, mut valid, mut last) = (Vec::new(), Vec::new(), 0);
        let mut row = 0;
        let source = || self.source.clone().unwrap_or_default();
        for entry in self.entries.get_mut(self.at..to).unwrap_or_default() {
            let mut has_result = false;
            match std::mem::replace(&mut entry.kind, EntryKind::SkippedRow) {
                EntryKind::Record => {
                    last = answers.outputs().ends().get(row).copied().unwrap_or(last);
                    match answers.get(row).ok_or_else(missing_result)? {
                        Ok(_) => has_result = true,
                        Err(error) => self.part.fail(Diagnostic::Plugin {
                            location: Some(Location {
                                source: source(),
                                line: entry.line,
                            }),
                            error: error.clone(),
                        }),
                    }
                    row += 1;
                }
                EntryKind::Invalid(error) => self.part.fail(Diagnostic::Invalid {
                    source: source(),
                    error,
                }),
                EntryKind::SkippedRow | EntryKind::Unopened(_) => {}
            }
            ends.push(last);
            valid.push(has_result);
        }
        self.part.records += ends.len() as u64;
        let is_end = to == self.entries.len();
        let from = std::mem::replace(&mut self.at, to);
        if from < to || is_end && rows.ends_group() {
            let part = rows.with_results(from, answers.outputs(), &ends, valid, is_end);
            parts.push(part.map_err(io::Error::other)?);
        }
        Ok(())
    }
}

impl Parts for Rendering<'_> {
    type Error = io::Error;

    fn allow(&mut self, left: bool) -> Allowance {
        self.wait(left);
        let (share, limit) = (self.outputs.share(), self.outputs.limit());
        let part = match self.is_alone {
            true => (limit / 4).max(share / 2),
            false => share / 2,
        };
        Allowance {
            part: part.min(MAX_TABLE),
            call: if self.is_alone { limit } else { share },
            last: self.is_alone,
        }
    }

    fn part(&mut self, outcomes: Vec<Outcomes<'_>>) -> io::Result<()> {
        let count = outcomes.first().map_or(0, |it| it.answers.len());
        let errors = outcomes.iter().map(|it| it.answers.failures());
        let errors = errors.flat_map(|failures| failures.iter().map(|(_, error)| error.bytes()));
        self.other_bytes += errors.sum::<usize>();
        if let [Outcomes { answers, .. }] = &outcomes[..] {
            match &mut self.target {
                Target::Table(..) => {
                    self.other_bytes += answers.outputs().as_str().len();
                    let records = self.entries.iter().enumerate().skip(self.at);
                    let records =
                        records.filter(|(_, entry)| matches!(entry.kind, EntryKind::Record));
                    let last = records.take(count).last().map_or(self.at, |(at, _)| at + 1);
                    return self.render_table(answers, last);
                }
                Target::Report(writer) if self.only_records && answers.failures().is_empty() => {
                    if writer.outputs(&mut self.text, answers.outputs()) {
                        self.at += count;
                        self.part.records += count as u64;
                        return Ok(());
                    }
                }
                Target::Report(_) | Target::Rows(..) | Target::Nothing => {}
            }
        }
        for row in 0..count {
            self.render_others()?;
            self.render_record(&outcomes, row)?;
        }
        Ok(())
    }
}

/// The error of a result that is larger than the limit of all results.
fn too_large(plugin: &str, limit: usize) -> Error {
    Error::Host(HostError::Limit {
        plugin: plugin.to_owned(),
        function: "process".to_owned(),
        limit: Limit::Output(limit),
    })
}

/// An internal error: plugins cannot cause it, because their answers are counted.
fn missing_result() -> io::Error {
    io::Error::other("there is a result too few")
}

//! The reader: cuts the inputs into batches.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use arrow_array::RecordBatch;

use super::batch::Batch;
use super::in_flight::InFlightBudget;
use super::output::{Pending, PendingSender};
use super::queue::Task;
use super::sizer::BatchSizer;
use super::workers::WorkerPool;
use crate::diagnostic::{InvalidRecord, ReadError};
use crate::files::source::{ByteCounter, ByteSource};
use crate::formats::csv::header::{ColumnError, CsvTable};
use crate::formats::csv::read::CsvRecords;
use crate::formats::format::FormatKind;
use crate::formats::lines::read::LineReader;
use crate::formats::lines::unparsed::LineFormat;
use crate::formats::parquet::column::ColumnTexts;
use crate::formats::parquet::read::{ParquetPart, ParquetReader};
use crate::formats::parquet::table::TableRows;
use crate::formats::record_buffer::RecordBuffer;
use crate::formats::record_source::RecordSource;
use crate::input::open::{Content, InputOptions, OpenInput};
use crate::journal::Position;
use crate::output::Output;

/// The settings of a reader.
pub(super) struct ReaderOptions {
    pub(super) inputs: InputOptions,
    pub(super) skip_blank: bool,
    /// Whether workers parse lines. A single worker leaves that to the reader, which
    /// would have nothing to do otherwise.
    pub(super) several_workers: bool,
    pub(super) format: FormatKind,
    pub(super) output: Output,
}

pub(super) struct Reader {
    options: ReaderOptions,
    sizer: Arc<BatchSizer>,
    in_flight: Arc<InFlightBudget>,
    pool: WorkerPool,
    pending: PendingSender,
    /// Number of batches that were sent.
    batches: u64,
}

/// The progress of the reader.
#[derive(Default)]
struct Progress {
    position: Position,
    /// Number of lines or rows of the next input to skip, because an earlier run has
    /// read them.
    skip: u64,
    /// Bytes of the inputs that are read to their end.
    finished: u64,
}

/// An input that is ready to be read.
enum OpenedInput {
    Text(String),
    Records(Box<dyn RecordSource>, ByteCounter),
    Parquet(Box<ParquetReader>),
}

impl Reader {
    pub(super) fn new(
        options: ReaderOptions,
        sizer: Arc<BatchSizer>,
        in_flight: Arc<InFlightBudget>,
        pool: WorkerPool,
        pending: PendingSender,
    ) -> Self {
        Self {
            options,
            sizer,
            in_flight,
            pool,
            pending,
            batches: 0,
        }
    }

    /// Reads on a thread of its own, from `position` on. When the writer has ended, the
    /// reader stops as soon as the in-flight budget is used up.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        mut self,
        inputs: Vec<OpenInput>,
        position: Position,
    ) -> io::Result<JoinHandle<io::Result<()>>> {
        let thread = thread::Builder::new().name("reader".into());
        thread.spawn(move || {
            let mut progress = Progress {
                position,
                skip: position.read,
                finished: 0,
            };
            for (at, input) in inputs.into_iter().enumerate() {
                if at < position.input {
                    progress.finished += input.size().unwrap_or(0);
                    continue;
                }
                progress.position.input = at;
                self.read_input(&mut progress, input)?;
                progress.position.read = 0;
            }
            Ok(())
        })
    }

    fn read_input(&mut self, progress: &mut Progress, input: OpenInput) -> io::Result<()> {
        let OpenInput { name, content, .. } = input;
        match self.open(content) {
            Ok(OpenedInput::Records(mut records, counter)) => {
                self.read_records(progress, &name, &mut *records, &counter)
            }
            Ok(OpenedInput::Parquet(reader)) => self.read_parquet(progress, &name, *reader),
            Ok(OpenedInput::Text(text)) => {
                let mut batch = self.batch(None, progress);
                batch.buffer.push(1, &text);
                progress.position.records = batch.records();
                self.send(batch)
            }
            Err(error) => {
                let mut batch = self.batch(Some(name.into()), progress);
                batch.buffer.push_unopened(error);
                batch.bytes_read = progress.finished;
                batch.position = Position {
                    input: progress.position.input + 1,
                    read: 0,
                    records: progress.position.records,
                };
                self.send(batch)
            }
        }
    }

    fn open(&self, content: Content) -> io::Result<OpenedInput> {
        match content {
            Content::Text(text) => Ok(OpenedInput::Text(text)),
            Content::Stream(source, counter) => Ok(self.lines(source, counter)),
            Content::Csv(table) => self.table(*table),
            Content::Parquet(reader) => Ok(OpenedInput::Parquet(reader)),
            Content::Closed(path) => {
                let ReaderOptions { format, inputs, .. } = &self.options;
                self.open(Content::reopen(&path, format, *inputs)?)
            }
        }
    }

    fn lines(&self, source: ByteSource, counter: ByteCounter) -> OpenedInput {
        let skip_blank = self.options.skip_blank;
        let format = match &self.options.format {
            FormatKind::Objects { field } => LineFormat::Objects {
                field: field.clone(),
                skip_blank,
                into: self.options.output.rows().map(|target| target.name.clone()),
            },
            FormatKind::Lines | FormatKind::Csv { .. } | FormatKind::Parquet { .. } => {
                LineFormat::Text { skip_blank }
            }
        };
        let limit = self.options.inputs.line_limit;
        let reader = LineReader::new(source, limit, format, self.options.several_workers);
        OpenedInput::Records(Box::new(reader), counter)
    }

    fn table(&self, table: CsvTable) -> io::Result<OpenedInput> {
        let column = match &self.options.format {
            FormatKind::Csv { field, .. } => table.header.find(field).map_err(|error| {
                io::Error::other(match error {
                    ColumnError::Missing => format!("there is no column `{field}` in it"),
                    ColumnError::Ambiguous => format!("there are several columns `{field}` in it"),
                })
            })?,
            FormatKind::Lines | FormatKind::Objects { .. } | FormatKind::Parquet { .. } => 0,
        };
        let counter = table.counter.clone();
        let target = self.options.output.rows();
        let records = CsvRecords::new(table, column, self.options.skip_blank, target);
        Ok(OpenedInput::Records(Box::new(records), counter))
    }

    fn read_records(
        &mut self,
        progress: &mut Progress,
        name: &str,
        records: &mut dyn RecordSource,
        counter: &ByteCounter,
    ) -> io::Result<()> {
        let source: Option<Arc<str>> = Some(name.into());
        skip(records, std::mem::take(&mut progress.skip));
        let has_unparsed = records.has_unparsed();
        let mut batch = self.batch(source.clone(), progress);
        loop {
            let is_full = batch.is_closed() || self.sizer.is_enough(batch.len(), batch.bytes());
            // The next read may wait for a person or a slow pipe.
            if !batch.is_empty() && (is_full || records.is_drained()) {
                // For compressed inputs this is an underestimate, by one buffer at most.
                let read = counter.get().saturating_sub(records.read_ahead() as u64);
                batch.bytes_read = progress.finished + read;
                batch.position = progress.position;
                let next = self.batch(source.clone(), progress);
                self.send(std::mem::replace(&mut batch, next))?;
            }
            let unparsed = match has_unparsed {
                true => {
                    let (lines, bytes) = self.sizer.remaining(batch.len(), batch.bytes());
                    records.take_unparsed(lines, bytes)
                }
                false => None,
            };
            progress.position.read += match unparsed {
                Some(lines) => {
                    let count = lines.count();
                    batch.push_unparsed(lines);
                    count
                }
                None if records.next(&mut batch.buffer) => 1,
                None => break,
            };
            progress.position.records = batch.records();
        }
        progress.finished += counter.get();
        batch.position = progress.position;
        if batch.is_empty() {
            return Ok(());
        }
        batch.bytes_read = progress.finished;
        self.send(batch)
    }

    /// Reads a Parquet file. Its rows are cut into batches of the size that the workers
    /// need.
    fn read_parquet(
        &mut self,
        progress: &mut Progress,
        name: &str,
        mut reader: ParquetReader,
    ) -> io::Result<()> {
        let source: Arc<str> = name.into();
        let mut skip = usize::try_from(std::mem::take(&mut progress.skip)).unwrap_or(usize::MAX);
        loop {
            let next = reader.next_part();
            let bytes_read = progress.finished + reader.bytes_read();
            match next {
                Ok(ParquetPart::End) => break,
                Ok(ParquetPart::GroupEnd) => {
                    if let Output::Table(target) = &self.options.output {
                        let mut batch = self.batch(Some(source.clone()), progress);
                        batch.keep_table(TableRows::end_of_group(target.clone()));
                        batch.bytes_read = bytes_read;
                        self.send(batch)?;
                    }
                }
                Ok(ParquetPart::Rows(rows)) => {
                    // The memory of a row, for the in-flight budget.
                    let row_bytes = rows.get_array_memory_size() / rows.num_rows().max(1);
                    let mut from = skip.min(rows.num_rows());
                    skip -= from;
                    while from < rows.num_rows() {
                        let count = self.sizer.records().clamp(1, rows.num_rows() - from);
                        let part = rows.slice(from, count);
                        let texts = self.texts(&part, reader.column())?;
                        let mut batch = self.table_batch(progress, &source, part, texts, row_bytes);
                        batch.bytes_read = bytes_read;
                        self.send(batch)?;
                        from += count;
                    }
                }
                Err(reason) => {
                    let mut batch = self.batch(Some(source), progress);
                    let row = progress.position.read + 1;
                    batch
                        .buffer
                        .push_invalid(InvalidRecord::Broken { row, reason });
                    progress.position.records = batch.records();
                    (batch.position, batch.bytes_read) = (progress.position, bytes_read);
                    self.send(batch)?;
                    break;
                }
            }
        }
        progress.finished += reader.bytes_read();
        Ok(())
    }

    /// The texts of some rows that are records, and the rows whose text is too long.
    fn texts(&self, rows: &RecordBatch, column: usize) -> io::Result<(ColumnTexts, Vec<usize>)> {
        let texts = ColumnTexts::of(rows.column(column));
        let texts = texts.ok_or_else(|| io::Error::other("a column of texts has none"))?;
        let (texts, long) = texts.without_long(self.options.inputs.line_limit);
        let texts = match self.options.skip_blank {
            true => texts.without_blank(),
            false => texts,
        };
        Ok((texts, long))
    }

    /// A batch of some rows of a table.
    fn table_batch(
        &self,
        progress: &mut Progress,
        source: &Arc<str>,
        rows: RecordBatch,
        (texts, long): (ColumnTexts, Vec<usize>),
        row_bytes: usize,
    ) -> Batch {
        let output = &self.options.output;
        let mut batch = self.batch(Some(source.clone()), progress);
        for row in 0..rows.num_rows() {
            progress.position.read += 1;
            if long.binary_search(&row).is_ok() {
                batch
                    .buffer
                    .push_invalid(InvalidRecord::Line(ReadError::TooLong {
                        line: progress.position.read,
                        limit: self.options.inputs.line_limit,
                    }));
            } else if texts.has(row) {
                batch.buffer.push_without_text(progress.position.read);
            } else if output.table().is_some() {
                batch.buffer.push_skipped(progress.position.read);
            }
        }
        batch.buffer.texts = texts.texts;
        progress.position.records = batch.records();
        batch.position = progress.position;
        if let Some(target) = output.table() {
            let bytes = row_bytes * rows.num_rows();
            batch.keep_table(TableRows::new(rows, bytes, target.clone()));
        }
        batch
    }

    /// An empty batch after everything that was read.
    fn batch(&self, source: Option<Arc<str>>, progress: &Progress) -> Batch {
        let records = progress.position.records;
        let mut batch = Batch::new(source, records, &self.options.output);
        batch.position = progress.position;
        batch
    }

    fn send(&mut self, mut batch: Batch) -> io::Result<()> {
        batch.reserved = batch.bytes();
        self.in_flight.reserve(batch.reserved);
        let (results, receiver) = channel();
        let number = self.batches;
        self.batches += 1;
        self.pool.submit(Task {
            batch,
            number,
            results,
        })?;
        // The receiver is gone when writing has failed.
        let _ = self.pending.0.send(Pending::Batch(receiver));
        Ok(())
    }
}

/// Skips `count` lines or rows.
fn skip(records: &mut dyn RecordSource, count: u64) {
    let mut ignored = RecordBuffer::default();
    for at in 1..=count {
        if !records.next(&mut ignored) {
            return;
        }
        if at % 1024 == 0 {
            ignored = RecordBuffer::default();
        }
    }
}

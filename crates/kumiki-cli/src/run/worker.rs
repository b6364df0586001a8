//! A worker: it has instances of its own, takes batches and renders what comes
//! of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use arrow_array::RecordBatch;
use kumiki_text::{Answer, Answers, Error, Outcome, Outcomes, Pipeline, TextPlugin};

use super::batch::{Batch, Content, Item, Unread};
use super::crew::{Shared, Task};
use super::journal::Mark;
use super::parquet::Rows;
use super::target::{Kept, Target};
use super::writer::Usages;
use crate::output::{Place, ResultWriter};

/// What came of a batch.
#[derive(Default)]
pub(super) struct Done {
    /// The results, as they are to be written.
    pub(super) text: Vec<u8>,
    /// The same where they are rows of a table, and whether its row group ends.
    pub(super) rows: Option<(RecordBatch, bool)>,
    /// What is to be said on standard error, in order.
    pub(super) troubles: Vec<Trouble>,
    /// How many records there were.
    pub(super) records: u64,
    /// Results that are missing because a plugin or a line failed.
    pub(super) failed: u64,
    /// The file and line of its last record.
    pub(super) last: Option<(Arc<str>, u64)>,
    /// As [`Batch::position`].
    pub(super) position: u64,
    /// As [`Batch::mark`].
    pub(super) mark: Mark,
    /// Which worker it was, and what its plugins have used so far, where that is
    /// measured.
    pub(super) usages: Option<(usize, Usages)>,
    /// As [`Batch::room`].
    pub(super) bytes: usize,
}

/// Something that the format of the results has no place for.
pub(super) enum Trouble {
    /// A plugin gave no result for a record; where that stands.
    Plugin(String, Arc<Error>),
    /// A line of this file is no record.
    Unread(String, Box<Unread>),
    /// This file could not be opened.
    Unopened(String, io::Error),
}

pub(super) struct Worker {
    pub(super) pipeline: Pipeline,
    pub(super) writer: Box<dyn ResultWriter + Send>,
    pub(super) shared: Arc<Shared>,
    /// Its number among the workers.
    pub(super) number: usize,
}

impl Worker {
    /// Works until there is nothing more to do.
    pub(super) fn work(mut self) {
        while let Some(Task { mut batch, done }) = self.shared.next() {
            let start = Instant::now();
            batch.cut();
            let count = batch.items.len();
            let mut result = render(&mut self.pipeline, &mut *self.writer, batch);
            if let Ok(done) = &mut result {
                done.usages = self.usages();
            }
            self.shared.pace.took(count, start.elapsed());
            self.shared.unfinished.fetch_sub(1, Ordering::SeqCst);
            // Where nobody waits for it, writing has failed.
            let _ = done.send(result);
        }
    }

    fn usages(&self) -> Option<(usize, Usages)> {
        let usages = self.pipeline.plugins().iter().map(TextPlugin::usage);
        let usages: Usages = usages.map(|it| it.cloned()).collect();
        usages
            .iter()
            .any(Option::is_some)
            .then_some((self.number, usages))
    }
}

/// Sends a batch through the plugins, and renders what comes of it as `writer`
/// does.
fn render(
    pipeline: &mut Pipeline,
    writer: &mut dyn ResultWriter,
    batch: Batch,
) -> io::Result<Done> {
    let outcomes = pipeline.process_all(&batch.texts);
    let mut done = Done {
        last: batch.last(),
        position: batch.position,
        mark: batch.mark,
        bytes: batch.room,
        ..Done::default()
    };
    let source = batch.source.as_deref();
    // Into rows go the results of one plugin.
    let none = Answers::default();
    let answers = || outcomes.first().map_or(&none, |it| &it.answers);
    if let Some((target, kept)) = batch.kept {
        done.rows_with(source, batch.items, answers(), (&target, &kept))?;
    } else if let Some(rows) = batch.rows {
        done.table_with(source, batch.items, answers(), rows)?;
    } else {
        let first = batch.first_record();
        done.results(source, first, batch.items, &outcomes, writer)?;
    }
    Ok(done)
}

impl Done {
    /// The rows that were kept, with the results in them.
    fn rows_with(
        &mut self,
        source: Option<&str>,
        items: Vec<Item>,
        answers: &Answers,
        (target, kept): (&Target, &Kept),
    ) -> io::Result<()> {
        let mut results = answers.iter();
        for (at, item) in items.into_iter().enumerate() {
            let result = self.row(source, item, &mut results)?;
            kept.write(&mut self.text, at, target, result)?;
        }
        Ok(())
    }

    /// The same for a part of a table.
    fn table_with(
        &mut self,
        source: Option<&str>,
        items: Vec<Item>,
        answers: &Answers,
        rows: Rows,
    ) -> io::Result<()> {
        let (mut results, mut ends) = (answers.iter(), answers.outputs().ends().iter());
        let (mut valid, mut last, mut all) = (Vec::new(), 0, Vec::new());
        for item in items {
            if matches!(item.content, Content::Text) {
                last = ends.next().copied().unwrap_or(last);
            }
            all.push(last);
            valid.push(self.row(source, item, &mut results)?.is_some());
        }
        let filled = rows.with(answers.outputs(), all.into_iter(), valid);
        self.rows = Some(filled.map_err(io::Error::other)?);
        Ok(())
    }

    /// Each result by itself.
    fn results(
        &mut self,
        source: Option<&str>,
        first: u64,
        items: Vec<Item>,
        outcomes: &[Outcomes<'_>],
        writer: &mut dyn ResultWriter,
    ) -> io::Result<()> {
        // As long as the items, it is of all of them.
        if let [Outcomes { answers, .. }] = outcomes
            && answers.failures().is_empty()
            && answers.len() == items.len()
            && writer.outputs(&mut self.text, answers.outputs())
        {
            self.records += items.len() as u64;
            return Ok(());
        }
        let columns = outcomes.iter().map(|it| (it.plugin, it.answers.iter()));
        let mut columns: Vec<_> = columns.collect();
        for (record, item) in (first..).zip(items) {
            let place = Place {
                record,
                line: source.map(|source| (source, item.line)),
            };
            if !matches!(item.content, Content::Text) {
                self.unread(writer, place, item)?;
                continue;
            }
            self.records += 1;
            writer.begin(&mut self.text, place)?;
            for (plugin, results) in &mut columns {
                let result = results.next().ok_or_else(too_few)?;
                self.outcome(writer, place, &Outcome::new(plugin, result))?;
            }
        }
        Ok(())
    }

    /// What goes into the row of an item, if anything does.
    fn row<'a>(
        &mut self,
        source: Option<&str>,
        item: Item,
        results: &mut impl Iterator<Item = Result<Answer<'a>, &'a Arc<Error>>>,
    ) -> io::Result<Option<&'a str>> {
        let name = source.unwrap_or_default();
        self.records += u64::from(!matches!(item.content, Content::Unopened(_)));
        match item.content {
            Content::Passed => {}
            Content::Text => match results.next().ok_or_else(too_few)? {
                Ok(answer) => return Ok(Some(answer.output)),
                Err(error) => {
                    let place = format!("{name}:{}", item.line);
                    self.fail(Trouble::Plugin(place, error.clone()));
                }
            },
            Content::Unread(error) => self.fail(Trouble::Unread(name.to_owned(), error)),
            Content::Unopened(error) => self.fail(Trouble::Unopened(name.to_owned(), error)),
        }
        Ok(None)
    }

    fn fail(&mut self, trouble: Trouble) {
        self.failed += 1;
        self.troubles.push(trouble);
    }

    fn outcome(
        &mut self,
        writer: &mut dyn ResultWriter,
        place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<()> {
        let written = writer.result(&mut self.text, place, outcome)?;
        if let Err(error) = outcome.result {
            self.failed += 1;
            if !written {
                let place = place
                    .line
                    .map_or(String::new(), |(file, line)| format!("{file}:{line}"));
                self.troubles.push(Trouble::Plugin(place, error.clone()));
            }
        }
        Ok(())
    }

    /// An item that is no text.
    fn unread(
        &mut self,
        writer: &mut dyn ResultWriter,
        place: Place<'_>,
        item: Item,
    ) -> io::Result<()> {
        let name = || {
            place
                .line
                .map_or(String::new(), |(file, _)| file.to_owned())
        };
        match item.content {
            Content::Text | Content::Passed => {}
            Content::Unread(error) => {
                self.records += 1;
                self.failed += 1;
                if !writer.unread(&mut self.text, place, &error)? {
                    self.troubles.push(Trouble::Unread(name(), error));
                }
            }
            Content::Unopened(error) => {
                self.failed += 1;
                self.troubles.push(Trouble::Unopened(name(), error));
            }
        }
        Ok(())
    }
}

/// No plugin can bring this about: the answers were counted.
fn too_few() -> io::Error {
    io::Error::other("there is a result too few")
}

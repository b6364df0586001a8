//! How a batch becomes what is written, a part at a time.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use kumiki::{Error as HostError, Limit};
use kumiki_text::{Allowance, Answers, Error, Outcome, Outcomes, Parts, Texts};

use super::batch::{Batch, Content, Item};
use super::outputs::Outputs;
use super::parquet::Rows;
use super::target::{Kept, Target};
use super::worker::{Done, End, Trouble};
use crate::output::{Bounded, Place, ResultWriter};

/// The most of a table that is made at once, in bytes: its offsets have 31 bits.
const TABLE: usize = 1 << 30;

/// A batch on its way into text or rows.
pub(super) struct Rendering<'a> {
    source: Option<Arc<str>>,
    /// The number of the first record.
    first: u64,
    items: Vec<Item>,
    /// The next item.
    at: usize,
    /// Whether all items are texts.
    only_texts: bool,
    kept: Option<(Arc<Target>, Kept)>,
    rows: Option<Rows>,
    position: u64,
    writer: &'a mut (dyn ResultWriter + Send),
    /// What is rendered and not handed over yet.
    part: Done,
    text: Bounded,
    /// Bytes of errors and rows in it.
    other: usize,
    number: u64,
    outputs: &'a Outputs,
    /// Whether its turn has come and nothing of it waits.
    alone: bool,
    /// How many bytes were handed over.
    made: usize,
    done: &'a Sender<io::Result<Done>>,
}

impl<'a> Rendering<'a> {
    /// And the batch's texts.
    pub(super) fn new(
        batch: Batch,
        number: u64,
        writer: &'a mut (dyn ResultWriter + Send),
        outputs: &'a Outputs,
        done: &'a Sender<io::Result<Done>>,
    ) -> (Self, Texts) {
        let first = batch.first_record();
        let rendering = Self {
            first,
            at: 0,
            only_texts: batch.texts.len() == batch.items.len(),
            source: batch.source,
            items: batch.items,
            kept: batch.kept,
            rows: batch.rows,
            position: batch.position,
            writer,
            part: Done::default(),
            text: Bounded::new(outputs.share()),
            other: 0,
            number,
            outputs,
            alone: false,
            made: 0,
            done,
        };
        (rendering, batch.texts)
    }

    /// Renders what stands behind the last text, and hands over the rest.
    pub(super) fn finish(mut self, end: End) -> io::Result<()> {
        match self.rows {
            Some(_) => self.table(&Answers::default(), self.items.len())?,
            None => self.others()?,
        }
        self.hand_over(Some(end));
        Ok(())
    }

    /// How many bytes are rendered and not handed over yet.
    fn size(&self) -> usize {
        self.text.len() + self.other
    }

    fn hand_over(&mut self, end: Option<End>) {
        let mut part = std::mem::take(&mut self.part);
        part.size = self.size();
        part.text = std::mem::take(&mut self.text.bytes);
        part.position = self.position;
        part.end = end;
        self.other = 0;
        self.made += part.size;
        self.outputs.add(part.size);
        // Where nobody waits for it, writing has failed.
        let _ = self.done.send(Ok(part));
    }

    /// Hands over what there is, and waits until there is room for more; with
    /// `turn` until it may have the whole limit.
    fn wait(&mut self, turn: bool) {
        if self.size() > 0 {
            self.hand_over(None);
        }
        self.alone = self.outputs.wait(self.number, self.made, turn);
        self.text.most = match self.alone {
            true => self.outputs.limit(),
            false => self.outputs.share(),
        };
    }

    /// Renders the items up to the next text.
    fn others(&mut self) -> io::Result<()> {
        while let Some(item) = self.items.get_mut(self.at)
            && !matches!(item.content, Content::Text)
        {
            let item = Item {
                line: item.line,
                content: std::mem::replace(&mut item.content, Content::Passed),
            };
            // Its size is that of what was read, which is bounded by itself.
            let most = std::mem::replace(&mut self.text.most, usize::MAX);
            self.other(item)?;
            self.text.most = most;
            self.at += 1;
            if self.size() > self.text.most {
                self.wait(false);
            }
        }
        Ok(())
    }

    /// An item that is no text.
    fn other(&mut self, item: Item) -> io::Result<()> {
        self.part.records += u64::from(match item.content {
            Content::Unopened(_) => false,
            Content::Passed => self.kept.is_some(),
            Content::Text | Content::Unread(_) => true,
        });
        let name = self.source.as_deref().unwrap_or_default();
        match item.content {
            Content::Text | Content::Passed => {}
            Content::Unread(error) => {
                let place = Place {
                    record: self.first + self.at as u64,
                    line: self.source.as_deref().map(|source| (source, item.line)),
                };
                let told =
                    self.kept.is_none() && self.writer.unread(&mut self.text, place, &error)?;
                match told {
                    true => self.part.failed += 1,
                    false => self.part.fail(Trouble::Unread(name.to_owned(), error)),
                }
            }
            Content::Unopened(error) => {
                self.part.fail(Trouble::Unopened(name.to_owned(), error));
            }
        }
        match &self.kept {
            Some((target, kept)) => kept.write(&mut self.text, self.at, target, None),
            None => Ok(()),
        }
    }

    /// Renders the next text with what came of it in each plugin. What is too much
    /// waits for its turn; what is too much for the limit fails.
    fn text(&mut self, outcomes: &[Outcomes<'_>], row: usize) -> io::Result<()> {
        loop {
            let begun = self.text.len();
            match self.try_text(outcomes, row, false) {
                Err(_) if self.text.was_full() => self.text.bytes.truncate(begun),
                result => return result,
            }
            match self.size() {
                0 if self.alone => return self.try_text(outcomes, row, true),
                0 => self.wait(true),
                _ => self.wait(false),
            }
        }
    }

    /// The same, of which nothing counts where it does not fit. With `last` the
    /// results that do not fit fail.
    fn try_text(&mut self, outcomes: &[Outcomes<'_>], row: usize, last: bool) -> io::Result<()> {
        let item = self.items.get(self.at).ok_or_else(too_few)?;
        let place = Place {
            record: self.first + self.at as u64,
            line: self.source.as_deref().map(|source| (source, item.line)),
        };
        let kept = self.kept.as_ref().map(|(target, kept)| (&**target, kept));
        let (text, writer, at) = (&mut self.text, &mut *self.writer, self.at);
        // Errors are bounded by themselves, and so is what stands before results.
        let most = text.most;
        if last {
            text.most = usize::MAX;
        }
        if kept.is_none() {
            writer.begin(text, place)?;
        }
        let (mut failed, mut troubles) = (0, Vec::new());
        for Outcomes {
            plugin, answers, ..
        } in outcomes
        {
            let mut write = |text: &mut Bounded, outcome: &Outcome<'_>| match kept {
                None => writer.result(text, place, outcome),
                Some((target, kept)) => {
                    let result = outcome.result.ok().map(|answer| answer.output);
                    kept.write(text, at, target, result).map(|()| false)
                }
            };
            let begun = text.len();
            let result = answers.get(row).ok_or_else(too_few)?;
            text.most = most;
            let mut error = result.err().cloned();
            let mut written = write(&mut *text, &Outcome::new(plugin, result));
            if last && written.is_err() && text.was_full() {
                text.bytes.truncate(begun);
                let beyond = Arc::new(beyond(plugin, most));
                text.most = usize::MAX;
                written = write(&mut *text, &Outcome::new(plugin, Err(&beyond)));
                text.most = most;
                error = Some(beyond);
            }
            let written = written?;
            if let Some(error) = error {
                failed += 1;
                if !written {
                    let place = place.line.map(|(file, line)| format!("{file}:{line}"));
                    troubles.push(Trouble::Plugin(place.unwrap_or_default(), error));
                }
            }
        }
        self.at += 1;
        self.part.records += 1;
        self.part.failed += failed;
        self.part.troubles.append(&mut troubles);
        Ok(())
    }

    /// Adds the rows up to an item, of which those that are texts have answers.
    fn table(&mut self, answers: &Answers, to: usize) -> io::Result<()> {
        let Some(rows) = &self.rows else {
            return Ok(());
        };
        let (mut ends, mut valid, mut last) = (Vec::new(), Vec::new(), 0);
        let mut row = 0;
        let name = self.source.as_deref().unwrap_or_default();
        for item in self.items.get_mut(self.at..to).unwrap_or_default() {
            let mut has_result = false;
            match std::mem::replace(&mut item.content, Content::Passed) {
                Content::Text => {
                    last = answers.outputs().ends().get(row).copied().unwrap_or(last);
                    match answers.get(row).ok_or_else(too_few)? {
                        Ok(_) => has_result = true,
                        Err(error) => {
                            let place = format!("{name}:{}", item.line);
                            self.part.fail(Trouble::Plugin(place, error.clone()));
                        }
                    }
                    row += 1;
                }
                Content::Unread(error) => self.part.fail(Trouble::Unread(name.to_owned(), error)),
                Content::Passed | Content::Unopened(_) => {}
            }
            ends.push(last);
            valid.push(has_result);
        }
        self.part.records += ends.len() as u64;
        let is_end = to == self.items.len();
        let from = std::mem::replace(&mut self.at, to);
        if from < to || is_end && rows.ends_group() {
            let rows = rows.with(from, answers.outputs(), &ends, valid, is_end);
            self.part.rows.push(rows.map_err(io::Error::other)?);
        }
        Ok(())
    }
}

impl Parts for Rendering<'_> {
    type Error = io::Error;

    fn allow(&mut self, left: bool) -> Allowance {
        self.wait(left);
        let (share, limit) = (self.outputs.share(), self.outputs.limit());
        let part = match self.alone {
            true => (limit / 4).max(share / 2),
            false => share / 2,
        };
        Allowance {
            part: part.min(TABLE),
            call: if self.alone { limit } else { share },
            last: self.alone,
        }
    }

    fn part(&mut self, outcomes: Vec<Outcomes<'_>>) -> io::Result<()> {
        let count = outcomes.first().map_or(0, |it| it.answers.len());
        let errors = outcomes.iter().map(|it| it.answers.failures());
        let errors = errors.flat_map(|failures| failures.iter().map(|(_, error)| error.bytes()));
        self.other += errors.sum::<usize>();
        // Into rows go the results of one plugin.
        if self.rows.is_some()
            && let [Outcomes { answers, .. }] = &outcomes[..]
        {
            self.other += answers.outputs().as_str().len();
            let texts = self.items.iter().enumerate().skip(self.at);
            let texts = texts.filter(|(_, item)| matches!(item.content, Content::Text));
            let last = texts.take(count).last().map_or(self.at, |(at, _)| at + 1);
            return self.table(answers, last);
        }
        if self.only_texts
            && self.kept.is_none()
            && let [Outcomes { answers, .. }] = &outcomes[..]
            && answers.failures().is_empty()
            && self.writer.outputs(&mut self.text, answers.outputs())
        {
            self.at += count;
            self.part.records += count as u64;
            return Ok(());
        }
        for row in 0..count {
            self.others()?;
            self.text(&outcomes, row)?;
        }
        Ok(())
    }
}

impl Done {
    fn fail(&mut self, trouble: Trouble) {
        self.failed += 1;
        self.troubles.push(trouble);
    }
}

/// The error of a result that is more than all of the limit.
fn beyond(plugin: &str, limit: usize) -> Error {
    Error::Host(HostError::Limit {
        plugin: plugin.to_owned(),
        function: "process".to_owned(),
        limit: Limit::Output(limit),
    })
}

/// No plugin can bring this about: the answers were counted.
fn too_few() -> io::Error {
    io::Error::other("there is a result too few")
}

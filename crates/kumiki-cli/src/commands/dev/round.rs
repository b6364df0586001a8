//! One run of the cases and the sample.

use std::io;
use std::time::{Duration, Instant};

use kumiki_text::cases::Case;
use kumiki_text::{Config, Error, ProcessResult, TextPlugin};

use super::answer::{Answer, Answers, Change};
use super::plugin::Loaded;
use super::sample::Sample;
use super::times::Times;
use super::view::{self, Counts};
use crate::console::{Console, escape};

/// The failing cases and the records that are shown.
const SHOWN: u64 = 20;

/// The failures in a row, each a trap or an exceeded limit, after which a run ends.
const FAILURES: u32 = 10;

/// The time that each run has, even if there are new changes: a project that changes all
/// the time also shows results.
const SHORTEST: Duration = Duration::from_millis(100);

/// What a round runs.
pub(super) struct Round<'a> {
    pub(super) plugin: &'a Loaded,
    pub(super) sample: &'a Sample,
    pub(super) console: &'a Console,
}

/// A record, with its place for the user.
struct Record<'a> {
    place: String,
    input: &'a str,
    case: Option<&'a Case>,
    /// Whether its answer is compared with the last one.
    is_sample: bool,
}

/// The state of a run.
#[derive(Default)]
struct Progress {
    counts: Counts,
    /// Records that were shown or would have been.
    to_show: u64,
    failures: u32,
    /// The instance for the records that are no cases.
    shared: Option<TextPlugin>,
}

impl Progress {
    fn count(
        &mut self,
        record: &Record<'_>,
        change: &Change,
        verdict: Option<&Result<String, String>>,
        has_failed: bool,
    ) {
        let counts = &mut self.counts;
        if record.is_sample {
            counts.add(change);
        }
        counts.cases += u64::from(verdict.is_some());
        counts.failed_cases += u64::from(verdict.is_some_and(Result::is_err));
        counts.failed += u64::from(has_failed && record.case.is_none());
        self.failures = match has_failed {
            true => self.failures + 1,
            false => 0,
        };
    }
}

impl Round<'_> {
    /// Runs all records and shows what changed. Ends early if `is_outdated`, or if the
    /// plugin keeps failing.
    pub(super) fn run(
        &self,
        answers: &mut Answers,
        mut times: Times,
        mut is_outdated: impl FnMut() -> bool,
    ) -> io::Result<()> {
        if self.sample.is_empty() {
            self.console.notice(
                "there is nothing to run: name a FILE of records, use `--text STRING`, or write \
                 test cases into tests.jsonl",
            );
        }
        let (start, records) = (Instant::now(), self.records());
        let mut progress = Progress::default();
        let mut done = 0;
        for record in &records {
            let may_end = done > 0 && start.elapsed() >= SHORTEST;
            if progress.failures == FAILURES || may_end && is_outdated() {
                break;
            }
            self.run_one(record, answers, &mut progress)?;
            done += 1;
        }
        answers.end_run(done == records.len());
        times.run = start.elapsed();
        self.end(&records[done..], &progress)?;
        view::summary(&progress.counts, &times)
    }

    /// The cases, and then the sample unless it is those.
    fn records(&self) -> Vec<Record<'_>> {
        let Sample {
            cases_file,
            cases,
            records,
            source,
            ..
        } = self.sample;
        let file = cases_file.display();
        let cases = cases.iter().map(|case| Record {
            place: format!("{file}:{}", case.line()),
            input: case.input(),
            case: Some(case),
            is_sample: records.is_none(),
        });
        let is_text = source.starts_with('-');
        let records = records.iter().flatten().enumerate();
        let records = records.map(|(index, input)| Record {
            place: match is_text {
                true => source.clone(),
                false => format!("{source}:{}", index + 1),
            },
            input,
            case: None,
            is_sample: true,
        });
        cases.chain(records).collect()
    }

    fn run_one(
        &self,
        record: &Record<'_>,
        answers: &mut Answers,
        progress: &mut Progress,
    ) -> io::Result<()> {
        let result = self.process(record, progress);
        let answer = Answer::of(&result);
        let verdict = record.case.map(|case| case.compare(&result));
        let failure = result
            .err()
            .filter(|error| !matches!(error, Error::Plugin { .. }));
        let change = match record.is_sample {
            true => answers.add(record.input, answer.clone()),
            false => Change::Same,
        };
        progress.count(record, &change, verdict.as_ref(), failure.is_some());
        let wrong = verdict.and_then(Result::err);
        if change == Change::Same && wrong.is_none() && failure.is_none() {
            return Ok(());
        }
        progress.to_show += 1;
        if progress.to_show > SHOWN {
            return Ok(());
        }
        view::record(&record.place, record.input)?;
        // The message of a failed case has the answer.
        if record.is_sample {
            view::answer(&change, &answer)?;
        }
        match (failure, wrong) {
            // It is why the case failed.
            (Some(error), _) => self.console.plugin_error(&record.place, &error),
            (None, Some(wrong)) => view::wrong(&wrong)?,
            (None, None) => {}
        }
        Ok(())
    }

    /// Runs one record: a case in its own instance.
    fn process(
        &self,
        record: &Record<'_>,
        progress: &mut Progress,
    ) -> Result<ProcessResult, Error> {
        if let Some(case) = record.case {
            return self.plugin.start(case.config())?.process(record.input);
        }
        let plugin = match &mut progress.shared {
            Some(plugin) => plugin,
            none => none.insert(self.plugin.start(&Config::default())?),
        };
        plugin.process(record.input)
    }

    /// Says what was not shown and what was not run.
    fn end(&self, left: &[Record<'_>], progress: &Progress) -> io::Result<()> {
        if progress.to_show > SHOWN {
            view::more(progress.to_show - SHOWN)?;
        }
        if !left.is_empty() {
            let why = match progress.failures {
                FAILURES => format!("the plugin failed {FAILURES} times in a row"),
                _ => "there are new changes".to_owned(),
            };
            self.console.notice(format_args!(
                "{why}; {} more records were not run",
                left.len()
            ));
        }
        if self.sample.has_more {
            let notice = format!("only the first records of {} are run", self.sample.source);
            self.console.notice(escape(&notice));
        }
        Ok(())
    }
}

//! One row of the table: an attack and its expected outcome.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kumiki::{Grants, Limits};
use libtest_mimic::{Failed, Trial};
use test_components::TextPlugin as Guest;

use super::attack::{self, Attacker, LONG, Resources, SHORT, attempt};
use super::granted;
use super::memory::Peak;
use super::neighbour::Neighbour;
use super::outcome::{Expected, Outcome, Seen};
use super::report::{Report, Row};
use crate::program::Scene;

/// The default time limit of a row: enough for loading, two calls at the start, the
/// attack and the call after it, each with 20 times [`SHORT`].
const TIMEOUT: Duration = Duration::from_secs(20);

/// The check of a row.
type Act = Box<dyn FnOnce() -> Result<Seen, String> + Send>;
/// Builds a guest, before anything is measured.
type Make = Box<dyn FnOnce() -> Vec<u8> + Send>;
/// Creates grants, and the resources that they need.
type Grant = Box<dyn FnOnce() -> Result<(Resources, Grants), String> + Send>;

/// The work of a row.
enum Work {
    Act(Act),
    /// Attacks with a guest under this time limit.
    Guest(Make, Duration),
    /// Attacks with a guest that has limits and grants.
    Granted(Box<Guest>, Limits, Grant),
}

/// A row.
pub(crate) struct Case {
    name: &'static str,
    work: Work,
    expected: Expected,
    /// The maximum growth of the process's memory, in bytes.
    memory: usize,
    timeout: Duration,
    /// The reason why it cannot run here.
    skipped: Option<&'static str>,
}

impl Case {
    /// A row with any check. The message of its outcome must contain `message`.
    pub(crate) fn new(
        name: &'static str,
        outcome: Outcome,
        message: &'static str,
        act: impl FnOnce() -> Result<Seen, String> + Send + 'static,
    ) -> Self {
        Self::of(name, Work::Act(Box::new(act)), outcome, message)
    }

    fn of(name: &'static str, work: Work, outcome: Outcome, message: &'static str) -> Self {
        Self {
            name,
            work,
            expected: Expected { outcome, message },
            memory: 192 << 20,
            timeout: TIMEOUT,
            skipped: None,
        }
    }

    /// A check that must succeed. If it returns a text, the table shows it.
    pub(crate) fn check<T: Into<Seen>>(
        name: &'static str,
        check: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Self {
        Self::new(name, Outcome::Answer, "", || check().map(Into::into))
    }

    /// A check in a new scene, without a cache.
    pub(crate) fn in_scene<T: Into<Seen>>(
        name: &'static str,
        check: impl FnOnce(&Scene) -> Result<T, String> + Send + 'static,
    ) -> Self {
        Self::check(name, || check(&Scene::new()?))
    }

    /// A guest that ends by itself, or by another limit than time.
    pub(crate) fn guest(
        name: &'static str,
        outcome: Outcome,
        message: &'static str,
        guest: Guest,
    ) -> Self {
        Self::bytes(name, outcome, message, move || guest.build())
    }

    /// A guest that runs until its time limit.
    pub(crate) fn endless(name: &'static str, guest: Guest) -> Self {
        let work = Work::Guest(Box::new(move || guest.build()), SHORT);
        Self::of(name, work, Outcome::Limit, "time of")
    }

    /// Any bytes as a guest. They are built when the row runs.
    pub(crate) fn bytes(
        name: &'static str,
        outcome: Outcome,
        message: &'static str,
        bytes: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Self {
        Self::of(name, Work::Guest(Box::new(bytes), LONG), outcome, message)
    }

    /// A guest with its own limits, and grants that are created when the row runs.
    pub(crate) fn granted<T: Send + 'static>(
        name: &'static str,
        (outcome, message): (Outcome, &'static str),
        guest: Guest,
        limits: Limits,
        grant: impl FnOnce() -> Result<(T, Grants), String> + Send + 'static,
    ) -> Self {
        let grant: Grant = Box::new(|| {
            let (resources, grants) = grant()?;
            let resources: Resources = Box::new(resources);
            Ok((resources, grants))
        });
        Self::of(
            name,
            Work::Granted(Box::new(guest), limits, grant),
            outcome,
            message,
        )
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Converts a row to its guest, for more than one attack. None if it has no guest.
    pub(crate) fn into_attacker(self) -> Option<Attacker> {
        let (bytes, limits, (resources, grants)) = match self.work {
            Work::Act(_) => return None,
            Work::Guest(bytes, time) => (bytes(), attack::limits(time), (None, Grants::default())),
            Work::Granted(guest, limits, grant) => {
                let (resources, grants) = grant().ok()?;
                (guest.build(), limits, (Some(resources), grants))
            }
        };
        // In the soak, more plugins compute than there are processors.
        let time = limits.time * 5;
        Some(Attacker {
            name: self.name,
            bytes,
            limits: limits.with_time(time),
            grants,
            expected: self.expected,
            _resources: resources,
        })
    }

    /// Sets the maximum growth of the process's memory, in MiB.
    pub(crate) fn within(mut self, mebibytes: usize) -> Self {
        self.memory = mebibytes << 20;
        self
    }

    /// Sets the time limit of the row, in seconds.
    pub(crate) fn timeout(mut self, seconds: u64) -> Self {
        self.timeout = Duration::from_secs(seconds);
        self
    }

    /// Marks the row as ignored if there is a reason.
    pub(crate) fn unless(mut self, reason: Option<&'static str>) -> Self {
        self.skipped = reason;
        self
    }

    pub(crate) fn into_trial(self, neighbour: &Arc<Neighbour>, report: &Arc<Report>) -> Trial {
        let (neighbour, report) = (neighbour.clone(), report.clone());
        let skipped = self.skipped;
        let trial = Trial::test(format!("hostile {}", self.name), move || {
            self.run(&neighbour, &report)
        });
        trial
            .with_ignored_flag(skipped.is_some())
            .with_kind(skipped.unwrap_or_default())
    }

    fn run(self, neighbour: &Neighbour, report: &Report) -> Result<(), Failed> {
        neighbour.answers()?;
        let act = match self.work {
            Work::Act(act) => act,
            Work::Guest(bytes, time) => {
                let bytes = bytes();
                Box::new(move || attempt(&bytes, time))
            }
            Work::Granted(guest, limits, grant) => Box::new(move || {
                let (_resources, grants) = grant()?;
                granted::attempt(&guest, grants, limits)
            }),
        };
        let (start, peak) = (Instant::now(), Peak::start());
        let seen = act_within(act, self.timeout);
        let (elapsed, growth) = (start.elapsed(), peak.growth());
        let judgement = seen.as_ref().map_err(Clone::clone).and_then(|seen| {
            self.expected.judge(seen)?;
            match growth {
                Some(bytes) if bytes > self.memory => Err(format!(
                    "memory grew by {} MiB, over {}",
                    bytes >> 20,
                    self.memory >> 20
                )),
                _ => neighbour.answers(),
            }
        });
        report.add(Row {
            name: self.name,
            outcome: seen.map_or_else(|fact| fact, |seen| seen.short()),
            elapsed,
            peak: growth,
            is_unexpected: judgement.is_err(),
        });
        judgement.map_err(Failed::from)
    }
}

/// Runs a check on another thread, which is abandoned after this time.
fn act_within(act: Act, timeout: Duration) -> Result<Seen, String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(act()));
    receiver.recv_timeout(timeout).unwrap_or_else(|error| {
        Err(match error {
            mpsc::RecvTimeoutError::Timeout => format!("it has not ended after {timeout:?}"),
            mpsc::RecvTimeoutError::Disconnected => "the host panicked".to_owned(),
        })
    })
}

//! One row of the table: a behaviour and what must come of it.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kumiki::{Grants, Limits, LogRecord, Observer};
use kumiki_text::{Config, TextHost, TextPlugin};
use libtest_mimic::{Failed, Trial};
use test_components::TextPlugin as Guest;

use crate::suite::granted;
use crate::suite::memory::Peak;
use crate::suite::report::{Report, Row};
use crate::suite::{Neighbour, Outcome, Seen};

/// The time limit of those that would run for ever.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
/// The time limit of those that end by themselves: long enough that no busy
/// machine makes another outcome of it.
const LONG: Duration = Duration::from_secs(5);
/// How much memory a hostile instance may hold, and how many bytes it may hand
/// over in a call.
const MEMORY: usize = 64 << 20;
const TRANSFER: usize = 16 << 20;
/// What a call may log.
const LOG_RECORDS: usize = 100;
const LOG_BYTES: usize = 64 << 10;
/// The longest message that an error may have, in bytes.
const MESSAGE: usize = 16 << 10;

/// What a trial may take on any machine: a host that hangs is found, a slow one
/// is not blamed. Loading, two calls at the start, the attack, and the call
/// after it, each 20 times [`SHORT`].
const PATIENCE: Duration = Duration::from_secs(20);

type Act = Box<dyn FnOnce() -> Result<Seen, String> + Send>;
/// Makes a guest's bytes, before anything is measured.
type Make = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// Makes grants, and what they lead to for as long as it is kept.
type Grant = Box<dyn FnOnce() -> Result<(Kept, Grants), String> + Send>;
type Kept = Box<dyn Any + Send>;

/// What is tried.
enum Tried {
    Act(Act),
    /// A guest, whose calls may take so long.
    Guest(Make, Duration),
    /// A guest with limits and grants.
    Granted(Box<Guest>, Limits, Grant),
}

/// A behaviour, how it is tried, and what must come of it.
pub(crate) struct Case {
    name: &'static str,
    tried: Tried,
    outcome: Outcome,
    says: &'static str,
    memory: usize,
    patience: Duration,
    /// Why it cannot be tried here.
    skipped: Option<&'static str>,
}

impl Case {
    /// Anything that can be tried. The message of its outcome must contain
    /// `says`.
    pub(crate) fn new(
        name: &'static str,
        outcome: Outcome,
        says: &'static str,
        act: impl FnOnce() -> Result<Seen, String> + Send + 'static,
    ) -> Self {
        Self::of(name, Tried::Act(Box::new(act)), outcome, says)
    }

    fn of(name: &'static str, tried: Tried, outcome: Outcome, says: &'static str) -> Self {
        Self {
            name,
            tried,
            outcome,
            says,
            memory: 192 << 20,
            patience: PATIENCE,
            skipped: None,
        }
    }

    /// A guest that ends by itself, or by another limit than time.
    pub(crate) fn guest(
        name: &'static str,
        outcome: Outcome,
        says: &'static str,
        guest: Guest,
    ) -> Self {
        Self::bytes(name, outcome, says, move || guest.build())
    }

    /// A guest that would never end: its time must.
    pub(crate) fn endless(name: &'static str, guest: Guest) -> Self {
        let tried = Tried::Guest(Box::new(move || guest.build()), SHORT);
        Self::of(name, tried, Outcome::Limit, "time of")
    }

    /// Bytes of whatever kind, made when their turn comes.
    pub(crate) fn bytes(
        name: &'static str,
        outcome: Outcome,
        says: &'static str,
        bytes: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Self {
        Self::of(name, Tried::Guest(Box::new(bytes), LONG), outcome, says)
    }

    /// A guest with limits of its own, and grants that are made when its turn
    /// comes.
    pub(crate) fn granted(
        name: &'static str,
        (outcome, says): (Outcome, &'static str),
        guest: Guest,
        limits: Limits,
        grant: impl FnOnce() -> Result<(Kept, Grants), String> + Send + 'static,
    ) -> Self {
        let tried = Tried::Granted(Box::new(guest), limits, Box::new(grant));
        Self::of(name, tried, outcome, says)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The guest, to be tried again and again; none where it is no guest.
    pub(crate) fn into_attacker(self) -> Option<Attacker> {
        let (bytes, limits, (kept, grants)) = match self.tried {
            Tried::Act(_) => return None,
            Tried::Guest(bytes, time) => (bytes(), limits(time), (None, Grants::default())),
            Tried::Granted(guest, limits, grant) => {
                let (kept, grants) = grant().ok()?;
                (guest.build(), limits, (Some(kept), grants))
            }
        };
        // There, more plugins compute than there are processors, and the making
        // of an instance waits its turn like any call.
        let time = limits.time * 5;
        Some(Attacker {
            name: self.name,
            bytes,
            limits: limits.with_time(time),
            grants,
            _kept: kept,
            outcome: self.outcome,
            says: self.says,
        })
    }

    /// How many MiB the process may come to hold more than before.
    pub(crate) fn within(mut self, mebibytes: usize) -> Self {
        self.memory = mebibytes << 20;
        self
    }

    /// Gives it more time, in seconds, for what is compiled.
    pub(crate) fn patience(mut self, seconds: u64) -> Self {
        self.patience = Duration::from_secs(seconds);
        self
    }

    /// Shows it as ignored, with this reason, where there is one.
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
        let act = match self.tried {
            Tried::Act(act) => act,
            Tried::Guest(bytes, time) => {
                let bytes = bytes();
                Box::new(move || attempt(&bytes, time))
            }
            Tried::Granted(guest, limits, grant) => Box::new(move || {
                let (_kept, grants) = grant()?;
                granted::attempt(&guest, grants, limits)
            }),
        };
        let (start, peak) = (Instant::now(), Peak::start());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(act()));
        let seen = receiver
            .recv_timeout(self.patience)
            .map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => {
                    format!("it has not ended after {:?}", self.patience)
                }
                mpsc::RecvTimeoutError::Disconnected => "the host panicked".to_owned(),
            })
            .and_then(|seen| seen);
        let (elapsed, growth) = (start.elapsed(), peak.growth());
        let judgement = seen.as_ref().map_err(Clone::clone).and_then(|seen| {
            judge(seen, self.outcome, self.says)?;
            match growth {
                Some(bytes) if bytes > self.memory => Err(format!(
                    "{} MiB were held, over {}",
                    bytes >> 20,
                    self.memory >> 20
                )),
                _ => neighbour.answers(),
            }
        });
        report.add(Row {
            name: self.name,
            outcome: match &seen {
                Ok(seen) => short(seen),
                Err(fact) => fact.clone(),
            },
            elapsed,
            peak: growth,
            surprise: judgement.is_err(),
        });
        judgement.map_err(Failed::from)
    }
}

/// A guest that attacks when it is told to, and what must come of it.
pub(crate) struct Attacker {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) limits: Limits,
    pub(crate) grants: Grants,
    _kept: Option<Kept>,
    outcome: Outcome,
    says: &'static str,
}

impl Attacker {
    /// How it must end, in words.
    pub(crate) fn expected(&self) -> String {
        match self.says {
            "" => self.outcome.to_string(),
            says => format!("{}: {says}", self.outcome),
        }
    }

    /// Whether it ended as it must.
    pub(crate) fn judge(&self, seen: &Seen) -> Result<(), String> {
        judge(seen, self.outcome, self.says)
    }
}

/// Small limits, and time enough to reach them.
fn limits(time: Duration) -> Limits {
    Limits::default()
        .with_time(time)
        .with_memory(MEMORY)
        .with_transfer(TRANSFER)
        .with_log(LOG_RECORDS, LOG_BYTES)
}

fn judge(seen: &Seen, outcome: Outcome, says: &str) -> Result<(), String> {
    if seen.message.len() > MESSAGE {
        return Err(format!("a message of {} bytes", seen.message.len()));
    }
    if seen.outcome == outcome && seen.message.contains(says) {
        return Ok(());
    }
    let message: String = seen.message.chars().take(500).collect();
    Err(format!(
        "expected {outcome} with `{says}`, found {}: {message}",
        seen.outcome
    ))
}

/// The outcome with what follows the plugin's name and the function's.
fn short(seen: &Seen) -> String {
    match seen.message.rsplit_once("`: ") {
        Some((_, reason)) => format!("{}: {reason}", seen.outcome),
        None if seen.message.is_empty() => seen.outcome.to_string(),
        None => format!("{}: {}", seen.outcome, seen.message),
    }
}

/// The whole of it on the real host: load, ask for the name, attack, and call
/// once more, which must be answered.
fn attempt(bytes: &[u8], time: Duration) -> Result<Seen, String> {
    let heard = Heard::default();
    let host = TextHost::builder()
        .limits(limits(time))
        .observer(heard.clone());
    let host = host.build();
    let host = host.map_err(|error| error.to_string())?;
    let loaded = host
        .load_bytes("hostile.wasm", bytes)
        .map_err(kumiki_text::Error::from)
        .and_then(|plugin| TextPlugin::new(plugin, Config::default()));
    let mut plugin = match loaded {
        Ok(plugin) => plugin,
        Err(error) => return Ok(error.into()),
    };
    let seen = attack(&mut plugin)?;
    heard.is_bounded()?;
    Ok(seen)
}

/// One attack, and a call after it, which must be answered.
pub(crate) fn attack(plugin: &mut TextPlugin) -> Result<Seen, String> {
    let seen = match plugin.process("attack") {
        Ok(result) if result.output == "attack" => Seen::answer(),
        Ok(result) => {
            let output: String = result.output.chars().take(100).collect();
            return Err(format!("it got away with `{output}`"));
        }
        Err(error) => error.into(),
    };
    let start = Instant::now();
    match plugin.process("well") {
        Ok(result) if result.output == "well" => Ok(seen),
        other => Err(format!(
            "the call after `{}` gave {other:?} after {:?}",
            seen.outcome,
            start.elapsed()
        )),
    }
}

/// Counts what reaches the log.
#[derive(Clone, Default)]
struct Heard {
    records: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

impl Observer for Heard {
    fn log(&self, record: &LogRecord<'_>) {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(record.message.len(), Ordering::Relaxed);
    }
}

impl Heard {
    /// Only the attack logs, and beyond its limits there is one notice.
    fn is_bounded(&self) -> Result<(), String> {
        let records = self.records.load(Ordering::Relaxed);
        let bytes = self.bytes.load(Ordering::Relaxed);
        if records > LOG_RECORDS + 1 || bytes > LOG_BYTES + 200 {
            return Err(format!("{records} records of {bytes} bytes were logged"));
        }
        Ok(())
    }
}

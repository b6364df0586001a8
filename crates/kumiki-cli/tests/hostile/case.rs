//! One row of the table: a behaviour and what must come of it.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kumiki::Limits;
use kumiki_text::{Config, TextHost, TextPlugin};
use libtest_mimic::{Failed, Trial};
use test_components::TextPlugin as Guest;

use crate::neighbour::Neighbour;
use crate::outcome::{Outcome, Seen};
use crate::peak::Peak;
use crate::report::{Report, Row};

/// The time limit of those that would run for ever.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
/// The time limit of those that end by themselves: long enough that no busy
/// machine makes another outcome of it.
const LONG: Duration = Duration::from_secs(5);
/// How much memory a hostile instance may hold, and how many bytes it may hand
/// over in a call.
pub(crate) const MEMORY: usize = 64 << 20;
pub(crate) const TRANSFER: usize = 16 << 20;

/// What a trial may take on any machine: a host that hangs is found, a slow one
/// is not blamed. Loading, two calls at the start, the attack, and the call
/// after it, each 20 times [`SHORT`].
const PATIENCE: Duration = Duration::from_secs(20);

type Act = Box<dyn FnOnce() -> Result<Seen, String> + Send>;

/// A behaviour, how it is tried, and what must come of it.
pub(crate) struct Case {
    name: &'static str,
    act: Act,
    outcome: Outcome,
    says: &'static str,
    memory: usize,
    patience: Duration,
    waits: bool,
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
        Self {
            name,
            act: Box::new(act),
            outcome,
            says,
            memory: 192 << 20,
            patience: PATIENCE,
            waits: false,
        }
    }

    /// A guest that ends by itself, or by another limit than time.
    pub(crate) fn guest(
        name: &'static str,
        outcome: Outcome,
        says: &'static str,
        guest: Guest,
    ) -> Self {
        Self::new(name, outcome, says, move || attempt(&guest.build(), LONG))
    }

    /// A guest that would never end: its time must.
    pub(crate) fn endless(name: &'static str, guest: Guest) -> Self {
        Self::new(name, Outcome::Limit, "time of 200ms", move || {
            attempt(&guest.build(), SHORT)
        })
    }

    /// Bytes of whatever kind, made when their turn comes.
    pub(crate) fn bytes(
        name: &'static str,
        outcome: Outcome,
        says: &'static str,
        bytes: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Self {
        Self::new(name, outcome, says, move || attempt(&bytes(), LONG))
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

    /// Not yet: the host has no limit for it. Shown as ignored.
    pub(crate) fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    pub(crate) fn into_trial(self, neighbour: &Arc<Neighbour>, report: &Arc<Report>) -> Trial {
        let (neighbour, report) = (neighbour.clone(), report.clone());
        let (name, waits) = (self.name, self.waits);
        let label = if waits { "waits for a limit" } else { "" };
        Trial::test(format!("hostile {name}"), move || {
            self.run(&neighbour, &report)
        })
        .with_ignored_flag(waits)
        .with_kind(label)
    }

    fn run(self, neighbour: &Neighbour, report: &Report) -> Result<(), Failed> {
        neighbour.answers()?;
        let (start, peak) = (Instant::now(), Peak::start());
        let (sender, receiver) = mpsc::channel();
        let act = self.act;
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

fn judge(seen: &Seen, outcome: Outcome, says: &str) -> Result<(), String> {
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
    let limits = Limits::default()
        .with_time(time)
        .with_memory(MEMORY)
        .with_transfer(TRANSFER);
    let host = TextHost::builder().limits(limits).build();
    let host = host.map_err(|error| error.to_string())?;
    let loaded = host
        .load_bytes("hostile.wasm", bytes)
        .map_err(kumiki_text::Error::from)
        .and_then(|plugin| TextPlugin::new(plugin, Config::default()));
    let mut plugin = match loaded {
        Ok(plugin) => plugin,
        Err(error) => return Ok(error.into()),
    };
    let seen = match plugin.process("attack") {
        Ok(result) if result.output == "attack" => Seen::answer(),
        Ok(result) => {
            let output: String = result.output.chars().take(100).collect();
            return Err(format!("it got away with `{output}`"));
        }
        Err(error) => error.into(),
    };
    match plugin.process("well") {
        Ok(result) if result.output == "well" => Ok(seen),
        other => Err(format!("the call after `{}` gave {other:?}", seen.outcome)),
    }
}

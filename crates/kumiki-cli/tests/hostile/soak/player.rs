//! One plugin of the soak test: a thread calls it repeatedly and counts failures.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use kumiki::{Grants, Limits};
use kumiki_text::ProcessResult;

use super::good;
use crate::suite::attack::{self, Attacker, attack};
use crate::suite::to_text;

/// The number of calls after which a well-behaved plugin gets a new instance, so that
/// both old and new instances are tested.
const CALLS_PER_INSTANCE: usize = 10_000;

/// The number of attacks after which a hostile plugin is loaded again on a new host.
const ATTACKS_PER_HOST: usize = 500;

/// The number of failures of one plugin that are reported. All are counted.
const REPORTED: usize = 3;

/// Computes the correct result of a well-behaved plugin.
pub(super) type Right = fn(&str) -> ProcessResult;

/// The plugin of a thread, and how it is called.
pub(super) enum Work {
    Answer {
        name: &'static str,
        bytes: Vec<u8>,
        right: Right,
    },
    Attack(Box<Attacker>),
}

/// A plugin, and the numbers in its line of the table.
pub(super) struct Player {
    pub(super) name: &'static str,
    pub(super) expected: String,
    calls: AtomicU64,
    failures: AtomicU64,
    reported: AtomicUsize,
    /// Failures that have not been printed yet.
    news: Mutex<Vec<String>>,
}

impl Player {
    pub(super) fn new(work: &Work) -> Self {
        let (name, expected) = match work {
            Work::Answer { name, .. } => (*name, "the correct result".to_owned()),
            Work::Attack(attacker) => (attacker.name, attacker.expected.to_string()),
        };
        Self {
            name,
            expected,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            reported: AtomicUsize::new(0),
            news: Mutex::default(),
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Takes the reported failures that have not been printed yet.
    pub(super) fn new_faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A fault if it failed or was never called.
    pub(super) fn verdict(&self) -> Option<String> {
        match (self.calls(), self.failures()) {
            (0, _) => Some(format!("{} was never called", self.name)),
            (_, 0) => None,
            (_, failures) => Some(format!("{} failed {failures} times", self.name)),
        }
    }

    /// Calls the plugin until `stop` is set.
    pub(super) fn play(&self, work: Work, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let turn = match &work {
                Work::Answer { bytes, right, .. } => self.answer(bytes, *right, stop),
                Work::Attack(attacker) => self.attack(attacker, stop),
            };
            if let Err(fact) = turn {
                self.count(Err(fact));
                // The plugin cannot be loaded; another attempt would not help.
                return;
            }
        }
    }

    fn answer(&self, bytes: &[u8], right: Right, stop: &AtomicBool) -> Result<(), String> {
        let plugin = attack::load(self.name, bytes, Limits::default(), Grants::default());
        let mut plugin = plugin.map_err(to_text)?;
        for call in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let input = good::input(call);
            let expected = right(&input);
            self.count(match plugin.process(&input) {
                Ok(result) if result == expected => Ok(()),
                Ok(result) => Err(format!("`{input}` gave {result:?}, not {expected:?}")),
                Err(error) => Err(error.to_string()),
            });
            if call % CALLS_PER_INSTANCE == 0 {
                plugin.restart();
            }
        }
        Ok(())
    }

    fn attack(&self, attacker: &Attacker, stop: &AtomicBool) -> Result<(), String> {
        let (limits, grants) = (attacker.limits.clone(), attacker.grants.clone());
        let plugin = attack::load(self.name, &attacker.bytes, limits, grants);
        let mut plugin = plugin.map_err(to_text)?;
        for _ in 0..ATTACKS_PER_HOST {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let seen = attack(&mut plugin);
            self.count(seen.and_then(|seen| attacker.expected.judge(&seen)));
        }
        Ok(())
    }

    fn count(&self, outcome: Result<(), String>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Err(fact) = outcome else { return };
        self.failures.fetch_add(1, Ordering::Relaxed);
        if self.reported.fetch_add(1, Ordering::Relaxed) < REPORTED {
            let fact: String = fact.chars().take(500).collect();
            let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
            news.push(format!("{}: {fact}", self.name));
        }
    }
}

//! One plugin, called without end, and what is counted of it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use kumiki::{Grants, Limits};
use kumiki_text::{Config, ProcessResult, TextHost, TextPlugin};

use super::good;
use crate::suite::{Attacker, attack};

/// After so many calls a good plugin gets a new instance: both an old one and
/// the making of many are tried.
const CALLS_OF_AN_INSTANCE: usize = 10_000;

/// After so many attacks a hostile plugin is loaded anew, host and all.
const ATTACKS_OF_A_HOST: usize = 500;

/// How many faults of one plugin are told; all are counted.
const TOLD: usize = 3;

/// What a good plugin must answer.
pub(super) type Right = fn(&str) -> ProcessResult;

/// What a player does.
pub(super) enum Work {
    Answer {
        name: &'static str,
        bytes: Vec<u8>,
        right: Right,
    },
    Attack(Box<Attacker>),
}

/// A plugin in the table.
pub(super) struct Player {
    pub(super) name: &'static str,
    pub(super) expected: String,
    calls: AtomicU64,
    failures: AtomicU64,
    told: AtomicUsize,
    /// Failures that are to be told.
    news: Mutex<Vec<String>>,
}

impl Player {
    pub(super) fn new(work: &Work) -> Self {
        let (name, expected) = match work {
            Work::Answer { name, .. } => (*name, "the right answer".to_owned()),
            Work::Attack(attacker) => (attacker.name, attacker.expected()),
        };
        Self {
            name,
            expected,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            told: AtomicUsize::new(0),
            news: Mutex::default(),
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Those of its first few failures that were not told before.
    pub(super) fn new_faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was wrong with it on the whole.
    pub(super) fn verdict(&self) -> Option<String> {
        match (self.calls(), self.failures()) {
            (0, _) => Some(format!("{} was never called", self.name)),
            (_, 0) => None,
            (_, failures) => Some(format!("{} failed {failures} times", self.name)),
        }
    }

    /// Calls the plugin until it is told to stop.
    pub(super) fn play(&self, work: Work, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let turn = match &work {
                Work::Answer { bytes, right, .. } => self.answer(bytes, *right, stop),
                Work::Attack(attacker) => self.attack(attacker, stop),
            };
            if let Err(fact) = turn {
                self.count(Err(fact));
                // It cannot be loaded: it will be no better at once.
                return;
            }
        }
    }

    fn answer(&self, bytes: &[u8], right: Right, stop: &AtomicBool) -> Result<(), String> {
        let mut plugin = load(self.name, bytes, Limits::default(), Grants::default())?;
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
            if call % CALLS_OF_AN_INSTANCE == 0 {
                plugin.restart();
            }
        }
        Ok(())
    }

    fn attack(&self, attacker: &Attacker, stop: &AtomicBool) -> Result<(), String> {
        let mut plugin = load(
            self.name,
            &attacker.bytes,
            attacker.limits.clone(),
            attacker.grants.clone(),
        )?;
        for _ in 0..ATTACKS_OF_A_HOST {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let seen = attack(&mut plugin);
            self.count(seen.and_then(|seen| attacker.judge(&seen)));
        }
        Ok(())
    }

    fn count(&self, outcome: Result<(), String>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Err(fact) = outcome else { return };
        self.failures.fetch_add(1, Ordering::Relaxed);
        if self.told.fetch_add(1, Ordering::Relaxed) < TOLD {
            let fact: String = fact.chars().take(500).collect();
            let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
            news.push(format!("{}: {fact}", self.name));
        }
    }
}

fn load(name: &str, bytes: &[u8], limits: Limits, grants: Grants) -> Result<TextPlugin, String> {
    let host = TextHost::builder().limits(limits).grants(grants).build();
    host.and_then(|host| host.load_bytes(name, bytes))
        .map_err(kumiki_text::Error::from)
        .and_then(|plugin| TextPlugin::new(plugin, Config::default()))
        .map_err(|error| error.to_string())
}

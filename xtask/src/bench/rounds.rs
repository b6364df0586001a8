//! Measures contenders in turns. The speed of a machine drifts by the second, so only
//! adjacent measurements can be compared: each round has a turn of every contender,
//! and a ratio is the median of the ratios within rounds.

use std::time::{Duration, Instant};

use kumiki_turns::input;

use super::How;
use super::contender::Contender;
use super::programs::Programs;
use super::rows::Row;

/// Approximate duration of a turn.
const TURN: u32 = 20;

/// The results of a row: each contender, in the row's order.
pub(super) struct Measured {
    pub(super) contenders: Vec<(&'static str, Result<Times, String>)>,
}

/// The turns of one contender.
pub(super) struct Times {
    /// Nanoseconds per item, by round.
    pub(super) turns: Vec<f64>,
    pub(super) facts: Vec<(String, f64)>,
}

impl Times {
    pub(super) fn minimum(&self) -> f64 {
        self.turns.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(super) fn median(&self) -> f64 {
        median(self.turns.clone())
    }

    pub(super) fn fact(&self, name: &str) -> Option<f64> {
        let fact = self.facts.iter().find(|(its, _)| its == name);
        fact.map(|(_, number)| *number)
    }
}

impl Measured {
    pub(super) fn times(&self, name: &str) -> Option<&Times> {
        let found = self.contenders.iter().find(|(its, _)| *its == name);
        found?.1.as_ref().ok()
    }

    /// Returns how much longer `a` takes than `b`: the median of the rounds' ratios.
    pub(super) fn ratio(&self, a: &str, b: &str) -> Option<f64> {
        let (a, b) = (self.times(a)?, self.times(b)?);
        let ratios = a.turns.iter().zip(&b.turns).map(|(a, b)| a / b);
        Some(median(ratios.collect()))
    }
}

pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A contender of a row: its process, until it fails, and its turns.
struct Player {
    name: &'static str,
    contender: Result<Contender, String>,
    turns: Vec<f64>,
}

impl Player {
    fn turn(&mut self) {
        let Ok(contender) = &mut self.contender else {
            return;
        };
        match contender.turn(TURN) {
            Ok(time) => self.turns.push(time),
            Err(why) => self.contender = Err(why),
        }
    }

    fn finish(self) -> (&'static str, Result<Times, String>) {
        let facts = self.contender.and_then(|mut it| it.facts());
        let times = facts.map(|facts| Times {
            turns: self.turns,
            facts,
        });
        (self.name, times)
    }
}

/// Sets up a row in each of its contenders and measures them in turns.
pub(super) fn measure(row: &Row, programs: &Programs, how: How) -> Measured {
    let expected = row.work.answer(&input(row.size), |_| ()).digest();
    let work = row.work.name();
    let request = format!("{} {work} {} {}", row.kind, row.size, row.count);
    let start = |name: &&'static str| Player {
        name,
        contender: Contender::start(name, &request, &expected.to_string(), programs),
        turns: Vec::new(),
    };
    let mut players: Vec<_> = row.contenders.iter().map(start).collect();

    let (rounds, min_rounds, max_time) = match how.quick {
        true => (9, 3, Duration::from_secs(3)),
        false => (61, 7, Duration::from_secs(15)),
    };
    let start = Instant::now();
    for round in 0..rounds {
        if round >= min_rounds && start.elapsed() > max_time {
            break;
        }
        // Rotate, so that no contender always runs after the same one.
        match round % 2 {
            0 => players.iter_mut().for_each(Player::turn),
            _ => players.iter_mut().rev().for_each(Player::turn),
        }
    }
    Measured {
        contenders: players.into_iter().map(Player::finish).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_the_median_within_rounds() {
        let times = |turns: &[f64]| {
            Ok(Times {
                turns: turns.to_vec(),
                facts: Vec::new(),
            })
        };
        // The machine is ten times as slow in the second half.
        let measured = Measured {
            contenders: vec![
                ("a", times(&[2.0, 2.0, 20.0, 20.0, 20.0])),
                ("b", times(&[1.0, 1.0, 10.0, 10.0, 90.0])),
                ("c", Err("not installed".to_owned())),
            ],
        };
        assert_eq!(measured.ratio("a", "b"), Some(2.0));
        assert_eq!(measured.ratio("a", "c"), None);
        assert_eq!(measured.times("b").map(Times::minimum), Some(1.0));
    }
}

//! The contender's half of the protocol.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::work::{Digest, Work};

/// A row to be measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// The kind of measurement, as in the driver's rows: `call`, `many`, `fresh` and so
    /// on.
    pub kind: String,
    /// The work for each text.
    pub work: Work,
    /// Size of each text in bytes.
    pub size: usize,
    /// Number of texts per call, threads, or live instances, depending on the kind.
    pub count: usize,
}

impl Row {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let row = Self {
            kind: words.next()?.to_owned(),
            work: Work::find(words.next()?)?,
            size: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(row)
    }
}

/// Runs for about the given time and returns the nanoseconds per item.
pub type Turn = Box<dyn FnMut(Duration) -> f64>;

/// A row that is set up.
pub struct Set {
    /// Digest of the answer to the row's text.
    pub digest: Digest,
    /// Runs a turn.
    pub turn: Turn,
    /// Returns other measurements: names and numbers.
    pub facts: Vec<(&'static str, f64)>,
}

impl Set {
    /// Creates a row without other measurements.
    #[must_use]
    pub fn new(digest: Digest, turn: Turn) -> Self {
        Self {
            digest,
            turn,
            facts: Vec::new(),
        }
    }
}

/// Creates a turn that calls `work` repeatedly, with `items` items per call. The first
/// tenth of the time is a warm-up and is not counted.
pub fn repeat(items: usize, mut work: impl FnMut() + 'static) -> Turn {
    let mut chunk = 1_u32;
    Box::new(move |time| {
        let warm = Instant::now();
        while warm.elapsed() < time / 10 {
            work();
        }
        let (start, mut calls) = (Instant::now(), 0_u64);
        loop {
            let before = start.elapsed();
            (0..chunk).for_each(|_| work());
            calls += u64::from(chunk);
            let elapsed = start.elapsed();
            if elapsed >= time {
                return elapsed.as_secs_f64() * 1e9 / (calls * items as u64) as f64;
            }
            // About fifty clock readings per turn are negligible.
            if elapsed - before < time / 50 && chunk < 1 << 20 {
                chunk *= 2;
            } else if elapsed - before > time / 10 && chunk > 1 {
                chunk /= 2;
            }
        }
    })
}

/// Creates a turn that makes a number of items one after the other and keeps them until
/// the last one is made.
pub fn make_each<T: 'static>(count: usize, make: impl Fn(usize) -> T + 'static) -> Turn {
    let mut kept = Vec::with_capacity(count);
    repeat(1, move || {
        kept.push(make(kept.len()));
        if kept.len() == count {
            kept.clear();
        }
    })
}

/// Creates a turn that uses the items one after the other.
pub fn use_each<T: 'static>(mut all: Vec<T>, mut work: impl FnMut(&mut T) + 'static) -> Turn {
    let mut at = 0;
    repeat(1, move || {
        at = (at + 1) % all.len();
        work(&mut all[at]);
    })
}

/// Creates a turn with several threads, each of which does `work` with its own state
/// until the time is up. The time per item is the total time divided by the items of
/// all threads.
pub fn side_by_side(threads: usize, work: impl Fn(&mut Until) + Send + Sync + 'static) -> Turn {
    Box::new(move |time| {
        let start = Instant::now();
        let until_the_end = || {
            let mut until = Until {
                start,
                time,
                calls: 0,
            };
            work(&mut until);
            until.calls
        };
        let calls: u64 = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(until_the_end)).collect();
            let own = until_the_end();
            // A thread that panicked has printed why.
            let others = others.into_iter().map(|it| it.join().unwrap_or(0));
            own + others.sum::<u64>()
        });
        start.elapsed().as_secs_f64() * 1e9 / calls.max(1) as f64
    })
}

/// One thread's turn.
#[derive(Debug)]
pub struct Until {
    start: Instant,
    time: Duration,
    calls: u64,
}

impl Until {
    /// Repeats `work` until the time is up.
    pub fn each(&mut self, mut work: impl FnMut()) {
        while self.start.elapsed() < self.time {
            work();
            self.calls += 1;
        }
    }
}

/// Answers the driver until it closes the pipe. `set_up` sets up a row, or returns why
/// this contender does not have it. The state of the previous row is dropped first.
pub fn serve(mut set_up: impl FnMut(&Row) -> Result<Set, String>) -> ExitCode {
    let mut set: Option<Set> = None;
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else {
            return ExitCode::FAILURE;
        };
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("row", rest) => {
                drop(set.take());
                let row = Row::read(rest).ok_or_else(|| format!("no such row: `{rest}`"));
                match row.and_then(|row| set_up(&row)) {
                    Ok(ready) => format!("ready {}", set.insert(ready).digest),
                    Err(why) => format!("absent {}", why.replace('\n', "; ")),
                }
            }
            ("turn", milliseconds) => match (&mut set, milliseconds.parse()) {
                (Some(set), Ok(time)) => {
                    format!("time {}", (set.turn)(Duration::from_millis(time)))
                }
                _ => "absent no row is set up".to_owned(),
            },
            ("facts", _) => {
                let facts = set.iter().flat_map(|set| &set.facts);
                let facts: Vec<_> = facts.map(|(name, it)| format!("{name}={it}")).collect();
                format!("facts {}", facts.join(" "))
            }
            _ => format!("absent no such line: `{line}`"),
        };
        let mut output = io::stdout().lock();
        let written = writeln!(output, "{answer}").and_then(|()| output.flush());
        if written.is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_whole_or_not_at_all() {
        let row = Row::read("call upper 21 1").unwrap();
        assert_eq!(
            (&*row.kind, row.work, row.size, row.count),
            ("call", Work::Upper, 21, 1)
        );
        for line in ["call upper 21", "call upper 21 1 1", "call lower 21 1", ""] {
            assert!(Row::read(line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_turn_gives_the_time_of_an_item() {
        // A pause may take longer than requested, never less: on a busy machine only
        // lower bounds hold.
        let pause = || std::thread::sleep(Duration::from_millis(2));
        let time = Duration::from_millis(20);
        let one = repeat(1, pause)(time);
        assert!(one >= 2e6, "{one}");
        let one_of_four = repeat(4, pause)(time);
        assert!(one_of_four >= 0.5e6, "{one_of_four}");
        let of_two_threads = side_by_side(2, move |until| until.each(pause))(time);
        assert!(of_two_threads >= 1e6, "{of_two_threads}");
    }
}

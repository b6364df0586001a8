//! Two ways to do the same, measured against each other.

use std::time::{Duration, Instant};

/// How long one turn of one of the two takes, about.
const TURN: Duration = Duration::from_millis(2);

/// How much longer `b` takes than `a`: the median of so many pairs of turns of
/// a few milliseconds. On a machine whose speed drifts, only neighbours in time
/// can be compared.
pub(crate) fn ratio(mut a: impl FnMut(), mut b: impl FnMut(), pairs: usize) -> f64 {
    let calls = calls(&mut a);
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..calls).for_each(|_| work());
        start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..pairs)
        .map(|turn| {
            // Neither is always the one that warms the other's caches.
            if turn % 2 == 0 {
                let first = time(&mut a);
                time(&mut b) / first
            } else {
                let first = time(&mut b);
                first / time(&mut a)
            }
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// How many calls make a turn.
fn calls(work: &mut impl FnMut()) -> usize {
    let (start, mut calls) = (Instant::now(), 0);
    while start.elapsed() < TURN {
        work();
        calls += 1;
    }
    calls
}

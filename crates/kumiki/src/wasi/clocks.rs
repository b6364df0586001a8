//! The clocks that a guest reads, as its grants say.

use std::time::{Duration, Instant, SystemTime};

use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::Clocks;

/// The steps of [`Clocks::Coarse`].
const STEP: Duration = Duration::from_millis(1);

impl Clocks {
    pub(super) fn give(self, wasi: &mut WasiCtxBuilder) {
        match self {
            Self::Real => {}
            Self::Coarse => {
                wasi.wall_clock(Coarse(Instant::now()))
                    .monotonic_clock(Coarse(Instant::now()));
            }
            Self::Frozen => {
                wasi.wall_clock(Frozen).monotonic_clock(Frozen);
            }
        }
    }

    /// A file's time, as these clocks show it.
    pub(crate) fn of_file(self, time: Datetime) -> Datetime {
        match self {
            Self::Real => time,
            Self::Coarse => Datetime {
                nanoseconds: time.nanoseconds - time.nanoseconds % STEP.subsec_nanos(),
                ..time
            },
            Self::Frozen => datetime(Duration::ZERO),
        }
    }

    /// What a guest sets a file's time to that sets it to now; none where that
    /// is the system's own time.
    pub(crate) fn now_for_files(self) -> Option<Datetime> {
        match self {
            Self::Real => None,
            Self::Coarse => Some(datetime(HostWallClock::now(&Coarse(Instant::now())))),
            Self::Frozen => Some(datetime(Duration::ZERO)),
        }
    }
}

fn datetime(since_1970: Duration) -> Datetime {
    Datetime {
        seconds: since_1970.as_secs(),
        nanoseconds: since_1970.subsec_nanos(),
    }
}

/// Time in whole steps. The monotonic clock counts from the instant it holds.
struct Coarse(Instant);

fn in_steps(time: Duration) -> Duration {
    let step = STEP.as_nanos();
    let nanoseconds = time.as_nanos() / step * step;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A machine whose clock stands before 1970 has no time to tell.
        in_steps(now.unwrap_or_default())
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        nanoseconds(STEP)
    }

    fn now(&self) -> u64 {
        nanoseconds(in_steps(self.0.elapsed()))
    }
}

struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        nanoseconds(STEP)
    }

    fn now(&self) -> u64 {
        0
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_files_are_what_the_clocks_show() {
        let time = |seconds, nanoseconds| Datetime {
            seconds,
            nanoseconds,
        };
        let same = |a: Datetime, b: Datetime| {
            assert_eq!((a.seconds, a.nanoseconds), (b.seconds, b.nanoseconds));
        };
        let real = time(1_700_000_000, 123_456_789);
        same(Clocks::Real.of_file(real), real);
        same(
            Clocks::Coarse.of_file(real),
            time(1_700_000_000, 123_000_000),
        );
        same(Clocks::Frozen.of_file(real), time(0, 0));
        assert!(Clocks::Real.now_for_files().is_none());
        same(Clocks::Frozen.now_for_files().unwrap(), time(0, 0));
        let now = Clocks::Coarse.now_for_files().unwrap();
        assert!(now.seconds > 1_700_000_000 && now.nanoseconds.is_multiple_of(1_000_000));
    }

    #[test]
    fn coarse_clocks_go_in_steps() {
        for (nanoseconds, steps) in [(0, 0), (999_999, 0), (1_000_000, 1), (2_999_999, 2)] {
            let time = in_steps(Duration::from_nanos(nanoseconds));
            assert_eq!(time, STEP * steps, "{nanoseconds}");
        }
        assert!(HostWallClock::now(&Coarse(Instant::now())) > Duration::from_hours(1));
    }
}

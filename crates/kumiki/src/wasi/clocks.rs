//! The clocks of guests according to their grants.

use std::time::{Duration, Instant, SystemTime};

use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::Clocks;

/// The steps of [`Clocks::Coarse`].
const STEP: Duration = Duration::from_millis(1);

impl Clocks {
    pub(super) fn configure(self, wasi: &mut WasiCtxBuilder) {
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

    /// Converts a file's time to these clocks.
    pub(crate) fn convert_file_time(self, time: Datetime) -> Datetime {
        match self {
            Self::Real => time,
            Self::Coarse => Datetime {
                nanoseconds: time.nanoseconds - time.nanoseconds % STEP.subsec_nanos(),
                ..time
            },
            Self::Frozen => datetime(Duration::ZERO),
        }
    }

    /// The time that a file gets when a guest sets it to now; `None` for the system's time.
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

/// Clocks in whole steps. The monotonic clock counts from this instant.
struct Coarse(Instant);

fn round_down(time: Duration) -> Duration {
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
        // A system clock before 1970 counts as 1970.
        round_down(now.unwrap_or_default())
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        nanoseconds(STEP)
    }

    fn now(&self) -> u64 {
        nanoseconds(round_down(self.0.elapsed()))
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
    fn file_times_follow_the_clocks() {
        let time = |seconds, nanoseconds| Datetime {
            seconds,
            nanoseconds,
        };
        let same = |a: Datetime, b: Datetime| {
            assert_eq!((a.seconds, a.nanoseconds), (b.seconds, b.nanoseconds));
        };
        let real = time(1_700_000_000, 123_456_789);
        same(Clocks::Real.convert_file_time(real), real);
        same(
            Clocks::Coarse.convert_file_time(real),
            time(1_700_000_000, 123_000_000),
        );
        same(Clocks::Frozen.convert_file_time(real), time(0, 0));
        assert!(Clocks::Real.now_for_files().is_none());
        same(Clocks::Frozen.now_for_files().unwrap(), time(0, 0));
        let now = Clocks::Coarse.now_for_files().unwrap();
        assert!(now.seconds > 1_700_000_000 && now.nanoseconds.is_multiple_of(1_000_000));
    }

    #[test]
    fn coarse_clocks_round_down_to_steps() {
        for (nanoseconds, steps) in [(0, 0), (999_999, 0), (1_000_000, 1), (2_999_999, 2)] {
            let time = round_down(Duration::from_nanos(nanoseconds));
            assert_eq!(time, STEP * steps, "{nanoseconds}");
        }
        assert!(HostWallClock::now(&Coarse(Instant::now())) > Duration::from_hours(1));
    }
}

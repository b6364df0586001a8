//! What time a guest sees.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use super::GrantError;

/// The steps of [`Clocks::Coarse`].
const STEP: Duration = Duration::from_millis(1);

/// What a guest sees of time. It can always wait: a frozen clock does not stop
/// a guest from sleeping, nor from counting its own loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clocks {
    /// The machine's own.
    #[default]
    Real,
    /// The machine's own in steps of a millisecond.
    Coarse,
    /// Always 1970-01-01T00:00:00Z, for results that are the same every time.
    Frozen,
}

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
}

impl FromStr for Clocks {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        Ok(match text {
            "real" => Self::Real,
            "coarse" => Self::Coarse,
            "frozen" => Self::Frozen,
            _ => {
                return Err(GrantError::new(
                    text,
                    "there are no such clocks",
                    "clocks are `real`, `coarse` or `frozen`",
                ));
            }
        })
    }
}

impl fmt::Display for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Real => "real",
            Self::Coarse => "coarse",
            Self::Frozen => "frozen",
        })
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
    fn clocks_parse() {
        for clocks in [Clocks::Real, Clocks::Coarse, Clocks::Frozen] {
            assert_eq!(clocks.to_string().parse(), Ok(clocks));
        }
        for text in ["", "Real", "coarse ", "1ms"] {
            assert!(text.parse::<Clocks>().is_err(), "{text}");
        }
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

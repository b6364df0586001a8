//! The clocks that a guest sees.

use std::fmt;
use std::str::FromStr;

use super::GrantError;

/// The clocks that a guest sees. They also apply to files: access, modification and
/// status-change times are shown as these clocks would show them, and a guest that sets a
/// file's time to now sets it to their time.
///
/// A frozen clock does not prevent a guest from sleeping or from measuring time by
/// counting loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clocks {
    /// The machine's clocks.
    #[default]
    Real,
    /// The machine's clocks, rounded down to milliseconds.
    Coarse,
    /// Always 1970-01-01T00:00:00Z, for reproducible results.
    Frozen,
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
                    "unknown clocks",
                    "use `real`, `coarse` or `frozen`",
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
}

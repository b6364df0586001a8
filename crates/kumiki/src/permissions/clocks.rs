//! What time a guest sees.

use std::fmt;
use std::str::FromStr;

use super::GrantError;

/// What a guest sees of time, that of files included: when one was read,
/// changed or made is shown as these clocks would have shown it, and a guest
/// that sets a file's time to now sets it to what they show.
///
/// A guest can always wait: a frozen clock does not stop it from sleeping, nor
/// from counting its own loops.
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

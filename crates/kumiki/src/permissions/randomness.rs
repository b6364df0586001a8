//! The source of a guest's random numbers.

use std::fmt;
use std::str::FromStr;

use super::GrantError;

/// The source of a guest's random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Randomness {
    /// The operating system's random numbers, which are unpredictable.
    #[default]
    Real,
    /// A generator with this seed: every instance gets the same numbers in the same order,
    /// as long as the version of Kumiki is the same. Do not use them for secrets.
    Seeded(u64),
}

/// Parses `real` or `seeded:NUMBER`.
impl FromStr for Randomness {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let seed = text.strip_prefix("seeded:").map(str::parse);
        match (text, seed) {
            ("real", _) => Ok(Self::Real),
            (_, Some(Ok(seed))) => Ok(Self::Seeded(seed)),
            _ => Err(GrantError::new(
                text,
                "unknown source of randomness",
                "use `real`, or `seeded:` and a number below 2^64, such as `seeded:42`",
            )),
        }
    }
}

impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Seeded(seed) => write!(f, "seeded:{seed}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_parses() {
        for randomness in [
            Randomness::Real,
            Randomness::Seeded(0),
            Randomness::Seeded(u64::MAX),
        ] {
            assert_eq!(randomness.to_string().parse(), Ok(randomness));
        }
        for text in ["", "seeded", "seeded:", "seeded:-1", "seeded:x", "42"] {
            assert!(text.parse::<Randomness>().is_err(), "{text}");
        }
    }
}

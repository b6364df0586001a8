//! What one instance of a component needs from the host.

use std::fmt;
use std::str::FromStr;

/// What the core instances of one instance need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstanceSize {
    /// The approximate number of bytes that the host keeps for them, besides linear
    /// memories and the elements of tables.
    pub(crate) host_bytes: usize,
    /// The number of memories that they define.
    pub(crate) memories: usize,
    /// The number of tables that they define.
    pub(crate) tables: usize,
}

impl InstanceSize {
    pub(super) fn add(&mut self, other: Self) {
        self.host_bytes = self.host_bytes.saturating_add(other.host_bytes);
        self.memories = self.memories.saturating_add(other.memories);
        self.tables = self.tables.saturating_add(other.tables);
    }
}

/// The form in the files of the compile cache.
impl fmt::Display for InstanceSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host_bytes,
            memories,
            tables,
        } = self;
        write!(f, "{host_bytes} {memories} {tables}")
    }
}

/// Reads what [`InstanceSize`] displays.
impl FromStr for InstanceSize {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split(' ').map(|number| number.parse().map_err(drop));
        let mut next = || numbers.next().unwrap_or(Err(()));
        let size = Self {
            host_bytes: next()?,
            memories: next()?,
            tables: next()?,
        };
        match numbers.next() {
            None => Ok(size),
            Some(_) => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_size_round_trips() {
        let size = InstanceSize {
            host_bytes: 1_500_000,
            memories: 1,
            tables: 2,
        };
        assert_eq!(size.to_string().parse(), Ok(size));
        for text in ["", "1", "1 2", "1 2 x", "1 2 3 4", "-1 2 3"] {
            assert_eq!(text.parse::<InstanceSize>(), Err(()), "{text}");
        }
    }
}

//! Call modes of the contract. Each mode is an interface that a plugin exports; a
//! plugin may export several.

use std::fmt;

/// How a plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallMode {
    /// One record per call. Every plugin offers it.
    Single,
    /// One record per call, and many calls at the same time, for plugins that wait.
    Concurrent,
    /// A list of records per call.
    Batch,
    /// Records in two flat buffers, in Arrow's layout: the fastest.
    Column,
}

impl CallMode {
    /// All modes, the slowest first.
    pub const ALL: [Self; 4] = [Self::Single, Self::Concurrent, Self::Batch, Self::Column];

    /// Returns the name, such as `single`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Concurrent => "concurrent",
            Self::Batch => "batch",
            Self::Column => "column",
        }
    }

    /// Returns a description for users.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Single => "one record per call",
            Self::Concurrent => "one record per call, many calls at once",
            Self::Batch => "many records per call",
            Self::Column => "many records per call, in flat buffers",
        }
    }

    /// Returns the interface that a plugin exports for it.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Single => "myapp:text-processor/plugin",
            Self::Concurrent => "myapp:text-processor/concurrent",
            Self::Batch => "myapp:text-processor/batch",
            Self::Column => "myapp:text-processor/column",
        }
    }

    /// Returns the modes among a plugin's exports, as shown by `kumiki inspect`.
    ///
    /// ```
    /// use kumiki_text::CallMode;
    ///
    /// let exports = ["myapp:text-processor/plugin".to_owned()];
    /// let modes: Vec<_> = CallMode::among(&exports).collect();
    /// assert_eq!(modes, [CallMode::Single]);
    /// assert_eq!(CallMode::among(&[]).count(), 0);
    /// ```
    pub fn among(exports: &[String]) -> impl Iterator<Item = Self> {
        let is_offered = |mode: &Self| exports.iter().any(|export| export == mode.interface());
        Self::ALL.into_iter().filter(is_offered)
    }
}

/// Displays its name.
impl fmt::Display for CallMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

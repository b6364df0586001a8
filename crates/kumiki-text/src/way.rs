//! Calling conventions of the contract. Each way is an interface that a plugin
//! exports; a plugin may export several.

/// A way to call a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Way {
    /// The name, such as `single`.
    pub name: &'static str,
    /// A description for users.
    pub about: &'static str,
    /// The interface that a plugin exports for it.
    pub interface: &'static str,
}

impl Way {
    /// One record per call. Every plugin offers it.
    pub const SINGLE: Self = Self {
        name: "single",
        about: "one record per call",
        interface: "myapp:text-processor/plugin",
    };
    /// A list of records per call.
    pub const BATCH: Self = Self {
        name: "batch",
        about: "many records per call",
        interface: "myapp:text-processor/batch",
    };
    /// Records in two flat buffers, in Arrow's layout: the fastest.
    pub const COLUMN: Self = Self {
        name: "column",
        about: "many records per call, in flat buffers",
        interface: "myapp:text-processor/column",
    };
    /// All ways that this host supports, the slowest first.
    pub const ALL: [Self; 3] = [Self::SINGLE, Self::BATCH, Self::COLUMN];

    /// Returns the ways among a plugin's exports, as shown by `kumiki inspect`.
    ///
    /// ```
    /// use kumiki_text::Way;
    ///
    /// let exports = ["myapp:text-processor/plugin".to_owned()];
    /// let names: Vec<_> = Way::among(&exports).map(|way| way.name).collect();
    /// assert_eq!(names, ["single"]);
    /// assert_eq!(Way::among(&[]).count(), 0);
    /// ```
    pub fn among(exports: &[String]) -> impl Iterator<Item = &'static Self> {
        let offers = |way: &&Self| exports.iter().any(|export| export == way.interface);
        Self::ALL.iter().filter(offers)
    }
}

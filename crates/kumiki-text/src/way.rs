//! The ways in which a plugin of this contract can be called. A way is an
//! interface that the plugin exports; a plugin may offer several.

/// A way to call a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Way {
    /// What it is called, such as `single`.
    pub name: &'static str,
    /// What it means, for a person.
    pub about: &'static str,
    /// The interface that a plugin exports for it.
    pub interface: &'static str,
}

impl Way {
    /// One record a call: what every plugin offers.
    pub const SINGLE: Self = Self {
        name: "single",
        about: "one record a call",
        interface: "myapp:text-processor/plugin",
    };
    /// A list of records a call.
    pub const BATCH: Self = Self {
        name: "batch",
        about: "many records a call",
        interface: "myapp:text-processor/batch",
    };
    /// Records in two flat buffers, in Arrow's layout: the fastest.
    pub const COLUMN: Self = Self {
        name: "column",
        about: "many records a call, in flat buffers",
        interface: "myapp:text-processor/column",
    };
    /// All ways that this host knows, the slowest first.
    pub const ALL: [Self; 3] = [Self::SINGLE, Self::BATCH, Self::COLUMN];

    /// The ways among a plugin's exports, which `kumiki inspect` shows.
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

//! The source of a contract.

/// A contract's WIT: the source, the world in it, and the names of interfaces that a
/// plugin may also export.
#[derive(Clone, Copy, Hash)]
pub(crate) struct ContractSource {
    pub(crate) wit: &'static str,
    pub(crate) world: &'static str,
    pub(crate) optional: &'static [&'static str],
    /// Whether a component may import anything.
    pub(crate) any_world: bool,
}

#[cfg(all(test, feature = "cache"))]
impl ContractSource {
    pub(crate) fn new(
        wit: &'static str,
        world: &'static str,
        optional: &'static [&'static str],
    ) -> Self {
        Self {
            wit,
            world,
            optional,
            any_world: false,
        }
    }
}

//! The access that a sandbox allows, and the scope of its restriction.

/// Access to a path and everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no sandbox"))]
pub(super) enum Access {
    Read,
    Write,
    /// Create, write, rename and remove files, and list folders, but not read files.
    Replace,
    Execute,
    /// Connect to Unix sockets, and read files.
    Connect,
}

/// What a sandbox restricts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scope {
    #[default]
    All,
    /// Changing and executing files, but not reading and the network.
    Changes,
}

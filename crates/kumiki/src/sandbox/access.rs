//! What a sandbox allows, and what it restricts.

/// What may be done with a path, and with all that lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no sandbox"))]
pub(super) enum Access {
    Read,
    Write,
    /// Put files in the place of others: make, write, rename and remove them.
    Replace,
    Execute,
    /// Connect to the Unix sockets there, and read the files.
    Connect,
}

/// What is restricted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scope {
    #[default]
    All,
    /// Changes of files, and executing. Reading and the network stay as they
    /// are.
    Changes,
}

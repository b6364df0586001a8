//! What a guest was denied.

use super::{FolderGrant, NetworkGrant};

/// What a guest was denied, and the grant that would have allowed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial<'a> {
    /// Access to an address and port, or to a host name; this grant would have allowed
    /// it. For a name that was only looked up, the grant covers all ports because the
    /// guest has not named one yet. Reported each time, which may be often.
    Network(&'a NetworkGrant),
    /// The creation of a socket, because no network access is granted. Where the guest
    /// would have connected to is unknown. Reported once per instance.
    Sockets,
    /// A change in a folder that is granted read-only; this grant would have allowed it.
    /// Reported once per folder and instance.
    Change(&'a FolderGrant),
    /// A path that leads out of a granted folder, directly or through a symbolic link. No
    /// grant allows this; the target needs a grant of its own. Reported once per folder
    /// and instance.
    WayOut {
        /// The folder that the path leads out of.
        folder: &'a FolderGrant,
        /// The path as the guest passed it, relative to some folder inside `folder`; its
        /// first 256 characters.
        path: &'a str,
    },
}

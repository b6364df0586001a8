//! What a guest was denied.

use super::{FolderGrant, NetworkGrant};

/// What a guest was denied, and the grant that would have allowed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial<'a> {
    /// An address and port, or a name; this grant would have allowed it. A name
    /// that was only looked up is granted on every port: the guest has not said
    /// yet which it wants. Told each time: a guest may try often.
    Network(&'a NetworkGrant),
    /// Any socket, because nothing of the network is granted. Without one the
    /// guest could not say where to. Told once for an instance.
    Sockets,
    /// To change something in a folder that it may only read; this grant would
    /// have allowed it. Told once for a folder and an instance.
    Change(&'a FolderGrant),
    /// A path that leads out of a granted folder, by itself or by a link. No
    /// grant allows that: what is out there needs one of its own. Told once for
    /// a folder and an instance.
    WayOut {
        /// The folder that it leads out of.
        folder: &'a FolderGrant,
        /// The path as the guest said it, from somewhere in that folder; its
        /// first 256 characters.
        path: &'a str,
    },
}

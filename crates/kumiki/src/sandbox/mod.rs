//! The sandbox of the whole process: the operating system denies it everything that it
//! does not need. If a plugin broke out of WebAssembly, these restrictions would still
//! apply to it.
//!
//! On Linux, the sandbox uses Landlock; other systems have none. Restrictions that the
//! kernel does not support are omitted, and [`SandboxStatus`] shows which are in effect.
//! `docs/decisions/0012-landlock.md` explains the design.

mod access;
mod restriction;
#[cfg(target_os = "linux")]
mod ruleset;
mod status;
#[cfg(target_os = "linux")]
mod system;

use std::ops::RangeInclusive;
use std::path::PathBuf;

pub use status::SandboxStatus;

use access::{Access, Scope};

use crate::{FolderAccess, Grants};

/// A restriction of threads to the files and network access that they need. Everything
/// else is denied: opening, creating, renaming and removing files, executing programs,
/// binding and connecting to TCP ports, connecting to abstract Unix sockets, and signals
/// to other processes.
///
/// The files that the runtime itself needs are always allowed: `/proc/self`,
/// `/dev/urandom`, `/dev/null`, the limits of control groups, and this program's own
/// file. Files that are already open stay open. UDP is denied only if no network is
/// granted, and only by Landlock 10 or later. A restriction cannot be lifted; another one
/// can only add to it.
///
/// Host functions run on the thread that calls the guest, and on threads that it starts.
/// Restrict the main thread before it starts any other thread; create the host and load
/// plugins before or after that; create instances afterwards:
///
/// ```
/// use kumiki::{Grants, Sandbox};
///
/// # std::thread::spawn(|| -> Result<(), kumiki::Error> {
/// let grants = Grants::default();
/// let sandbox = Sandbox::new().read("plugins").read("input.txt").grants(&grants);
/// let status = sandbox.restrict_current_thread()?;
/// if status.is_active() {
///     assert!(std::fs::read("/etc/passwd").is_err());
/// }
/// # Ok(())
/// # }).join().unwrap().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no sandbox"))]
pub struct Sandbox {
    rules: Vec<(PathBuf, Access)>,
    ports: Vec<RangeInclusive<u16>>,
    scope: Scope,
}

impl Sandbox {
    /// Creates a sandbox that allows only the files that the runtime itself needs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a sandbox that restricts only changing and executing files, not reading
    /// and the network. As a second restriction, it is much faster to apply than a full
    /// one. [`Sandbox::read`] and [`Sandbox::connect_port`] have no effect on it.
    #[must_use]
    pub fn for_changes() -> Self {
        Self {
            scope: Scope::Changes,
            ..Self::default()
        }
    }

    /// Allows reading a file, or a folder and everything below it. Like all methods here,
    /// it ignores a path that does not exist when the thread is restricted; a file created
    /// there later is not allowed.
    #[must_use]
    pub fn read(self, path: impl Into<PathBuf>) -> Self {
        self.rule(path, Access::Read)
    }

    /// Allows reading and changing a file, or a folder and everything below it.
    #[must_use]
    pub fn write(self, path: impl Into<PathBuf>) -> Self {
        self.rule(path, Access::Write)
    }

    /// Allows replacing files in a folder and below it: creating, writing, renaming,
    /// removing and listing them, but not reading.
    #[must_use]
    pub fn replace(self, folder: impl Into<PathBuf>) -> Self {
        self.rule(folder, Access::Replace)
    }

    /// Allows executing a program, which inherits the restriction.
    #[must_use]
    pub fn execute(self, program: impl Into<PathBuf>) -> Self {
        self.rule(program, Access::Execute)
    }

    /// Allows executing the current program and the libraries that it has loaded.
    #[must_use]
    pub fn execute_this_program(self) -> Self {
        #[cfg(target_os = "linux")]
        {
            let sandbox = self.read(system::LIBRARY_CACHE);
            let files = system::mapped_files().into_iter();
            files.fold(sandbox, Self::execute)
        }
        #[cfg(not(target_os = "linux"))]
        self
    }

    /// Allows connecting to this TCP port of any host.
    #[must_use]
    pub fn connect_port(mut self, port: u16) -> Self {
        self.ports.push(port..=port);
        self
    }

    /// Allows what plugins with these grants need: the granted folders with their access;
    /// the TCP ports of network grants; and, if there are any, the files for name lookups
    /// and certificates.
    #[must_use]
    pub fn grants(mut self, grants: &Grants) -> Self {
        for folder in grants.folders() {
            let access = match folder.access {
                FolderAccess::ReadOnly => Access::Read,
                FolderAccess::ReadWrite => Access::Write,
            };
            self = self.rule(folder.host.clone(), access);
        }
        let had_network = !self.ports.is_empty();
        self.ports
            .extend(grants.network().map(crate::NetworkGrant::ports));
        #[cfg(target_os = "linux")]
        if !had_network && !self.ports.is_empty() {
            self.rules.extend(system::network_rules());
            self = self.connect_port(system::DNS_PORT);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = had_network;
        self
    }

    fn rule(mut self, path: impl Into<PathBuf>, access: Access) -> Self {
        self.rules.push((path.into(), access));
        self
    }
}

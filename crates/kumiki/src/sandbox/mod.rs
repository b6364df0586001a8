//! A second wall around plugins: the operating system itself refuses what this
//! process does not need. If a plugin ever broke out of WebAssembly, it would
//! be held to what is said here.
//!
//! On Linux it is Landlock; elsewhere there is none. What a kernel does not
//! support is left out, and [`SandboxStatus`] says what holds.
//! `docs/decisions/0012-landlock.md` says why it is built so.

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

/// What a process needs of files and of the network. Everything else is refused
/// once a thread is restricted to it: opening, making, renaming and removing
/// files, executing programs, binding TCP ports and connecting to them,
/// connecting to abstract Unix sockets, and signals to other processes.
///
/// Always allowed are what the runtime itself reads: `/proc/self`,
/// `/dev/urandom`, `/dev/null`, the control groups' limits, and this program's
/// own file. What is open already stays open.
/// UDP is refused only where no network is granted, and only by Landlock 10 or
/// later. A restriction cannot be lifted; a further one only narrows it.
///
/// A guest's host functions run on the thread that calls the guest, and on
/// threads that are started from there. So a program restricts its main thread
/// before it starts any other, makes its host and loads its plugins before or
/// after that, and only then makes an instance:
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
    /// Nothing but what the runtime itself reads.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for changes of files and for executing only: reading and the
    /// network stay as they are. A second restriction of this kind is much
    /// quicker than a whole one; [`Sandbox::read`] and [`Sandbox::connect_port`]
    /// mean nothing in it.
    #[must_use]
    pub fn for_changes() -> Self {
        Self {
            scope: Scope::Changes,
            ..Self::default()
        }
    }

    /// Allows to read a file, or a folder and all below it. A path that is not
    /// there when the thread is restricted is passed over, here and below; what
    /// is put in its place later is not allowed.
    #[must_use]
    pub fn read(self, path: impl Into<PathBuf>) -> Self {
        self.rule(path, Access::Read)
    }

    /// Allows to read and to change a file, or a folder and all below it.
    #[must_use]
    pub fn write(self, path: impl Into<PathBuf>) -> Self {
        self.rule(path, Access::Write)
    }

    /// Allows to put files in the place of others in a folder and below it: to
    /// make, write, rename and remove them, and to list what is there, but not
    /// to read any.
    #[must_use]
    pub fn replace(self, folder: impl Into<PathBuf>) -> Self {
        self.rule(folder, Access::Replace)
    }

    /// Allows to execute a program. The restriction holds for it as well.
    #[must_use]
    pub fn execute(self, program: impl Into<PathBuf>) -> Self {
        self.rule(program, Access::Execute)
    }

    /// Allows to execute the program that runs now, with the libraries that it
    /// was started with.
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

    /// Allows to connect to this TCP port, of whomever.
    #[must_use]
    pub fn connect_port(mut self, port: u16) -> Self {
        self.ports.push(port..=port);
        self
    }

    /// Allows what plugins with these grants need: their folders, with their
    /// access; the TCP ports of their network grants, and with those what
    /// looking up names and checking certificates reads.
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
            self.rules.extend(system::of_network());
            self = self.connect_port(system::NAMES);
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

//! The status of a restriction.

use std::fmt;

/// The restrictions that a [`Sandbox`](crate::Sandbox) enforces on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxStatus {
    /// The version of Landlock's ABI; 0 if nothing is restricted.
    pub landlock: u32,
    /// Whether TCP ports are restricted.
    pub tcp: bool,
    /// Whether signals to other processes and abstract Unix sockets are denied.
    pub scopes: bool,
    /// Whether all threads of the process are restricted, because the restricted thread
    /// was the only one.
    pub whole_process: bool,
}

impl SandboxStatus {
    /// The status without any restriction.
    pub(super) const NONE: Self = Self {
        landlock: 0,
        tcp: false,
        scopes: false,
        whole_process: false,
    };

    /// Returns whether anything is restricted.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.landlock > 0
    }
}

impl fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_active() {
            return f.write_str("none: this system lacks Landlock 2 or later (Linux 5.19)");
        }
        write!(f, "Landlock {}: files", self.landlock)?;
        if self.tcp {
            f.write_str(", TCP ports")?;
        }
        if self.scopes {
            f.write_str(", signals, abstract sockets")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_lists_the_restrictions() {
        let status = |landlock| SandboxStatus {
            landlock,
            tcp: landlock >= 4,
            scopes: landlock >= 6,
            whole_process: true,
        };
        for (landlock, text) in [
            (2, "Landlock 2: files"),
            (4, "Landlock 4: files, TCP ports"),
            (7, "Landlock 7: files, TCP ports, signals, abstract sockets"),
        ] {
            assert_eq!(status(landlock).to_string(), text);
        }
        assert!(SandboxStatus::NONE.to_string().contains("lacks Landlock"));
    }
}

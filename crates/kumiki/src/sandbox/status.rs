//! What holds after a thread was restricted.

use std::fmt;

/// What a [`Sandbox`](crate::Sandbox) restricts on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxStatus {
    /// The version of Landlock's interface that is used; 0 where nothing is
    /// restricted.
    pub landlock: u32,
    /// Whether TCP ports are restricted.
    pub tcp: bool,
    /// Whether signals to other processes and abstract Unix sockets are
    /// refused.
    pub scopes: bool,
    /// Whether every thread of the process is restricted: there was no other
    /// than the one that restricted itself.
    pub whole_process: bool,
}

impl SandboxStatus {
    /// Nothing is restricted.
    pub(super) const NONE: Self = Self {
        landlock: 0,
        tcp: false,
        scopes: false,
        whole_process: false,
    };

    /// Whether anything is restricted.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.landlock > 0
    }
}

impl fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_active() {
            return f.write_str("none, for this system has no Landlock 2 or later (Linux 5.19)");
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
    fn it_says_what_holds() {
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
        assert!(SandboxStatus::NONE.to_string().contains("no Landlock"));
    }
}

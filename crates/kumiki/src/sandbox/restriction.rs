//! Threads are restricted here, as far as the system can.

#[cfg(target_os = "linux")]
use super::ruleset;
use super::{Sandbox, SandboxStatus};
use crate::Result;

impl Sandbox {
    /// Restricts the calling thread, and every thread and process that it
    /// starts from now on. Threads that run already are not restricted:
    /// [`SandboxStatus::whole_process`] says whether there are any.
    ///
    /// A kernel that has no Landlock is no error; the status says so.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the kernel has Landlock
    /// and refuses.
    pub fn restrict_current_thread(&self) -> Result<SandboxStatus> {
        #[cfg(target_os = "linux")]
        return ruleset::restrict(self);
        #[cfg(not(target_os = "linux"))]
        Ok(SandboxStatus::NONE)
    }

    /// What a restriction of this kernel would hold, with nothing restricted.
    #[must_use]
    pub fn supported() -> SandboxStatus {
        #[cfg(target_os = "linux")]
        return ruleset::supported();
        #[cfg(not(target_os = "linux"))]
        SandboxStatus::NONE
    }
}

//! Restriction of threads; has no effect on systems without Landlock.

#[cfg(target_os = "linux")]
use super::ruleset;
use super::{Sandbox, SandboxStatus};
use crate::Result;

impl Sandbox {
    /// Restricts the calling thread, and all threads and processes that it starts from
    /// now on. Other running threads are not restricted:
    /// [`SandboxStatus::whole_process`] is false if there are any.
    ///
    /// Without Landlock in the kernel, nothing is restricted and the status is inactive;
    /// this is not an error.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the kernel supports Landlock but
    /// refuses the restriction.
    pub fn restrict_current_thread(&self) -> Result<SandboxStatus> {
        #[cfg(target_os = "linux")]
        return ruleset::restrict(self);
        #[cfg(not(target_os = "linux"))]
        Ok(SandboxStatus::NONE)
    }

    /// Returns the status that a restriction would have on this kernel, without
    /// restricting anything.
    #[must_use]
    pub fn supported() -> SandboxStatus {
        #[cfg(target_os = "linux")]
        return ruleset::supported();
        #[cfg(not(target_os = "linux"))]
        SandboxStatus::NONE
    }
}

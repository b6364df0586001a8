//! Granted folders: how they are opened, compared, and what is denied in them.

mod paths;
mod protected;
pub(crate) mod walk;

pub(crate) use paths::{Folders, Place};
pub use protected::Protected;

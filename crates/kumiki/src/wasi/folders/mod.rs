//! Granted folders: opening, comparing, and reporting denials in them.

mod open;
mod paths;
mod protected;
mod walk;

pub(crate) use paths::{FolderPath, Folders};
pub use protected::Protected;

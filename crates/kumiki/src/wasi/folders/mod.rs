//! Granted folders: how they are opened, compared, and what is denied in them.

mod open;
mod paths;
mod protected;
mod walk;

pub(crate) use paths::{FolderPath, Folders};
pub use protected::Protected;

//! What a plugin may reach outside its own memory, and what it requests: data and
//! its written forms. Nothing here opens a folder, a socket or a file of the
//! guest's: [`crate::wasi`] does.

mod clocks;
mod denial;
mod folder;
mod grant_error;
mod grants;
mod grants_file;
mod handle;
mod links;
mod network;
mod plugin_name;
mod randomness;
mod range;
mod requests;
mod variable;

pub use clocks::Clocks;
pub use denial::Denial;
pub use folder::{FolderAccess, FolderGrant};
pub use grant_error::GrantError;
pub use grants::Grants;
pub use grants_file::GrantsFile;
pub(crate) use handle::Handle;
pub(crate) use links::Links;
pub use network::NetworkGrant;
pub(crate) use network::{allow, is_public, names};
pub use plugin_name::PluginName;
pub use randomness::Randomness;
pub use requests::{Permission, PermissionRequest, PermissionRequests, PermissionRequestsError};
pub(crate) use requests::{holder, within};
pub use variable::VariableGrant;

//! Grants and requests: their types and text formats. [`crate::wasi`] opens the granted
//! folders and sockets.

mod clocks;
mod denial;
mod folder;
mod grant_error;
mod grants;
mod grants_file;
mod handle;
mod local_networks;
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
pub(crate) use local_networks::LocalNetworks;
pub use network::NetworkGrant;
#[cfg(feature = "http")]
pub(crate) use network::is_public;
pub(crate) use network::{granted_names, is_allowed};
pub use plugin_name::PluginName;
pub use randomness::Randomness;
pub use requests::{Permission, PermissionRequest, PermissionRequests, PermissionRequestsError};
pub(crate) use requests::{containing_folder, relative_path};
pub use variable::VariableGrant;

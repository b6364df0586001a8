//! The permissions that a plugin requests, with its author's reasons. `kumiki build`
//! writes them from a `kumiki.toml` into a section of the component. A request grants
//! nothing.

mod error;
mod request;
mod section;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

pub use error::PermissionRequestsError;
pub use request::{Permission, PermissionRequest};
pub(crate) use request::{containing_folder, relative_path};

use crate::{FolderAccess, FolderGrant, Grants, NetworkGrant, VariableGrant};

/// Maximum requests of a plugin. The user who is asked has to read them all.
const MAX_REQUESTS: usize = 64;

/// The permissions that a plugin requests, each with a reason. Parses from TOML:
///
/// ```toml
/// [dirs]
/// "/words:ro" = "the list of words that it corrects by"
/// [env]
/// LANG = "the language of its messages"
/// [net]
/// "api.example.com:443" = "looks up what it does not know"
/// ```
///
/// ```
/// use kumiki::{Grants, PermissionRequests, VariableGrant};
///
/// let requests: PermissionRequests = "[env]\nLANG = 'the language of its messages'".parse()?;
/// assert_eq!(requests.missing_from(&Grants::default()), requests);
///
/// let grants = Grants::default().with_variable(VariableGrant::inherited("LANG")?);
/// assert!(requests.missing_from(&grants).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionRequests {
    requests: Vec<PermissionRequest>,
}

impl PermissionRequests {
    /// Iterates over the requests: folders first, then variables, then addresses.
    pub fn iter(&self) -> impl Iterator<Item = &PermissionRequest> {
        self.requests.iter()
    }

    /// Returns whether the plugin requests nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Returns the requests that `grants` do not satisfy.
    #[must_use]
    pub fn missing_from(&self, grants: &Grants) -> Self {
        let is_missing = |request: &&PermissionRequest| !request.permission.is_granted_by(grants);
        Self {
            requests: self.requests.iter().filter(is_missing).cloned().collect(),
        }
    }

    /// Returns the grants that satisfy these requests in addition to `granted`, one for each
    /// request in the same order. `granted.merge(&added)` combines them.
    ///
    /// A plugin requests a folder by the path that it sees, and cannot choose a folder of
    /// the host. A path inside a granted folder maps into that folder; any other path maps
    /// below `base`, so a plugin that requests `/etc` does not get the host's `/etc`.
    ///
    /// These grants name paths, which may lead elsewhere through a symbolic link:
    /// [`PermissionRequests::open_beside`] opens the folders.
    #[must_use]
    pub fn grants_beside(&self, granted: &Grants, base: &Path) -> Grants {
        let add =
            |added, request: &PermissionRequest| request.permission.add_to(added, granted, base);
        self.requests.iter().fold(Grants::default(), add)
    }
}

/// The TOML tables of requests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Tables {
    dirs: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    net: BTreeMap<String, String>,
}

impl FromStr for PermissionRequests {
    type Err = PermissionRequestsError;

    fn from_str(text: &str) -> Result<Self, PermissionRequestsError> {
        let Tables { dirs, env, net } = toml::from_str(text).map_err(|error| {
            PermissionRequestsError::new(error.message().trim_end().replace('\n', ", "))
        })?;
        let count = dirs.len() + env.len() + net.len();
        if count > MAX_REQUESTS {
            let message = format!("there are {count} requests; the maximum is {MAX_REQUESTS}");
            return Err(PermissionRequestsError::new(message));
        }
        let mut requests = Vec::with_capacity(count);
        for (kind, table) in [
            (Permission::folder as request::Parse, dirs),
            (Permission::variable, env),
            (Permission::network, net),
        ] {
            for (what, why) in table {
                requests.push(PermissionRequest::parse(kind, &what, why)?);
            }
        }
        request::check_duplicates(&requests)?;
        Ok(Self { requests })
    }
}

/// Writes one request per line, for people.
impl fmt::Display for PermissionRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, request) in self.requests.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{request}")?;
        }
        Ok(())
    }
}

impl Permission {
    fn is_granted_by(&self, grants: &Grants) -> bool {
        match self {
            Self::Folder { guest, access } => {
                containing_folder(grants, guest).is_some_and(|(folder, _)| folder.access >= *access)
            }
            Self::Variable(name) => grants.variables().any(|granted| granted.name() == name),
            Self::Network(network) => grants.network().any(|granted| granted.covers(network)),
        }
    }

    pub(crate) fn add_to(&self, added: Grants, granted: &Grants, base: &Path) -> Grants {
        match self {
            Self::Folder { guest, access } => {
                let host = match containing_folder(granted, guest) {
                    Some((folder, rest)) => folder.host.join(rest),
                    None => base.join(relative_path(guest)),
                };
                added.with_folder(match access {
                    FolderAccess::ReadOnly => FolderGrant::read_only(host, guest),
                    FolderAccess::ReadWrite => FolderGrant::read_write(host, guest),
                })
            }
            // Never fails: the name was checked when the request was parsed.
            Self::Variable(name) => match VariableGrant::inherited(name) {
                Ok(variable) => added.with_variable(variable),
                Err(_) => added,
            },
            Self::Network(network) => added.with_network(NetworkGrant::clone(network)),
        }
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;

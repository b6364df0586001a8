//! What a plugin asks for, and why, in its own words: a section of the
//! component that `kumiki build` writes from a `kumiki.toml`. A request grants
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
pub(crate) use request::{holder, within};

use crate::{FolderAccess, FolderGrant, Grants, NetworkGrant, VariableGrant};

/// The most requests that a plugin may make: whoever is asked reads them all.
const MOST: usize = 64;

/// What a plugin requests, each with its reason. As text it is TOML:
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
    /// Each request: folders first, then variables, then addresses.
    pub fn iter(&self) -> impl Iterator<Item = &PermissionRequest> {
        self.requests.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Those that `grants` do not give.
    #[must_use]
    pub fn missing_from(&self, grants: &Grants) -> Self {
        let beyond = |request: &&PermissionRequest| !request.permission.is_given_by(grants);
        Self {
            requests: self.requests.iter().filter(beyond).cloned().collect(),
        }
    }

    /// The grants that give these, a grant each in the same order, for whoever
    /// has `granted` already: `granted.merge(&them)` gives both.
    ///
    /// A plugin says where it sees a folder, never which folder of the host
    /// that is. One within a folder that is granted already is that one's;
    /// any other is the folder of the same path within `base`, so that nobody
    /// gets at `/etc` by asking for `/etc`.
    ///
    /// These grants name paths, which may lead elsewhere by a symbolic link:
    /// [`PermissionRequests::open_beside`] gives the folders themselves.
    #[must_use]
    pub fn grants_beside(&self, granted: &Grants, base: &Path) -> Grants {
        let add =
            |added, request: &PermissionRequest| request.permission.add_to(added, granted, base);
        self.requests.iter().fold(Grants::default(), add)
    }
}

/// Requests as they are written.
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
        if count > MOST {
            let message = format!("there are {count} requests, and {MOST} are the most");
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
        request::check_twice(&requests)?;
        Ok(Self { requests })
    }
}

/// A request a line, for a person.
impl fmt::Display for PermissionRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, request) in self.requests.iter().enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{request}")?;
        }
        Ok(())
    }
}

/// What is granted that is requested, in the grants' own words.
impl Permission {
    fn is_given_by(&self, grants: &Grants) -> bool {
        match self {
            Self::Folder { guest, access } => {
                request::holder(grants, guest).is_some_and(|(held, _)| held.access >= *access)
            }
            Self::Variable(name) => grants.variables().any(|granted| granted.name() == name),
            Self::Network(network) => grants.network().any(|granted| granted.covers(network)),
        }
    }

    pub(crate) fn add_to(&self, added: Grants, granted: &Grants, base: &Path) -> Grants {
        match self {
            Self::Folder { guest, access } => {
                let host = match request::holder(granted, guest) {
                    Some((held, rest)) => held.host.join(rest),
                    None => base.join(request::within(guest)),
                };
                added.with_folder(match access {
                    FolderAccess::ReadOnly => FolderGrant::read_only(host, guest),
                    FolderAccess::ReadWrite => FolderGrant::read_write(host, guest),
                })
            }
            // Checked when it was read: there is such a name.
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

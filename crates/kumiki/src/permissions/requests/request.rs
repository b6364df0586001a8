//! One thing that a plugin requests, and why.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::PermissionRequestsError;
use crate::text::spell_out;
use crate::{FolderAccess, FolderGrant, Grants, NetworkGrant, VariableGrant};

/// The longest that a thing or a reason may be, in characters: a line or two
/// on a terminal.
const LONGEST: usize = 200;

/// What a plugin requests, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermissionRequest {
    /// What it would have.
    pub permission: Permission,
    /// What for, in its author's words: one line without invisible characters.
    pub reason: String,
}

/// What a plugin would have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permission {
    /// A folder, at this path of the guest's.
    Folder {
        /// The path that the guest knows it by.
        guest: String,
        /// What it would do there.
        access: FolderAccess,
    },
    /// An environment variable, by its name.
    Variable(String),
    /// Addresses of the network.
    Network(NetworkGrant),
}

pub(super) type Parse = fn(&str) -> Result<Permission, String>;

impl PermissionRequest {
    pub(super) fn parse(
        kind: Parse,
        what: &str,
        why: String,
    ) -> Result<Self, PermissionRequestsError> {
        let fault =
            |reason: &str| PermissionRequestsError::new(format!("request `{what}`: {reason}"));
        if [what, &why]
            .iter()
            .any(|text| text.chars().count() > LONGEST)
        {
            let start: String = what.chars().take(20).collect();
            return Err(PermissionRequestsError::new(format!(
                "request `{start}`…: neither it nor its reason may have over {LONGEST} characters"
            )));
        }
        if what.contains(char::is_control) {
            return Err(fault("it holds control characters"));
        }
        // Whoever is asked reads it: one line, of characters that are seen.
        if !matches!(spell_out(&why, |_| false), Cow::Borrowed(_)) {
            return Err(fault(
                "its reason holds a line end, or another control or invisible character",
            ));
        }
        Ok(Self {
            permission: kind(what).map_err(|reason| fault(&reason))?,
            reason: why,
        })
    }
}

impl Permission {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder { guest, .. }, Self::Folder { guest: other, .. }) => {
                steps(guest).eq(steps(other))
            }
            _ => self == other,
        }
    }

    pub(super) fn folder(text: &str) -> Result<Self, String> {
        if text.contains("::") {
            return Err(
                "a plugin requests a folder as it sees it, `/data:ro`; which folder of the \
                 host that is, is not its to say"
                    .into(),
            );
        }
        let FolderGrant { guest, access, .. } = text
            .parse()
            .map_err(|error: crate::GrantError| error.reason)?;
        if steps(&guest).any(|step| step == "..") {
            return Err("no requested folder has `..` in its path".into());
        }
        // What would make another grant of it when it is written as one.
        if guest.contains(['\\', ':']) {
            return Err("no requested folder has `\\` or `:` in its path".into());
        }
        Ok(Self::Folder { guest, access })
    }

    pub(super) fn variable(text: &str) -> Result<Self, String> {
        VariableGrant::inherited(text)
            .map(|variable| Self::Variable(variable.name().into()))
            .map_err(|error| error.reason)
    }

    pub(super) fn network(text: &str) -> Result<Self, String> {
        let reason = |error: crate::GrantError| format!("{}; {}", error.reason, error.hint);
        text.parse().map(Self::Network).map_err(reason)
    }
}

/// One thing, one reason: of two for the same folder the lesser access would be
/// for show.
pub(super) fn check_twice(requests: &[PermissionRequest]) -> Result<(), PermissionRequestsError> {
    for (place, PermissionRequest { permission, .. }) in requests.iter().enumerate() {
        if requests
            .iter()
            .take(place)
            .any(|other| other.permission.is_same(permission))
        {
            let message = format!("`{permission}` is requested twice");
            return Err(PermissionRequestsError::new(message));
        }
    }
    Ok(())
}

/// The folder granted that holds a guest's path, the nearest of them, and the
/// path from there.
pub(crate) fn holder<'a>(grants: &'a Grants, guest: &str) -> Option<(&'a FolderGrant, PathBuf)> {
    let path: Vec<_> = steps(guest).collect();
    let held = grants.folders().filter_map(|folder| {
        let outer: Vec<_> = steps(&folder.guest).collect();
        let rest = path.strip_prefix(&*outer)?;
        let same_root = folder.guest.starts_with('/') == guest.starts_with('/');
        same_root.then(|| (outer.len(), folder, rest.iter().collect::<PathBuf>()))
    });
    held.max_by_key(|(length, ..)| *length)
        .map(|(_, folder, rest)| (folder, rest))
}

/// A guest's path below another root.
pub(crate) fn within(guest: &str) -> PathBuf {
    steps(guest).collect()
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|step| !matches!(*step, "" | "."))
}

impl fmt::Display for PermissionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { permission, reason } = self;
        match reason.trim() {
            "" => write!(f, "{permission}"),
            reason => write!(f, "{permission}: {reason}"),
        }
    }
}

/// As it is written in a `kumiki.toml`.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { guest, access } => write!(f, "{guest}:{access}"),
            Self::Variable(name) => f.write_str(name),
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

//! One permission that a plugin requests, with its reason.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::PermissionRequestsError;
use crate::text::spell_out;
use crate::{FolderAccess, FolderGrant, Grants, NetworkGrant, VariableGrant};

/// Maximum characters of a permission and of a reason: a line or two on a terminal.
const MAX_CHARS: usize = 200;

/// One permission that a plugin requests, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermissionRequest {
    /// The requested permission.
    pub permission: Permission,
    /// The reason in its author's words: one line without invisible characters.
    pub reason: String,
}

/// A permission that a plugin can request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permission {
    /// Access to a folder.
    Folder {
        /// The path that the guest sees.
        guest: String,
        /// The requested access.
        access: FolderAccess,
    },
    /// An environment variable, by name.
    Variable(String),
    /// Network addresses.
    Network(NetworkGrant),
}

pub(super) type Parse = fn(&str) -> Result<Permission, String>;

impl PermissionRequest {
    pub(super) fn parse(
        kind: Parse,
        what: &str,
        why: String,
    ) -> Result<Self, PermissionRequestsError> {
        let invalid =
            |reason: &str| PermissionRequestsError::new(format!("request `{what}`: {reason}"));
        if [what, &why]
            .iter()
            .any(|text| text.chars().count() > MAX_CHARS)
        {
            let start: String = what.chars().take(20).collect();
            return Err(PermissionRequestsError::new(format!(
                "request `{start}`…: a permission or reason has more than {MAX_CHARS} characters"
            )));
        }
        if what.contains(char::is_control) {
            return Err(invalid("it contains control characters"));
        }
        // The user decides by this text, so it must be one line of visible characters.
        if !matches!(spell_out(&why, |_| false), Cow::Borrowed(_)) {
            return Err(invalid(
                "its reason contains a line break or another control or invisible character",
            ));
        }
        Ok(Self {
            permission: kind(what).map_err(|reason| invalid(&reason))?,
            reason: why,
        })
    }
}

impl Permission {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder { guest, .. }, Self::Folder { guest: other, .. }) => {
                components(guest).eq(components(other))
            }
            _ => self == other,
        }
    }

    pub(super) fn folder(text: &str) -> Result<Self, String> {
        if text.contains("::") {
            return Err(
                "a plugin requests a folder by the path that it sees, such as `/data:ro`; it \
                 cannot choose a folder of the host"
                    .into(),
            );
        }
        let FolderGrant { guest, access, .. } = text
            .parse()
            .map_err(|error: crate::GrantError| error.reason)?;
        if components(&guest).any(|component| component == "..") {
            return Err("the path of a requested folder cannot contain `..`".into());
        }
        // With these, the grant's text would parse as a different grant.
        if guest.contains(['\\', ':']) {
            return Err("the path of a requested folder cannot contain `\\` or `:`".into());
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

/// Rejects duplicates: of two requests for the same folder, the one with less access would
/// mislead the user.
pub(super) fn check_duplicates(
    requests: &[PermissionRequest],
) -> Result<(), PermissionRequestsError> {
    for (index, PermissionRequest { permission, .. }) in requests.iter().enumerate() {
        if requests
            .iter()
            .take(index)
            .any(|other| other.permission.is_same(permission))
        {
            let message = format!("`{permission}` is requested twice");
            return Err(PermissionRequestsError::new(message));
        }
    }
    Ok(())
}

/// Returns the innermost granted folder that contains a guest path, and the path relative
/// to it.
pub(crate) fn containing_folder<'a>(
    grants: &'a Grants,
    guest: &str,
) -> Option<(&'a FolderGrant, PathBuf)> {
    let path: Vec<_> = components(guest).collect();
    let containing = grants.folders().filter_map(|folder| {
        let outer: Vec<_> = components(&folder.guest).collect();
        let rest = path.strip_prefix(&*outer)?;
        let same_root = folder.guest.starts_with('/') == guest.starts_with('/');
        same_root.then(|| (outer.len(), folder, rest.iter().collect::<PathBuf>()))
    });
    containing
        .max_by_key(|(length, ..)| *length)
        .map(|(_, folder, rest)| (folder, rest))
}

/// Makes a guest path relative, without `.` and empty components.
pub(crate) fn relative_path(guest: &str) -> PathBuf {
    components(guest).collect()
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|component| !matches!(*component, "" | "."))
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

/// Writes the permission as it appears in a `kumiki.toml`.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { guest, access } => write!(f, "{guest}:{access}"),
            Self::Variable(name) => f.write_str(name),
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

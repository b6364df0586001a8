//! An environment variable that a guest sees.

use std::env;
use std::fmt;
use std::str::FromStr;

use super::GrantError;

const HINT: &str =
    "a variable is granted as `NAME`, with the value it has here, or as `NAME=VALUE`";

/// An environment variable that a guest sees, with a value of its own or with
/// the one that it has in this process when the host is made. Where this
/// process has none, neither has the guest.
///
/// Reads from text as `NAME` or `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableGrant {
    pub(crate) name: String,
    /// `None`: the value it has here.
    value: Option<String>,
}

impl VariableGrant {
    /// A variable with a value of its own.
    ///
    /// # Errors
    /// When no variable can have this name or value: an empty name, a `=` in
    /// it, a zero character.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Result<Self, GrantError> {
        let mut grant = Self::inherited(name)?;
        let value = value.into();
        if value.contains('\0') {
            return Err(GrantError::new(
                grant.name,
                "no value holds a zero character",
                HINT,
            ));
        }
        grant.value = Some(value);
        Ok(grant)
    }

    /// A variable with the value that it has in this process.
    ///
    /// # Errors
    /// When no variable can have this name.
    pub fn inherited(name: impl Into<String>) -> Result<Self, GrantError> {
        let name = name.into();
        if name.is_empty() {
            return Err(GrantError::new(name, "the name is empty", HINT));
        }
        if name.contains(['=', '\0']) {
            let reason = "no name holds a `=` or a zero character";
            return Err(GrantError::new(name, reason, HINT));
        }
        Ok(Self { name, value: None })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value; none where it has none here.
    pub(crate) fn value(&self) -> Result<Option<String>, GrantError> {
        if let Some(value) = &self.value {
            return Ok(Some(value.clone()));
        }
        match env::var(&self.name) {
            Ok(value) => Ok(Some(value)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(GrantError::new(
                &self.name,
                "its value here is not UTF-8",
                "say the value: `NAME=VALUE`",
            )),
        }
    }
}

impl fmt::Display for VariableGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

impl FromStr for VariableGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        match text.split_once('=') {
            Some((name, value)) => Self::new(name, value),
            None => Self::inherited(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_parse() {
        let path = env::var("PATH").ok();
        assert!(path.is_some(), "no test runs without one");
        for (text, name, value) in [
            ("MODE=fast", "MODE", Some("fast")),
            ("MODE=", "MODE", Some("")),
            ("MODE=a=b", "MODE", Some("a=b")),
            ("PATH", "PATH", path.as_deref()),
            ("KUMIKI_HAS_NO_SUCH", "KUMIKI_HAS_NO_SUCH", None),
        ] {
            let grant: VariableGrant = text.parse().unwrap();
            assert_eq!(grant.name, name, "{text}");
            assert_eq!(grant.to_string(), text);
            assert_eq!(grant.value().unwrap().as_deref(), value, "{text}");
        }
        for text in ["", "=", "=value", "a\0b", "MODE=a\0b"] {
            assert!(text.parse::<VariableGrant>().is_err(), "{text:?}");
        }
    }
}

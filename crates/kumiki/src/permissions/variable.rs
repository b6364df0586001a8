//! The grant of an environment variable.

use std::env;
use std::fmt;
use std::str::FromStr;

use super::GrantError;

const HINT: &str =
    "write `NAME=VALUE`, or `NAME` to pass on the variable's value from this process";

/// An environment variable that a guest sees: with a given value, or with the value that
/// it has in this process when the host is built. A variable that is not set in this
/// process is not set for the guest either.
///
/// Parses from `NAME` or `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableGrant {
    pub(crate) name: String,
    /// `None`: the value in this process.
    value: Option<String>,
}

impl VariableGrant {
    /// Grants a variable with this value.
    ///
    /// # Errors
    /// When the name is empty or contains `=`, or the name or value contains a NUL
    /// character.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Result<Self, GrantError> {
        let mut grant = Self::inherited(name)?;
        let value = value.into();
        if value.contains('\0') {
            return Err(GrantError::new(
                grant.name,
                "the value contains a NUL character",
                HINT,
            ));
        }
        grant.value = Some(value);
        Ok(grant)
    }

    /// Grants a variable with the value that it has in this process.
    ///
    /// # Errors
    /// When the name is empty or contains `=` or a NUL character.
    pub fn inherited(name: impl Into<String>) -> Result<Self, GrantError> {
        let name = name.into();
        if name.is_empty() {
            return Err(GrantError::new(name, "the name is empty", HINT));
        }
        if name.contains(['=', '\0']) {
            let reason = "the name contains `=` or a NUL character";
            return Err(GrantError::new(name, reason, HINT));
        }
        Ok(Self { name, value: None })
    }

    /// Returns the variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value, or `None` if the variable is not set in this process.
    pub(crate) fn value(&self) -> Result<Option<String>, GrantError> {
        if let Some(value) = &self.value {
            return Ok(Some(value.clone()));
        }
        match env::var(&self.name) {
            Ok(value) => Ok(Some(value)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(GrantError::new(
                &self.name,
                "its value in this process is not UTF-8",
                "specify the value: `NAME=VALUE`",
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
        assert!(path.is_some(), "PATH is not set");
        for (text, name, value) in [
            ("MODE=fast", "MODE", Some("fast")),
            ("MODE=", "MODE", Some("")),
            ("MODE=a=b", "MODE", Some("a=b")),
            ("PATH", "PATH", path.as_deref()),
            ("KUMIKI_UNSET_VARIABLE", "KUMIKI_UNSET_VARIABLE", None),
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

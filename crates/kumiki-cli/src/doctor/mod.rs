//! Diagnoses of this machine, a project or a file, with their fixes.
//!
//! An examination changes nothing, and runs only a component that fits the
//! contract, to see whether it leaks. The command renders the diagnoses.

pub(crate) mod component;
mod core_module;
pub(crate) mod leak;
pub(crate) mod machine;
mod out_of_step;
pub(crate) mod project;

/// A problem or a possible improvement, with its fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// Whether something does not work because of it.
    pub(crate) severe: bool,
    /// The problem, with file and line if known.
    pub(crate) fact: String,
    /// What to do about it.
    pub(crate) fix: String,
}

impl Diagnosis {
    fn severe(fact: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            severe: true,
            fact: fact.into(),
            fix: fix.into(),
        }
    }

    fn mild(fact: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            severe: false,
            fact: fact.into(),
            fix: fix.into(),
        }
    }
}

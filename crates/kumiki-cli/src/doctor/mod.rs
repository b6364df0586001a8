//! What is wrong, and its cure: with this machine, with a project, with a file.
//!
//! A checkup changes nothing, and runs nothing but a component that fits, to see
//! whether it leaks. It gives diagnoses; each has a fact and
//! what to do about it. The command renders them.

pub(crate) mod component;
mod core_module;
pub(crate) mod leak;
pub(crate) mod machine;
mod out_of_step;
pub(crate) mod project;

/// Something that is wrong or could be better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// Whether it keeps things from working.
    pub(crate) severe: bool,
    /// What is the matter, with file and line where there is one.
    pub(crate) fact: String,
    /// What to do about it, a line each.
    pub(crate) cure: String,
}

impl Diagnosis {
    fn severe(fact: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            severe: true,
            fact: fact.into(),
            cure: cure.into(),
        }
    }

    fn mild(fact: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            severe: false,
            fact: fact.into(),
            cure: cure.into(),
        }
    }
}

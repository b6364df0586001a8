//! What is to be built, how, and what came of it.

use std::path::PathBuf;

use crate::project::Project;
use crate::stamps::Stamps;

/// What a build is to be good at.
///
/// It makes a difference in Rust, C and Go; JavaScript's engines and Python's
/// library come compiled, and are as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Quick calls: optimised and stripped.
    #[default]
    Speed,
    /// A small component: optimised for size, then by wasm-opt. In Rust, where
    /// the compiler has std's source, panics say nothing.
    Size,
    /// Backtraces that say where: optimised, with names and line numbers.
    Debug,
}

impl Profile {
    /// Its name, as the program's flags have it.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Speed => "speed",
            Profile::Size => "size",
            Profile::Debug => "debug",
        }
    }
}

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where intermediate files stay between builds, so that the next is quick.
    pub work: PathBuf,
    /// What the components are to be good at.
    pub profile: Profile,
    /// By what an unchanged component is known. Without stamps each one is built
    /// anew.
    pub stamps: Option<Stamps>,
}

impl Options {
    /// Intermediate files stay in `work`; the components are built for speed,
    /// each time anew.
    pub fn new(work: impl Into<PathBuf>) -> Self {
        Self {
            work: work.into(),
            profile: Profile::default(),
            stamps: None,
        }
    }

    /// Does nothing where these stamps say that nothing changed. Their folder
    /// must not come with a project: whoever writes it says what is up to date.
    #[must_use]
    pub fn with_stamps(self, stamps: impl Into<Option<Stamps>>) -> Self {
        Self {
            stamps: stamps.into(),
            ..self
        }
    }

    /// Builds components that are good at this.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }
}

/// A project and where its component goes.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to build.
    pub project: Project,
    /// The component's file.
    pub output: PathBuf,
}

/// A component on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The component's file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Nothing had changed, so nothing was done.
    pub fresh: bool,
}

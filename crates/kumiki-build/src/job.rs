//! Jobs, options and results of builds.

use std::path::PathBuf;

use crate::project::Project;
use crate::stamps::Stamps;

/// What a build is optimised for.
///
/// The profile affects Rust, C and Go. JavaScript engines and Python's library
/// are precompiled, so their components do not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Fast calls: optimised and stripped.
    #[default]
    Speed,
    /// A small component: optimised for size by the compiler, then by wasm-opt.
    /// In Rust, panics have no message if the compiler has the source of std.
    Size,
    /// Useful backtraces: optimised, with function names and line numbers.
    Debug,
}

impl Profile {
    /// The name that the program's flags use.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Speed => "speed",
            Profile::Size => "size",
            Profile::Debug => "debug",
        }
    }
}

/// Options of a build.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for intermediate files, kept between builds to make the next
    /// one faster.
    pub work: PathBuf,
    /// The profile to build for.
    pub profile: Profile,
    /// The stamps that identify up-to-date components. Without stamps, every
    /// component is rebuilt.
    pub stamps: Option<Stamps>,
}

impl Options {
    /// Creates options with intermediate files in `work`, the profile
    /// [`Profile::Speed`] and no stamps.
    pub fn new(work: impl Into<PathBuf>) -> Self {
        Self {
            work: work.into(),
            profile: Profile::default(),
            stamps: None,
        }
    }

    /// Skips components that are up to date according to these stamps. Their
    /// folder must not come with a project: anyone who can write to it decides
    /// what is up to date.
    #[must_use]
    pub fn with_stamps(self, stamps: impl Into<Option<Stamps>>) -> Self {
        Self {
            stamps: stamps.into(),
            ..self
        }
    }

    /// Sets the profile.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }
}

/// A project to build and the path of its component.
#[derive(Clone, Debug)]
pub struct Job {
    /// The project.
    pub project: Project,
    /// The component's file.
    pub output: PathBuf,
}

/// The result of a build: a component on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The component's file.
    pub path: PathBuf,
    /// The component's size, in bytes.
    pub bytes: u64,
    /// Whether the existing component was up to date, so that nothing was
    /// built.
    pub fresh: bool,
}

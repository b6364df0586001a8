//! Toolchains. Each is probed before it is used.
//!
//! A toolchain's module has `find`, which locates it or reports what is
//! missing, and `build`, which calls `find` first.

mod c;
pub(crate) mod go;
pub(crate) mod javascript;
mod project;
mod python;
mod rust;

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Missing};
use crate::job::{Built, Job, Options};
use crate::project::Wasi;
use crate::tool::Tool;
use crate::tools::Tools;

/// A toolchain that builds components from one kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toolchain {
    /// cargo and rustc.
    Rust,
    /// Zig, a WASI SDK or clang.
    C,
    /// QuickJS, which is a part of this crate, and esbuild on Node where a bundler is needed.
    JavaScript,
    /// componentize-js and esbuild on Node.
    StarlingMonkey,
    /// componentize-py.
    Python,
    /// Go's own compiler.
    Go,
}

/// The result of probing a toolchain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The toolchain can build.
    Ready(Ready),
    /// Something is missing.
    Missing(Missing),
}

/// A toolchain that is ready to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which variant of the toolchain was found, such as `zig`.
    pub variant: String,
    /// The version, as the toolchain reports it.
    pub version: String,
}

impl Toolchain {
    /// All toolchains.
    pub const ALL: [Toolchain; 6] = [
        Toolchain::Rust,
        Toolchain::C,
        Toolchain::JavaScript,
        Toolchain::StarlingMonkey,
        Toolchain::Python,
        Toolchain::Go,
    ];

    /// The short name of the toolchain.
    pub fn name(self) -> &'static str {
        match self {
            Toolchain::Rust => "rust",
            Toolchain::C => "c",
            Toolchain::JavaScript => "js",
            Toolchain::StarlingMonkey => "starlingmonkey",
            Toolchain::Python => "python",
            Toolchain::Go => "go",
        }
    }

    /// The project-local tools that it needs for every project, all of them; empty if it
    /// has none. JavaScript needs its tool for some projects only.
    pub fn tools(self) -> &'static [Tool] {
        match self {
            Toolchain::Rust => &[],
            Toolchain::C => &[Tool::Zig],
            Toolchain::JavaScript => &[Tool::Esbuild],
            Toolchain::StarlingMonkey => &[Tool::ComponentizeJs, Tool::Esbuild],
            Toolchain::Python => &[Tool::ComponentizePy],
            Toolchain::Go => &[Tool::Go],
        }
    }

    /// Checks whether it can build plugins that import this version of WASI,
    /// which matters only for Rust. Takes well under a second and changes
    /// nothing.
    pub fn probe(self, tools: &Tools, wasi: Wasi) -> Probe {
        let found = match self {
            Toolchain::Rust => rust::probe(tools, wasi),
            Toolchain::C => c::probe(tools),
            Toolchain::JavaScript => Ok(javascript::ready()),
            Toolchain::StarlingMonkey => javascript::probe_starlingmonkey(tools),
            Toolchain::Python => python::probe(tools),
            Toolchain::Go => go::probe(tools),
        };
        match found {
            Ok(ready) => Probe::Ready(ready),
            Err(missing) => Probe::Missing(missing),
        }
    }

    /// Builds jobs of this toolchain. Returns one result per job, in order.
    pub(crate) fn build(
        self,
        jobs: &[&Job],
        tools: &Tools,
        options: &Options,
    ) -> Vec<Result<Built, Error>> {
        let each = |build: &dyn Fn(&Job) -> Result<Built, Error>| {
            jobs.iter().map(|job| build(job)).collect()
        };
        match self {
            Toolchain::Rust => rust::build(jobs, tools, options),
            Toolchain::C => each(&|job| c::build(job, tools, options)),
            Toolchain::JavaScript => each(&|job| javascript::build(job, tools, options)),
            Toolchain::StarlingMonkey => {
                each(&|job| javascript::build_starlingmonkey(job, tools, options))
            }
            Toolchain::Python => each(&|job| python::build(job, tools, options)),
            Toolchain::Go => each(&|job| go::build(job, tools, options)),
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Toolchain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Toolchain::ALL
            .into_iter()
            .find(|toolchain| toolchain.name() == text)
            .ok_or_else(|| {
                let names = Toolchain::ALL
                    .map(|toolchain| format!("`{toolchain}`"))
                    .join(", ");
                format!("unknown toolchain `{text}`; expected one of {names}")
            })
    }
}

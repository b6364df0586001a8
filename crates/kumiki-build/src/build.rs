//! Builds one project or many, each toolchain's in one go.

use std::path::{Path, PathBuf};
use std::thread;

use crate::error::Error;
use crate::project::Project;
use crate::toolchain::Toolchain;
use crate::tools::Tools;

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where intermediate files stay between builds, so that the next is quick.
    pub work: PathBuf,
}

impl Options {
    /// Intermediate files stay in `work`.
    pub fn new(work: impl Into<PathBuf>) -> Self {
        Self { work: work.into() }
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

/// Builds `project` into the file `output`.
///
/// # Errors
/// Says what failed, or what is missing and how to get it.
pub fn build(
    project: &Project,
    output: &Path,
    tools: &Tools,
    options: &Options,
) -> Result<Built, Error> {
    let job = Job {
        project: project.clone(),
        output: output.to_owned(),
    };
    let mut results = project.toolchain().build(&[&job], tools, options);
    // One job in, one result out.
    results.remove(0)
}

/// Builds many projects, toolchain by toolchain and these side by side; all
/// Rust packages of a workspace in one call of cargo. The results are in the
/// order of `jobs`, and one that fails holds up no other.
pub fn build_all(jobs: &[Job], tools: &Tools, options: &Options) -> Vec<Result<Built, Error>> {
    let mut results: Vec<Option<Result<Built, Error>>> = jobs.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let running: Vec<_> = Toolchain::ALL
            .into_iter()
            .map(|toolchain| {
                let places: Vec<usize> = (0..jobs.len())
                    .filter(|place| jobs[*place].project.toolchain() == toolchain)
                    .collect();
                let part: Vec<&Job> = places.iter().map(|place| &jobs[*place]).collect();
                let build = move || toolchain.build(&part, tools, options);
                (places, scope.spawn(build))
            })
            .collect();
        for (places, thread) in running {
            let part = match thread.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            for (place, result) in places.into_iter().zip(part) {
                results[place] = Some(result);
            }
        }
    });
    // Every job has exactly one toolchain, so every place is filled.
    results.into_iter().flatten().collect()
}

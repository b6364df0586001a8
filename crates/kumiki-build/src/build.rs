//! Builds one or more projects, grouped by toolchain.

use std::path::Path;
use std::thread;

use crate::error::Error;
use crate::job::{Built, Job, Options};
use crate::project::Project;
use crate::toolchain::Toolchain;
use crate::tools::Tools;

/// Builds `project` into the file `output`.
///
/// # Errors
/// Returns what failed, or what is missing and how to install it.
pub fn build(
    project: &Project,
    output: &Path,
    tools: &Tools,
    options: &Options,
) -> Result<Built, Error> {
    // Before a compiler starts, which finds mistakes of the WIT later.
    project.resolve()?;
    let job = Job {
        project: project.clone(),
        output: output.to_owned(),
    };
    let mut results = project.toolchain().build(&[&job], tools, options);
    // One job gives exactly one result.
    results.remove(0)
}

/// Builds several projects. Toolchains run in parallel, and all Rust packages
/// of a workspace are built by one call of cargo. The results are in the order
/// of `jobs`; a failed build does not affect the others.
pub fn build_all(jobs: &[Job], tools: &Tools, options: &Options) -> Vec<Result<Built, Error>> {
    let mut results: Vec<Option<Result<Built, Error>>> = jobs
        .iter()
        .map(|job| job.project.resolve().err().map(Err))
        .collect();
    let is_pending: Vec<bool> = results.iter().map(Option::is_none).collect();
    thread::scope(|scope| {
        let running: Vec<_> = Toolchain::ALL
            .into_iter()
            .map(|toolchain| {
                let indices: Vec<usize> = (0..jobs.len())
                    .filter(|index| is_pending[*index])
                    .filter(|index| jobs[*index].project.toolchain() == toolchain)
                    .collect();
                let part: Vec<&Job> = indices.iter().map(|index| &jobs[*index]).collect();
                let build = move || toolchain.build(&part, tools, options);
                (indices, scope.spawn(build))
            })
            .collect();
        for (indices, thread) in running {
            let part = match thread.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            for (index, result) in indices.into_iter().zip(part) {
                results[index] = Some(result);
            }
        }
    });
    // Every job has exactly one toolchain, so every result is set.
    results.into_iter().flatten().collect()
}

//! Builds one project or many, each toolchain's in one go.

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

//! Rust: cargo builds the packages, all those of a workspace in one call, and
//! the modules are converted to components.
//!
//! Cargo tracks changes, because it knows every file that a package is built
//! from. Only the conversion from module to component has a fingerprint here.

mod cargo;
mod compiler;
mod profile;

use std::fs;
use std::path::Path;

use self::cargo::{Package, Workspace};
use self::compiler::Compiler;
use super::Ready;
use crate::component::{Preview1, componentize};
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::job::{Built, Job, Options, Profile};
use crate::optimise;
use crate::output::Output;
use crate::project::Wasi;
use crate::tools::Tools;

const WASI_VERSIONS: [Wasi; 3] = [Wasi::None, Wasi::Preview1, Wasi::Preview2];

fn target(wasi: Wasi) -> &'static str {
    match wasi {
        Wasi::None => "wasm32-unknown-unknown",
        Wasi::Preview1 => "wasm32-wasip1",
        Wasi::Preview2 => "wasm32-wasip2",
    }
}

pub(super) fn probe(tools: &Tools, wasi: Wasi) -> Result<Ready, Missing> {
    let compiler = Compiler::find(tools, target(wasi))?;
    let version = compiler.version().unwrap_or_default();
    Ok(Ready {
        variant: compiler.variant().to_owned(),
        version,
    })
}

/// One result per job; `None` until it is known.
type Results = Vec<Option<Result<Built, Error>>>;

pub(super) fn build(jobs: &[&Job], tools: &Tools, options: &Options) -> Vec<Result<Built, Error>> {
    let mut results: Results = jobs.iter().map(|_| None).collect();
    while let Some(first) = results.iter().position(Option::is_none) {
        match Workspace::of(&jobs[first].project.folder) {
            Ok(workspace) => {
                for wasi in WASI_VERSIONS {
                    build_members(&workspace, wasi, jobs, &mut results, tools, options);
                }
            }
            Err(error) => results[first] = Some(Err(error)),
        }
        // Without this, a folder that its own workspace does not list would be
        // tried forever.
        results[first].get_or_insert_with(|| Err(no_package(&jobs[first].project.folder)));
    }
    results.into_iter().flatten().collect()
}

/// Builds the jobs that belong to this workspace and import this version of
/// WASI.
fn build_members(
    workspace: &Workspace,
    wasi: Wasi,
    jobs: &[&Job],
    results: &mut Results,
    tools: &Tools,
    options: &Options,
) {
    let members: Vec<(usize, &Package)> = (0..jobs.len())
        .filter(|index| results[*index].is_none() && jobs[*index].project.wasi == wasi)
        .filter_map(|index| Some((index, workspace.package(&jobs[index].project.folder)?)))
        .collect();
    if members.is_empty() {
        return;
    }
    let packages: Vec<&Package> = members.iter().map(|(_, package)| *package).collect();
    let output = cargo::build(workspace, &packages, wasi, tools, options);
    for (index, package) in members {
        results[index] = Some(match &output {
            Err(missing) => Err(missing.clone().into()),
            Ok(output) => output
                .module(package)
                .and_then(|module| finish(jobs[index], module, tools, options)),
        });
    }
}

fn no_package(folder: &Path) -> Error {
    Error::Project {
        path: folder.join("Cargo.toml"),
        line: None,
        hint: None,
        message: "cargo finds no package here".to_owned(),
    }
}

/// Converts cargo's module to the component at its final path. For WASI 0.2,
/// the linker has already written a component.
fn finish(job: &Job, module: &Path, tools: &Tools, options: &Options) -> Result<Built, Error> {
    let Job { project, output } = job;
    let bytes = fs::read(module).map_err(Error::io("read", module))?;
    let fingerprint = Hasher::new()
        .bytes("module", &bytes)
        .bytes("profile", options.profile.name().as_bytes())
        .finish();
    let work = options.work.join(&project.name);
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }
    let bytes = match options.profile {
        Profile::Size => optimise::for_size(&bytes, tools, &work)?,
        Profile::Speed | Profile::Debug => bytes,
    };
    let component = if wasmparser::Parser::is_component(&bytes) {
        bytes
    } else {
        componentize(project, &bytes, Preview1::Adapter)?
    };
    output.write(&component, fingerprint)
}

//! Rust: cargo builds the packages, all of one workspace in one call, then the
//! modules become components.
//!
//! What changed is left to cargo, which knows every file that a package is made
//! of; only the step from module to component is fingerprinted here.

mod compiler;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, ExitStatus};

use serde::Deserialize;

use super::Ready;
use crate::build::{Built, Job, Options};
use crate::command;
use crate::component::{Preview1, componentize};
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::output::Output;
use crate::project::Wasi;
use crate::tools::Tools;
use compiler::Compiler;

const WASIS: [Wasi; 3] = [Wasi::None, Wasi::Preview1, Wasi::Preview2];

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
        way: compiler.way().to_owned(),
        version,
    })
}

/// One result for each job, still to come while it is `None`.
type Results = Vec<Option<Result<Built, Error>>>;

pub(super) fn build(jobs: &[&Job], tools: &Tools, options: &Options) -> Vec<Result<Built, Error>> {
    let mut results: Results = jobs.iter().map(|_| None).collect();
    while let Some(first) = results.iter().position(Option::is_none) {
        match Workspace::of(&jobs[first].project.folder) {
            Ok(workspace) => {
                for wasi in WASIS {
                    build_members(&workspace, wasi, jobs, &mut results, tools, options);
                }
            }
            Err(error) => results[first] = Some(Err(error)),
        }
        // A folder that its own workspace does not know would be asked for ever.
        results[first].get_or_insert_with(|| Err(no_package(&jobs[first].project.folder)));
    }
    results.into_iter().flatten().collect()
}

/// Builds those jobs that are of this workspace and for this WASI.
fn build_members(
    workspace: &Workspace,
    wasi: Wasi,
    jobs: &[&Job],
    results: &mut Results,
    tools: &Tools,
    options: &Options,
) {
    let members: Vec<(usize, &Package)> = (0..jobs.len())
        .filter(|place| results[*place].is_none() && jobs[*place].project.wasi == wasi)
        .filter_map(|place| Some((place, workspace.package(&jobs[place].project.folder)?)))
        .collect();
    if members.is_empty() {
        return;
    }
    let packages: Vec<&Package> = members.iter().map(|(_, package)| *package).collect();
    let ran = cargo_build(workspace, &packages, wasi, tools, options);
    for (place, package) in members {
        results[place] = Some(match &ran {
            Err(missing) => Err(missing.clone().into()),
            Ok(ran) => ran
                .module(package)
                .and_then(|module| finish(jobs[place], module, options)),
        });
    }
}

fn no_package(folder: &Path) -> Error {
    Error::Project {
        path: folder.join("Cargo.toml"),
        line: None,
        message: "cargo finds no package here".to_owned(),
    }
}

fn no_cargo(error: &Error) -> Missing {
    Missing::new(error.to_string(), "install Rust by rustup (rustup.rs)")
}

/// What `cargo metadata` says, as far as it is needed.
#[derive(Deserialize)]
struct Workspace {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

impl Workspace {
    /// The workspace that the package in `folder` belongs to.
    fn of(folder: &Path) -> Result<Self, Error> {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["metadata", "--no-deps", "--format-version=1"])
            .current_dir(folder);
        let output = command::start(&mut cargo).map_err(|error| no_cargo(&error))?;
        if !output.status.success() {
            return Err(command::failed(&cargo, &output));
        }
        serde_json::from_slice(&output.stdout).map_err(|_| no_package(folder))
    }

    fn package(&self, folder: &Path) -> Option<&Package> {
        let manifest = folder.join("Cargo.toml").canonicalize().ok()?;
        self.packages.iter().find(|package| {
            package
                .manifest_path
                .canonicalize()
                .is_ok_and(|path| path == manifest)
        })
    }
}

/// What one call of cargo made: modules by manifest, and what it said, which is
/// why others are not there.
struct Ran {
    modules: HashMap<PathBuf, PathBuf>,
    said: String,
    status: ExitStatus,
}

impl Ran {
    fn module(&self, package: &Package) -> Result<&Path, Error> {
        let module = self.modules.get(&package.manifest_path);
        module.map(PathBuf::as_path).ok_or_else(|| {
            let mut output = self.said.trim_end().to_owned();
            // After errors of the compiler it would be beside the point.
            if self.status.success() {
                output +=
                    "\nno module came out; a plugin's package has `crate-type = [\"cdylib\"]`";
            }
            Error::Failed {
                program: format!("cargo build --package {}", package.name),
                status: self.status.to_string(),
                output,
            }
        })
    }
}

/// A line of what cargo writes for programs, as far as it is needed.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    filenames: Vec<PathBuf>,
}

/// Builds `packages` in one call. Whatever fails, what else can be built is.
fn cargo_build(
    workspace: &Workspace,
    packages: &[&Package],
    wasi: Wasi,
    tools: &Tools,
    options: &Options,
) -> Result<Ran, Missing> {
    let target = target(wasi);
    let compiler = Compiler::find(tools, target)?;
    let folder = options.work.join("cargo").join(compiler.way());
    let folder = absolute(&folder).unwrap_or(folder);

    let mut flags = vec!["-C".to_owned(), "target-feature=+simd128".to_owned()];
    flags.extend(compiler.rustc_flags(target));
    flags.extend(remap_flags(&workspace.workspace_root, &folder));

    let mut cargo = compiler.cargo();
    cargo
        .current_dir(&workspace.workspace_root)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    cargo.args([
        "build",
        "--release",
        "--keep-going",
        "--message-format=json-render-diagnostics",
    ]);
    cargo
        .args(["--target", target, "--target-dir"])
        .arg(&folder)
        .args(compiler.build_args());
    for package in packages {
        cargo.args(["--package", &package.name]);
    }
    let output = command::start(&mut cargo).map_err(|error| no_cargo(&error))?;

    let lines = output.stdout.split(|byte| *byte == b'\n');
    let modules = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .filter_map(
            |Artifact {
                 manifest_path,
                 filenames,
             }| {
                let is_module = |file: &PathBuf| file.extension().is_some_and(|it| it == "wasm");
                Some((manifest_path, filenames.into_iter().find(is_module)?))
            },
        )
        .collect();
    Ok(Ran {
        modules,
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status,
    })
}

/// Panics carry the paths of sources: none of this machine's shall end up in a
/// component.
fn remap_flags(workspace: &Path, build: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
    [(workspace, "."), (build, "/build"), (&cargo_home, "/cargo")]
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .to_vec()
}

/// From cargo's module to the component in its place. For WASI 0.2 the linker
/// has made the component already.
fn finish(job: &Job, module: &Path, options: &Options) -> Result<Built, Error> {
    let Job { project, output } = job;
    let bytes = fs::read(module).map_err(Error::io("read", module))?;
    let fingerprint = Hasher::new().bytes("module", &bytes).finish();
    let output = Output::new(output, &options.work.join(&project.name));
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }
    let component = if wasmparser::Parser::is_component(&bytes) {
        bytes
    } else {
        componentize(project, &bytes, Preview1::Adapter)?
    };
    output.write(&component, fingerprint)
}

//! Calls cargo to list the packages of a workspace and to build them.

use std::collections::HashMap;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, ExitStatus};

use serde::Deserialize;

use super::compiler::Compiler;
use super::{no_package, profile, target};
use crate::command;
use crate::error::{Error, Missing};
use crate::job::{Options, Profile};
use crate::project::Wasi;
use crate::tools::Tools;

fn no_cargo(error: &Error) -> Missing {
    Missing::new(error.to_string(), "install Rust with rustup (rustup.rs)")
}

/// The needed fields of the output of `cargo metadata`.
#[derive(Deserialize)]
pub(super) struct Workspace {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
pub(super) struct Package {
    name: String,
    /// Unlike the name, it is not shared with a dependency.
    id: String,
    manifest_path: PathBuf,
}

impl Workspace {
    /// The workspace that the package in `folder` belongs to.
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
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

    pub(super) fn package(&self, folder: &Path) -> Option<&Package> {
        let manifest = folder.join("Cargo.toml").canonicalize().ok()?;
        self.packages.iter().find(|package| {
            package
                .manifest_path
                .canonicalize()
                .is_ok_and(|path| path == manifest)
        })
    }
}

/// The result of one call of cargo: the modules by manifest path, and the
/// output, which explains why others are missing.
pub(super) struct CargoOutput {
    modules: HashMap<PathBuf, PathBuf>,
    stderr: String,
    status: ExitStatus,
}

impl CargoOutput {
    pub(super) fn module(&self, package: &Package) -> Result<&Path, Error> {
        let module = self.modules.get(&package.manifest_path);
        module.map(PathBuf::as_path).ok_or_else(|| {
            let mut output = self.stderr.trim_end().to_owned();
            // If the compiler failed, its own messages are enough.
            if self.status.success() {
                output +=
                    "\ncargo built no WebAssembly module; set `crate-type = [\"cdylib\"]` in `[lib]`";
            }
            Error::Failed {
                program: format!("cargo build --package {}", package.name),
                status: self.status.to_string(),
                output,
            }
        })
    }
}

/// The needed fields of a JSON message of cargo.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    filenames: Vec<PathBuf>,
}

/// Builds `packages` in one call. If one fails, the others are still built.
pub(super) fn build(
    workspace: &Workspace,
    packages: &[&Package],
    wasi: Wasi,
    tools: &Tools,
    options: &Options,
) -> Result<CargoOutput, Missing> {
    let target = target(wasi);
    let compiler = Compiler::find(tools, target)?;
    // Changing flags would recompile all dependencies, so each profile has its
    // own folder.
    let folder = options.work.join("cargo").join(compiler.variant());
    let folder = match options.profile {
        Profile::Speed => folder,
        profile => folder.join(profile.name()),
    };
    let folder = absolute(&folder).unwrap_or(folder);

    let mut flags = vec!["-C".to_owned(), "target-feature=+simd128".to_owned()];
    if options.profile == Profile::Speed {
        // LLVM does not unroll vector loops for WebAssembly, and each turn checks the epoch:
        // upper-casing ASCII ran at 10 GB/s, and with this at more than 30, for 1 KB more.
        flags.extend([
            "-C".to_owned(),
            "llvm-args=-force-vector-interleave=4".to_owned(),
        ]);
    }
    flags.extend(compiler.rustc_flags(target, options.profile));
    flags.extend(remap_flags(&workspace.workspace_root, &folder));
    if wasi == Wasi::Preview2 && options.profile == Profile::Size {
        // The linker would write a component, which wasm-opt cannot read.
        flags.extend(["-C".to_owned(), "link-arg=--skip-wit-component".to_owned()]);
    }

    let mut cargo = compiler.cargo(options.profile);
    cargo
        .current_dir(&workspace.workspace_root)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .envs(profile::environment(
            options.profile,
            &workspace.workspace_root,
        ));
    cargo.args([
        "build",
        "--release",
        "--keep-going",
        "--message-format=json-render-diagnostics",
    ]);
    cargo
        .args(["--target", target, "--target-dir"])
        .arg(&folder)
        .args(compiler.build_args(options.profile));
    for package in packages {
        cargo.args(["--package", &package.id]);
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
    Ok(CargoOutput {
        modules,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status,
    })
}

/// Flags that remap source paths, which panics contain, so that no path of this
/// machine is in a component.
fn remap_flags(workspace: &Path, build: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
    [(workspace, "."), (build, "/build"), (&cargo_home, "/cargo")]
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .to_vec()
}

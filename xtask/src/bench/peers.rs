//! Builds the peers in their own workspace: Extism with a compiler that is new enough
//! for it, the others with the compiler that builds Kumiki.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::made::executables;
use super::skipped::Skipped;
use crate::place::Place;
use crate::step::step;

/// Minimum minor version of Rust 1 for Extism.
const RUST: u32 = 96;
const WASM: &str = "wasm32-unknown-unknown";
const HINT: &str = "hint: rustup update stable, or without rustup: \
    apt-get install rustc-web cargo-web rust-web-src";

/// The programs of the peers, or why they are missing.
pub(crate) struct Peers {
    pub(crate) natives: Result<Natives, String>,
    pub(crate) extism: Result<Extism, String>,
}

/// The peers that any compiler builds.
pub(crate) struct Natives {
    pub(crate) native: PathBuf,
    pub(crate) script: PathBuf,
    pub(crate) dylib: PathBuf,
}

pub(crate) struct Extism {
    pub(crate) contender: PathBuf,
    /// The module that it runs.
    pub(crate) guest: PathBuf,
    /// The version text of the compiler that built them.
    pub(crate) compiler: String,
}

/// Builds each peer that this machine can build, and says why the others are `skipped`.
pub(super) fn build(place: &Place, skipped: &mut Skipped) -> Peers {
    Peers {
        natives: or_say("native and script peers", || natives(place), skipped),
        extism: or_say("Extism", || extism(place), skipped),
    }
}

fn or_say<T>(
    what: &str,
    build: impl FnOnce() -> Result<T>,
    skipped: &mut Skipped,
) -> Result<T, String> {
    step(what, build).map_err(|error| {
        let why = format!("{error:#}");
        skipped.say(what, &why);
        why
    })
}

fn natives(place: &Place) -> Result<Natives> {
    let mut cargo = in_workspace(place.cargo(), place);
    cargo.args(["build", "--release"]);
    for package in ["native-contender", "script-contender", "dylib-plugin"] {
        cargo.args(["--package", package]);
    }
    let made = executables(&mut cargo)?;
    Ok(Natives {
        native: made.find("native-contender")?,
        script: made.find("script-contender")?,
        dylib: made.find("dylib_plugin")?,
    })
}

fn extism(place: &Place) -> Result<Extism> {
    let compiler = Compiler::find()?;
    let mut cargo = compiler.cargo(place);
    cargo.args(["build", "--release", "--package", "extism-contender"]);
    Ok(Extism {
        contender: executables(&mut cargo)?.find("extism-contender")?,
        guest: guest(place, &compiler)?,
        compiler: compiler.version,
    })
}

/// Makes a cargo command build in the peers' workspace.
fn in_workspace(mut cargo: Command, place: &Place) -> Command {
    cargo
        .current_dir(place.root.join("benches/peers"))
        .env("CARGO_TARGET_DIR", place.target.join("peers"));
    cargo
}

/// A cargo and its rustc.
struct Compiler {
    cargo: PathBuf,
    rustc: PathBuf,
    version: String,
}

impl Compiler {
    /// Finds the first compiler that is new enough: on `PATH`, or Debian's second one.
    fn find() -> Result<Self> {
        for folder in ["", "/usr/bin"] {
            let folder = Path::new(folder);
            let (cargo, rustc) = (folder.join("cargo"), folder.join("rustc"));
            let Some(version) = answer(Command::new(&rustc).arg("--version")) else {
                continue;
            };
            if minor(&version).is_some_and(|minor| minor >= RUST) {
                return Ok(Self {
                    cargo,
                    rustc,
                    version,
                });
            }
        }
        bail!("Extism requires Rust 1.{RUST} or newer, which was not found\n{HINT}")
    }

    fn cargo(&self, place: &Place) -> Command {
        let mut cargo = in_workspace(Command::new(&self.cargo), place);
        cargo
            .env("RUSTC", &self.rustc)
            // These belong to another compiler or another target.
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTFLAGS");
        cargo
    }
}

/// Parses the minor version: 96 for `rustc 1.96.0 (…)`.
fn minor(version: &str) -> Option<u32> {
    let number = version.strip_prefix("rustc 1.")?;
    number.split('.').next()?.parse().ok()
}

/// Builds Extism's guest with the same flags as Kumiki's guests. If the compiler lacks
/// the target's standard library, that is built as well.
fn guest(place: &Place, compiler: &Compiler) -> Result<PathBuf> {
    let mut cargo = compiler.cargo(place);
    cargo
        .env("RUSTFLAGS", "-C target-feature=+simd128")
        .env("CARGO_PROFILE_RELEASE_LTO", "true")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        .args(["build", "--release", "--package", "extism-guest"])
        .args(["--target", WASM]);
    let mut rustc = Command::new(&compiler.rustc);
    let library = answer(rustc.args(["--print", "target-libdir", "--target", WASM]));
    if !library.is_some_and(|library| Path::new(&library).is_dir()) {
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("PATH", path_with_linker()?)
            .arg("-Zbuild-std=std,panic_abort");
    }
    executables(&mut cargo)?.find("extism_guest")
}

/// Returns a `PATH` with the linker of rustup's toolchain, for Debian's compiler.
fn path_with_linker() -> Result<std::ffi::OsString> {
    let mut rustc = Command::new("rustc");
    let sysroot = answer(rustc.args(["--print", "sysroot"])).context("rustc not found")?;
    let host = format!(
        "lib/rustlib/{}-unknown-linux-gnu/bin",
        std::env::consts::ARCH
    );
    let programs = Path::new(&sysroot).join(host);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = [programs.join("gcc-ld"), programs];
    let all = all.into_iter().chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(all)?)
}

/// Returns the first line of a program's output.
pub(super) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    output.status.success().then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(minor("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some(96));
        assert_eq!(minor("rustc 2.0.0"), None);
    }
}

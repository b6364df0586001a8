//! Builds the peers in their own workspace, with a compiler that is new enough.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::programs::executables;
use crate::place::Place;

/// Minimum minor version of Rust 1 for Extism.
const RUST: u32 = 96;
const WASM: &str = "wasm32-unknown-unknown";
const HINT: &str = "hint: rustup update stable, or without rustup: \
    apt-get install rustc-web cargo-web rust-web-src";

/// The peers' programs.
pub(crate) struct Peers {
    pub(crate) extism: PathBuf,
    /// The module that Extism runs, or why it is missing.
    pub(crate) extism_guest: Result<PathBuf, String>,
    pub(crate) native: PathBuf,
    pub(crate) script: PathBuf,
    pub(crate) dylib: PathBuf,
    /// The version text of the compiler that built them.
    pub(crate) compiler: String,
}

pub(super) fn build(place: &Place) -> Result<Peers> {
    let compiler = Compiler::find()?;
    let made = executables(compiler.cargo(place).args(["build", "--release"]))?;
    let find = |name: &str| {
        let found = made.iter().find(|(made, _)| made == name);
        let path = found.map(|(_, path)| path.clone());
        path.with_context(|| format!("cargo did not build `{name}`"))
    };
    let guest = guest(place, &compiler).map_err(|error| format!("{error:#}"));
    if let Err(why) = &guest {
        eprintln!("xtask: Extism is skipped: {why}");
    }
    Ok(Peers {
        extism: find("extism-contender")?,
        extism_guest: guest,
        native: find("native-contender")?,
        script: find("script-contender")?,
        dylib: find("dylib_plugin")?,
        compiler: compiler.version,
    })
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
            let (cargo, rustc) = (
                Path::new(folder).join("cargo"),
                Path::new(folder).join("rustc"),
            );
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
        let mut cargo = Command::new(&self.cargo);
        cargo
            .current_dir(place.root.join("benches/peers"))
            .env("RUSTC", &self.rustc)
            .env("CARGO_TARGET_DIR", place.target.join("peers"))
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
    let made = executables(&mut cargo)?;
    let module = made.into_iter().find(|(name, _)| name == "extism_guest");
    Ok(module.context("cargo did not build a module")?.1)
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

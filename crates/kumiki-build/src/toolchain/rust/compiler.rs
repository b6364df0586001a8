//! Finds a Rust compiler that can build for a WebAssembly target.
//!
//! Two compilers are supported. The usual one is the `rustc` on PATH, with the
//! target's std installed by rustup. The other is for Debian machines where
//! rustup cannot download targets: a second compiler in /usr/bin, from Debian
//! packages, which include the source of std and build it with each plugin. It
//! uses the linkers of the first compiler, because Debian's own are too old.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::Missing;
use crate::job::Profile;
use crate::tools::{RustCompiler, Tools};

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/std";
const DEBIAN_WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// A compiler that can build for the target it was found for.
pub(super) enum Compiler {
    /// The one on PATH.
    OnPath,
    /// Debian's, with the folders of the linkers of the other compiler.
    Debian { linkers: Vec<PathBuf> },
}

impl Compiler {
    /// Finds the first compiler that is allowed and ready to build for
    /// `target`.
    pub(super) fn find(tools: &Tools, target: &str) -> Result<Self, Missing> {
        match tools.rust() {
            RustCompiler::Rustup => on_path(target),
            RustCompiler::Debian => debian(target),
            // If neither is ready, the hint is for the usual compiler.
            RustCompiler::Any => {
                on_path(target).or_else(|missing| debian(target).map_err(|_| missing))
            }
        }
    }

    pub(super) fn variant(&self) -> &'static str {
        match self {
            Compiler::OnPath => "rustup",
            Compiler::Debian { .. } => "debian",
        }
    }

    pub(super) fn version(&self) -> Option<String> {
        let rustc = match self {
            Compiler::OnPath => "rustc",
            Compiler::Debian { .. } => DEBIAN_RUSTC,
        };
        command::answer(Command::new(rustc).arg("--version"))
    }

    /// Whether std can be built from source, for size. On PATH, its source is
    /// installed by `rustup component add rust-src`.
    fn builds_std(&self) -> bool {
        match self {
            Compiler::OnPath => rustc_print("sysroot", &[]).is_ok_and(|sysroot| {
                let source = "lib/rustlib/src/rust/library/std";
                Path::new(&sysroot).join(source).exists()
            }),
            Compiler::Debian { .. } => true,
        }
    }

    /// A `cargo` command that uses this compiler.
    pub(super) fn cargo(&self, profile: Profile) -> Command {
        match self {
            Compiler::OnPath => {
                let mut cargo = Command::new("cargo");
                if profile == Profile::Size && self.builds_std() {
                    // Building std needs unstable options.
                    cargo.env("RUSTC_BOOTSTRAP", "1");
                }
                cargo
            }
            Compiler::Debian { linkers } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("PATH", path_with(linkers));
                // Building std needs unstable options. A compiler wrapper would
                // be for the other compiler.
                cargo.env("RUSTC_BOOTSTRAP", "1");
                cargo
                    .env_remove("RUSTC_WRAPPER")
                    .env_remove("RUSTC_WORKSPACE_WRAPPER");
                cargo
            }
        }
    }

    /// Additional arguments of `cargo build`.
    pub(super) fn build_args(&self, profile: Profile) -> &'static [&'static str] {
        match (self, profile) {
            (_, Profile::Size) if self.builds_std() => &[
                "-Zbuild-std=std,panic_abort",
                "-Zbuild-std-features=optimize_for_size",
            ],
            (Compiler::OnPath, _) => &[],
            (Compiler::Debian { .. }, _) => &["-Zbuild-std=std,panic_abort"],
        }
    }

    /// Additional flags of rustc.
    pub(super) fn rustc_flags(&self, target: &str, profile: Profile) -> Vec<String> {
        let mut flags = Vec::new();
        if matches!(self, Compiler::Debian { .. }) && target.contains("wasi") {
            flags.extend(["-L".to_owned(), format!("native={DEBIAN_WASI_LIBC}")]);
        }
        if profile == Profile::Size && self.builds_std() {
            // Panic messages are a third of a small plugin.
            let abort = ["-Zunstable-options", "-Cpanic=immediate-abort"];
            flags.extend(abort.map(str::to_owned));
        }
        flags
    }
}

fn on_path(target: &str) -> Result<Compiler, Missing> {
    let libraries = rustc_print("target-libdir", &["--target", target])?;
    if Path::new(&libraries).is_dir() {
        Ok(Compiler::OnPath)
    } else {
        Err(Missing::new(
            format!("rustc has no std for the target `{target}`"),
            format!("rustup target add {target}"),
        ))
    }
}

fn debian(target: &str) -> Result<Compiler, Missing> {
    let compiler = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_STD];
    if let Some(absent) = compiler.iter().find(|path| !Path::new(path).exists()) {
        return Err(Missing::debian(
            format!("Debian's Rust compiler is not installed: `{absent}` does not exist"),
            &["rustc-web", "cargo-web", "rust-web-src"],
        ));
    }
    if target.contains("wasi") && !Path::new(DEBIAN_WASI_LIBC).exists() {
        return Err(Missing::debian(
            format!("Debian's libc for WASI is not installed: `{DEBIAN_WASI_LIBC}` does not exist"),
            &["wasi-libc"],
        ));
    }

    let sysroot = rustc_print("sysroot", &[])?;
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let programs = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin");
    if !programs.join("rust-lld").exists() {
        return Err(Missing::new(
            format!(
                "no linker for WebAssembly: no `rust-lld` in `{}`",
                programs.display()
            ),
            "install Rust with rustup, which includes the linker",
        ));
    }
    Ok(Compiler::Debian {
        linkers: vec![programs.join("gcc-ld"), programs],
    })
}

/// Runs `rustc --print` with the `rustc` on PATH.
fn rustc_print(what: &str, args: &[&str]) -> Result<String, Missing> {
    command::answer(Command::new("rustc").args(["--print", what]).args(args)).ok_or_else(|| {
        Missing::new(
            "no working `rustc` on PATH",
            "install Rust with rustup (rustup.rs)",
        )
    })
}

fn path_with(folders: &[PathBuf]) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(std::env::split_paths(&path));
    // A folder that PATH cannot contain must have come from PATH, so this
    // cannot fail.
    std::env::join_paths(all).unwrap_or(path)
}

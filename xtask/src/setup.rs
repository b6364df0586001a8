//! Installs the toolchains for building guests. Complete installations are kept;
//! broken or partial ones are redone.

use std::process::Command;

use anyhow::{Error, Result, bail};
use kumiki_build::{Missing, Probe, RustCompiler, Tool, Toolchain, Wasi};

use crate::debian;
use crate::place::Place;
use crate::step::{run as run_program, step};

/// Sets up `toolchains`. Fails at the end if one for which `must` is true could not
/// be set up; guests of the others will be reported as missing.
pub(crate) fn run(
    place: &Place,
    toolchains: &[Toolchain],
    must: impl Fn(Toolchain) -> bool,
) -> Result<()> {
    let _lock = place.lock()?;
    let mut failed = Vec::new();
    for toolchain in toolchains {
        let result = match toolchain.tools() {
            [] => rust(place),
            tools => tools
                .iter()
                .try_for_each(|tool| install(place, *toolchain, *tool)),
        };
        if let Err(error) = result {
            eprintln!("xtask: no {toolchain}: {error:#}");
            if must(*toolchain) {
                failed.push(toolchain.name());
            }
        }
    }
    // No toolchain needs it, but `kumiki build --size` does.
    if let Err(error) = get(place, Tool::Binaryen) {
        eprintln!("xtask: no {}: {error:#}", Tool::Binaryen.name());
    }
    if !failed.is_empty() {
        bail!(
            "setup failed for {}\nhint: fix the errors above, then run `cargo xtask setup`",
            failed.join(", ")
        );
    }
    Ok(())
}

/// Sets up Rust: adds the targets with rustup if possible, else installs Debian's
/// compiler.
fn rust(place: &Place) -> Result<()> {
    const WASIS: [(Wasi, &str); 3] = [
        (Wasi::None, "wasm32-unknown-unknown"),
        (Wasi::Preview1, "wasm32-wasip1"),
        (Wasi::Preview2, "wasm32-wasip2"),
    ];
    let tools = &place.tools;
    let missing = |tools: &_| WASIS.iter().find_map(|(wasi, _)| is_missing(tools, *wasi));
    if missing(tools).is_none() {
        return Ok(());
    }

    if tools.rust() != RustCompiler::Debian {
        let targets = WASIS.map(|(_, target)| target);
        let add = || run_program(Command::new("rustup").args(["target", "add"]).args(targets));
        let added = step("rustup target add", add);
        match (added, tools.rust()) {
            (Ok(()), _) => {}
            (Err(error), RustCompiler::Rustup) => return Err(error),
            (Err(error), _) => eprintln!("xtask: {error:#}; trying Debian's compiler"),
        }
    }
    if tools.rust() != RustCompiler::Rustup && missing(tools).is_some() {
        // Only one missing part is reported at a time: the compiler, then the libc.
        let debian = tools.clone().with_rust(RustCompiler::Debian);
        while let Some(missing) = missing(&debian) {
            treat(missing.into(), || Ok(()))?;
        }
    }
    missing(tools).map_or(Ok(()), |missing| Err(with_hint(missing.into())))
}

fn is_missing(tools: &kumiki_build::Tools, wasi: Wasi) -> Option<Missing> {
    match Toolchain::Rust.probe(tools, wasi) {
        Probe::Ready(_) => None,
        Probe::Missing(missing) => Some(missing),
    }
}

/// Installs a project-local tool. If that fails, an existing alternative is used,
/// such as an installed clang.
fn install(place: &Place, toolchain: Toolchain, tool: Tool) -> Result<()> {
    let tools = &place.tools;
    if tools.is_installed(tool) {
        return Ok(());
    }
    // An installed Go works as well as the project-local one.
    let is_ready = matches!(toolchain.probe(tools, Wasi::None), Probe::Ready(_));
    if toolchain == Toolchain::Go && is_ready {
        return Ok(());
    }
    match (get(place, tool), toolchain.probe(tools, Wasi::None)) {
        (Err(error), Probe::Ready(ready)) => {
            eprintln!(
                "xtask: {error:#}; using {} {} instead",
                ready.variant, ready.version
            );
            Ok(())
        }
        (installed, _) => installed,
    }
}

/// Installs a tool and its Debian packages, unless it is installed.
fn get(place: &Place, tool: Tool) -> Result<()> {
    let tools = &place.tools;
    if tools.is_installed(tool) {
        return Ok(());
    }
    step(&format!("install {}", tool.name()), || {
        tools
            .install(tool)
            .or_else(|error| treat(error, || Ok(tools.install(tool)?)))
    })
}

/// Installs missing Debian packages, if that is the error, and retries with `again`.
fn treat(error: kumiki_build::Error, again: impl FnOnce() -> Result<()>) -> Result<()> {
    match error.missing() {
        Some(missing) if !missing.packages.is_empty() => {
            eprintln!("xtask: {missing}");
            debian::install(missing.packages)?;
            again()
        }
        _ => Err(with_hint(error)),
    }
}

/// Adds the hint to an error.
pub(crate) fn with_hint(error: kumiki_build::Error) -> Error {
    let hint = error.hint();
    let error = Error::from(error);
    match hint {
        Some(hint) => anyhow::anyhow!("{error:#}\nhint: {hint}"),
        None => error,
    }
}

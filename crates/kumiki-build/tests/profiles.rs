//! Builds each profile with real toolchains, if they are installed.

#![expect(clippy::print_stderr, reason = "a skipped test reports it")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod support;

use std::fs;
use std::path::Path;

use kumiki_build::{Options, Profile, Project, Tool, Toolchain, Wasi, build};
use wasmparser::{Parser, Payload};

use support::*;

/// Returns the size of an example's component in a profile, in bytes, and the
/// number of its sections with the names or the lines of functions.
fn measure(name: &str, wasi: Option<Wasi>, profile: Profile) -> (usize, usize, usize) {
    let mut project = Project::read(&root().join("guests/examples").join(name)).unwrap();
    project.wasi = wasi.unwrap_or(project.wasi);
    // Keep the folder between runs, so that cargo does not recompile the
    // dependencies.
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles");
    let options = Options::new(&work).with_profile(profile);
    let output = work.join(format!("{name}.wasm"));
    build(&project, &output, &tools(), &options).unwrap();
    let bytes = fs::read(&output).unwrap();
    let count = |name: &str| {
        let sections = Parser::new(0).parse_all(&bytes);
        let is_it = |payload: &_| matches!(payload, Ok(Payload::CustomSection(section)) if section.name() == name);
        sections.filter(is_it).count()
    };
    (bytes.len(), count("name"), count(".debug_line"))
}

/// Checks that the size profile is smaller than the speed profile, and that
/// only the debug profile has names and lines.
fn check_profiles(toolchain: Toolchain, name: &str) {
    if ready(toolchain).is_none() || !ready_for_size() {
        return;
    }
    let (speed, speed_names, speed_lines) = measure(name, None, Profile::Speed);
    let (size, size_names, size_lines) = measure(name, None, Profile::Size);
    let (debug, debug_names, debug_lines) = measure(name, None, Profile::Debug);
    eprintln!("{name}: speed {speed} B, size {size} B, debug {debug} B");
    assert!(size < speed && speed < debug, "{size}, {speed}, {debug}");
    assert!(debug_names > speed_names && debug_names > size_names);
    assert_eq!((speed_lines, size_lines), (0, 0));
    // Go's linker writes no DWARF for WebAssembly.
    assert_eq!(debug_lines > 0, toolchain != Toolchain::Go);
}

fn ready_for_size() -> bool {
    let is_installed = tools().is_installed(Tool::Binaryen);
    let required = std::env::var("KUMIKI_REQUIRE").unwrap_or_default();
    assert!(
        is_installed || required.is_empty(),
        "binaryen is required\nhint: cargo xtask setup"
    );
    if !is_installed {
        eprintln!("skipped: binaryen is not installed\nhint: cargo xtask setup");
    }
    is_installed
}

#[test]
fn c_profiles_differ_in_size_and_names() {
    check_profiles(Toolchain::C, "text-reverse-c");
}

#[test]
fn rust_profiles_differ_in_size_and_names() {
    check_profiles(Toolchain::Rust, "text-upper");
}

#[test]
fn rust_with_wasi_is_smaller_in_the_size_profile() {
    if ready(Toolchain::Rust).is_none() || !ready_for_size() {
        return;
    }
    let (speed, ..) = measure("text-upper", Some(Wasi::Preview2), Profile::Speed);
    let (size, ..) = measure("text-upper", Some(Wasi::Preview2), Profile::Size);
    eprintln!("text-upper with WASI: speed {speed} B, size {size} B");
    assert!(size < speed && speed < 80_000, "{size}, {speed}");
}

#[test]
fn go_profiles_differ_in_size_and_names() {
    check_profiles(Toolchain::Go, "text-slug-go");
}

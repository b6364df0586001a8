//! Builds for speed, for size and for debugging, where the toolchains are there.

#![expect(clippy::print_stderr, reason = "a test that is passed over says so")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod support;

use std::fs;
use std::path::Path;

use kumiki_build::{Options, Profile, Project, Tool, Toolchain, Wasi, build};
use wasmparser::{Parser, Payload};

use support::*;

/// The bytes of an example's component in a profile, and the function names in
/// it.
fn measure(name: &str, wasi: Option<Wasi>, profile: Profile) -> (usize, usize) {
    let mut project = Project::read(&root().join("guests/examples").join(name)).unwrap();
    project.wasi = wasi.unwrap_or(project.wasi);
    // The same folder every time: cargo need not compile the dependencies anew.
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles");
    let options = Options::new(&work).with_profile(profile);
    let output = work.join(format!("{name}.wasm"));
    build(&project, &output, &tools(), &options).unwrap();
    let bytes = fs::read(&output).unwrap();
    let names = Parser::new(0).parse_all(&bytes).filter(|payload| {
        matches!(payload, Ok(Payload::CustomSection(section)) if section.name() == "name")
    });
    (bytes.len(), names.count())
}

/// Small is smaller than quick, and only a component for debugging has names.
fn check_profiles(toolchain: Toolchain, name: &str) {
    if ready(toolchain).is_none() || !ready_for_size() {
        return;
    }
    let (speed, speed_names) = measure(name, None, Profile::Speed);
    let (size, size_names) = measure(name, None, Profile::Size);
    let (debug, debug_names) = measure(name, None, Profile::Debug);
    eprintln!("{name}: speed {speed} B, size {size} B, debug {debug} B");
    assert!(size < speed && speed < debug, "{size}, {speed}, {debug}");
    assert!(debug_names > speed_names && debug_names > size_names);
}

fn ready_for_size() -> bool {
    let is_installed = tools().is_installed(Tool::Binaryen);
    let required = std::env::var("KUMIKI_REQUIRE").unwrap_or_default();
    assert!(
        is_installed || required.is_empty(),
        "binaryen is required\nhint: cargo xtask setup"
    );
    if !is_installed {
        eprintln!("passed over: binaryen is not installed\nhint: cargo xtask setup");
    }
    is_installed
}

#[test]
fn profiles_of_c() {
    check_profiles(Toolchain::C, "text-reverse-c");
}

#[test]
fn profiles_of_rust() {
    check_profiles(Toolchain::Rust, "text-upper");
}

#[test]
fn profiles_of_rust_with_wasi() {
    if ready(Toolchain::Rust).is_none() || !ready_for_size() {
        return;
    }
    let (speed, _) = measure("text-upper", Some(Wasi::Preview2), Profile::Speed);
    let (size, _) = measure("text-upper", Some(Wasi::Preview2), Profile::Size);
    eprintln!("text-upper with WASI: speed {speed} B, size {size} B");
    assert!(size < speed && speed < 80_000, "{size}, {speed}");
}

#[test]
fn profiles_of_go() {
    check_profiles(Toolchain::Go, "text-slug-go");
}

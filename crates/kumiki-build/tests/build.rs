//! Builds for real, where the toolchain is there: `cargo xtask setup` gets it.
//! A test whose toolchain is missing says so and passes, unless KUMIKI_REQUIRE
//! names it.

#![expect(clippy::print_stderr, reason = "a test that is passed over says so")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod support;

use kumiki_build::{Job, Options, Probe, Project, Toolchain, Tools, Wasi, build, build_all};

use support::*;

#[test]
fn c() {
    if let Some(ready) = ready(Toolchain::C) {
        // clang's older libc makes more of it than Zig's.
        check_example(
            "text-reverse-c",
            if ready.way == "zig" { 8_000 } else { 20_000 },
        );
    }
}

#[test]
fn go() {
    if ready(Toolchain::Go).is_some() {
        check_example("text-slug-go", 2_100_000);
    }
}

#[test]
fn go_that_does_not_compile() {
    let source = "package plugin\n\nvar broken = noSuchThing\n";
    let files = [("go.mod", "module guest\n"), ("plugin.go", source)];
    let words = ["plugin.go:3", "undefined: noSuchThing"];
    check_failure(Toolchain::Go, "go", &files, &words);
}

#[test]
fn go_that_lacks_a_function() {
    let source = "package plugin\n\nfunc GetName() string { return \"guest\" }\n";
    let files = [("go.mod", "module guest\n"), ("plugin.go", source)];
    let words = ["undefined: export_myapp_text_processor_plugin.Process"];
    check_failure(Toolchain::Go, "go", &files, &words);
}

#[test]
fn c_that_does_not_compile() {
    let source = "#include \"text_plugin.h\"\n\nint broken = no_such_thing;\n";
    let words = ["plugin.c:3", "no_such_thing"];
    check_failure(Toolchain::C, "c", &[("plugin.c", source)], &words);
}

#[test]
fn c_that_does_not_link() {
    let source = "#include \"text_plugin.h\"\n";
    let words = [
        "undefined symbol",
        "exports_myapp_text_processor_plugin_process",
    ];
    check_failure(Toolchain::C, "c", &[("plugin.c", source)], &words);
}

#[test]
fn rust_that_does_not_compile() {
    let manifest = "[package]\nname = 'guest'\nedition = '2024'\n[lib]\ncrate-type = ['cdylib']\n";
    let source = "\npub fn f() -> u32 { no_such_thing }\n";
    let words = ["src/lib.rs:2", "cannot find value `no_such_thing`"];
    let files = [("Cargo.toml", manifest), ("src/lib.rs", source)];
    check_failure(Toolchain::Rust, "rust", &files, &words);
}

#[test]
fn rust_that_is_no_plugin() {
    let manifest = "[package]\nname = 'guest'\nedition = '2024'\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", "")];
    check_failure(
        Toolchain::Rust,
        "rust",
        &files,
        &["crate-type = [\"cdylib\"]"],
    );
}

#[test]
fn rust_without_a_package() {
    if ready(Toolchain::Rust).is_none() {
        return;
    }
    let (_folder, project) = project("rust", &[]);
    let work = tempfile::tempdir().unwrap();
    let output = work.path().join("guest.wasm");
    let error = build(&project, &output, &tools(), &Options::new(work.path())).unwrap_err();
    assert!(
        error.to_string().contains("could not find `Cargo.toml`"),
        "{error}"
    );
}

#[test]
fn one_that_fails_holds_up_no_other() {
    if ready(Toolchain::C).is_none() || ready(Toolchain::JavaScript).is_none() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let (_folder, broken) = project("c", &[("plugin.c", "int")]);
    let example = |name: &str| Project::read(&root().join("guests/examples").join(name)).unwrap();
    let projects = [
        example("text-wordcount-js"),
        broken,
        example("text-reverse-c"),
    ];
    let jobs = projects.map(|project| {
        let output = work.path().join(format!("{}.wasm", project.name));
        Job { project, output }
    });
    let results = build_all(&jobs, &tools(), &Options::new(work.path().join("work")));
    let well: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(well, [true, false, true]);
    for (job, result) in jobs.iter().zip(results) {
        assert_eq!(job.output.exists(), result.is_ok(), "{}", job.project.name);
    }
}

#[test]
fn missing_tools_say_how_to_get_them() {
    let folder = tempfile::tempdir().unwrap();
    let tools = Tools::new(folder.path());
    let cases = [
        (
            Toolchain::StarlingMonkey,
            "componentize-js",
            "@bytecodealliance/componentize-js@",
        ),
        (
            Toolchain::Python,
            "componentize-py",
            "-m pip install componentize-py==",
        ),
    ];
    for (toolchain, what, hint) in cases {
        let Probe::Missing(missing) = toolchain.probe(&tools, Wasi::None) else {
            panic!("{toolchain} is ready where nothing is");
        };
        assert!(
            missing.what.contains(what) || missing.what.contains("node"),
            "{missing}"
        );
        assert!(
            missing.hint.contains(hint) || missing.hint.contains("nodejs"),
            "{}",
            missing.hint
        );
    }
}

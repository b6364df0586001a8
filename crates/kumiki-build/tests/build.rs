//! Builds with real toolchains. `cargo xtask setup` installs them. If one is
//! missing, its tests print a message and pass, unless `KUMIKI_REQUIRE` names
//! it.

#![expect(clippy::print_stderr, reason = "a skipped test reports it")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod support;

use std::fs;

use kumiki_build::{
    Error, Job, Options, Probe, Project, Ready, Toolchain, Tools, Wasi, build, build_all,
};

use support::*;

#[test]
fn c_example_is_small_and_rebuilt_only_on_changes() {
    if let Some(ready) = ready(Toolchain::C) {
        // clang's older libc produces a larger component than Zig's.
        check_example(
            "text-reverse-c",
            if ready.variant == "zig" {
                9_000
            } else {
                20_000
            },
        );
    }
}

#[test]
fn go_example_is_small_and_rebuilt_only_on_changes() {
    if ready(Toolchain::Go).is_some() {
        check_example("text-slug-go", 2_100_000);
    }
}

#[test]
fn go_compile_error_is_reported() {
    let source = "package plugin\n\nvar broken = noSuchThing\n";
    let files = [("go.mod", "module guest\n"), ("plugin.go", source)];
    let words = ["plugin.go:3", "undefined: noSuchThing"];
    check_failure(Toolchain::Go, "go", &files, &words);
}

#[test]
fn missing_go_function_is_reported() {
    let source = "package plugin\n\nfunc GetName() string { return \"guest\" }\n";
    let files = [("go.mod", "module guest\n"), ("plugin.go", source)];
    let words = ["undefined: export_myapp_text_processor_plugin.Process"];
    check_failure(Toolchain::Go, "go", &files, &words);
}

#[test]
fn c_compile_error_is_reported() {
    let source = "#include \"text_plugin.h\"\n\nint broken = no_such_thing;\n";
    let words = ["plugin.c:3", "no_such_thing"];
    check_failure(Toolchain::C, "c", &[("plugin.c", source)], &words);
}

#[test]
fn c_link_error_is_reported() {
    let source = "#include \"text_plugin.h\"\n";
    let words = [
        "undefined symbol",
        "exports_myapp_text_processor_plugin_process",
    ];
    check_failure(Toolchain::C, "c", &[("plugin.c", source)], &words);
}

#[test]
fn rust_compile_error_is_reported() {
    let manifest = "[package]\nname = 'guest'\nedition = '2024'\n[lib]\ncrate-type = ['cdylib']\n";
    let source = "\npub fn f() -> u32 { no_such_thing }\n";
    let words = ["src/lib.rs:2", "cannot find value `no_such_thing`"];
    let files = [("Cargo.toml", manifest), ("src/lib.rs", source)];
    check_failure(Toolchain::Rust, "rust", &files, &words);
}

#[test]
fn rust_without_cdylib_is_reported() {
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
fn missing_cargo_manifest_is_reported() {
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
fn failed_build_does_not_affect_others() {
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
    let succeeded: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(succeeded, [true, false, true]);
    for (job, result) in jobs.iter().zip(results) {
        assert_eq!(job.output.exists(), result.is_ok(), "{}", job.project.name);
    }
}

#[test]
fn missing_tools_have_an_install_hint() {
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
            panic!("{toolchain} is ready in an empty folder");
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

/// The WIT is checked before the toolchain, which need not be installed here.
#[test]
fn mistakes_in_wit_are_found_before_the_toolchain_runs() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "name = 'guest'\nlanguage = 'c'\nwit = 'w.wit'\nworld = 'w'\n";
    fs::write(folder.path().join("kumiki.toml"), manifest).unwrap();
    let wit = folder.path().join("w.wit");
    fs::write(
        &wit,
        "package a:b;\nworld w {\n  import us_er: func();\n}\n",
    )
    .unwrap();
    let project = Project::read(folder.path()).unwrap();
    let nowhere = Tools::new(folder.path().join("no-tools"));
    let output = folder.path().join("guest.wasm");
    let options = Options::new(folder.path());
    let error = build(&project, &output, &nowhere, &options).unwrap_err();
    let message = format!("{}:3:10: `us_er` is not a valid name in WIT", wit.display());
    assert_eq!(error.to_string(), message);
    assert_eq!(error.hint().as_deref(), Some("write `us-er`"));
    let job = Job { project, output };
    let errors = build_all(&[job], &nowhere, &options);
    assert_eq!(errors[0].as_ref().unwrap_err().to_string(), message);
}

/// Zig is run by Python, and esbuild by Node.
#[test]
fn failure_names_the_tool() {
    for (toolchain, language, file, source) in [
        (Toolchain::C, "c", "plugin.c", "int wrong"),
        (
            Toolchain::JavaScript,
            "javascript",
            "plugin.js",
            "import 'no-such-package';",
        ),
    ] {
        let Some(Ready { variant, .. }) = ready(toolchain) else {
            continue;
        };
        let (_folder, project) = project(language, &[(file, source)]);
        let work = tempfile::tempdir().unwrap();
        let options = Options::new(work.path());
        let output = work.path().join("guest.wasm");
        let error = build(&project, &output, &tools(), &options).unwrap_err();
        let Error::Failed { program, .. } = error else {
            panic!("{error}");
        };
        let expected = match toolchain {
            Toolchain::JavaScript => "esbuild",
            _ => &variant,
        };
        assert_eq!(program, expected);
    }
}

//! Builds for real, where the toolchain is there: `cargo xtask setup` gets it.
//! A test whose toolchain is missing says so and passes, unless KUMIKI_REQUIRE
//! names it.

#![expect(clippy::print_stderr, reason = "a test that is passed over says so")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kumiki_build::{
    Error, Job, Language, Options, Probe, Profile, Project, Ready, Template, Tool, Toolchain,
    Tools, Wasi, build, build_all,
};
use tempfile::TempDir;
use wasmparser::{Parser, Payload};

const HOST_API: &str = "myapp:text-processor/host-api";
const PLUGIN: &str = "myapp:text-processor/plugin";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where `cargo xtask setup` puts them.
fn tools() -> Tools {
    Tools::new(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools"))
}

fn ready(toolchain: Toolchain) -> Option<Ready> {
    match toolchain.probe(&tools(), Wasi::None) {
        Probe::Ready(ready) => Some(ready),
        Probe::Missing(missing) => {
            let required = std::env::var("KUMIKI_REQUIRE").unwrap_or_default();
            let is_required = required
                .split(',')
                .any(|name| name.trim() == toolchain.name());
            assert!(
                !is_required,
                "{toolchain} is required: {missing}\nhint: {}",
                missing.hint
            );
            eprintln!("passed over: {missing}\nhint: {}", missing.hint);
            None
        }
    }
}

fn manifest(language: &str) -> String {
    let wit = root().join("wit/text-processor");
    format!(
        "name = 'guest'\nlanguage = '{language}'\nwit = '{}'\nworld = 'text-plugin'\n",
        wit.display()
    )
}

/// A project of its own, from the text of its files.
fn project(language: &str, files: &[(&str, &str)]) -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kumiki.toml"), manifest(language)).unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let project = Project::read(folder.path()).unwrap();
    (folder, project)
}

/// What the outermost component imports and exports.
fn interfaces(component: &Path) -> (Vec<String>, Vec<String>) {
    let bytes = fs::read(component).unwrap();
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(
                    section
                        .into_iter()
                        .map(|it| it.unwrap().name.name.to_owned()),
                );
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(
                    section
                        .into_iter()
                        .map(|it| it.unwrap().name.name.to_owned()),
                );
            }
            _ => {}
        }
    }
    (imports, exports)
}

/// Builds an example twice: it imports its contract and nothing else, is small
/// enough, and is left alone the second time.
fn check_example(name: &str, most_bytes: u64) {
    let project = Project::read(&root().join("guests/examples").join(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("work"));
    let output = folder.path().join("out/guest.wasm");

    let built = build(&project, &output, &tools(), &options).unwrap();
    assert!(!built.fresh);
    assert!(built.bytes <= most_bytes, "{} bytes", built.bytes);
    let (imports, exports) = interfaces(&output);
    assert!(imports.contains(&HOST_API.to_owned()), "{imports:?}");
    assert!(
        !imports.iter().any(|import| import.starts_with("wasi:")),
        "{imports:?}"
    );
    assert!(exports.contains(&PLUGIN.to_owned()), "{exports:?}");

    assert!(build(&project, &output, &tools(), &options).unwrap().fresh);
    fs::remove_file(&output).unwrap();
    assert!(!build(&project, &output, &tools(), &options).unwrap().fresh);
}

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

/// The compiler's own words come through: each of `words` is among them.
fn check_failure(toolchain: Toolchain, language: &str, files: &[(&str, &str)], words: &[&str]) {
    if ready(toolchain).is_none() {
        return;
    }
    let (_folder, project) = project(language, files);
    let work = tempfile::tempdir().unwrap();
    let output = work.path().join("guest.wasm");
    let error = build(&project, &output, &tools(), &Options::new(work.path())).unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "no `{word}` in: {error}");
    }
    assert!(!output.exists());
}

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
fn javascript() {
    if ready(Toolchain::JavaScript).is_some() {
        check_example("text-wordcount-js", 1_200_000);
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

#[test]
fn a_module_outside_of_the_project_counts_as_its_source() {
    if ready(Toolchain::JavaScript).is_none() {
        return;
    }
    let (folder, mut project) = project("javascript", &[]);
    let shared = tempfile::tempdir().unwrap();
    // The two folders lie side by side, and the entry is written as an author would.
    let name = shared.path().file_name().unwrap();
    project.entry = Path::new("..").join(name).join("plugin.js");
    let (work, output) = (folder.path().join("target"), shared.path().join("it.wasm"));
    let write_and_build = |name: &str| {
        let source = format!(
            "export const plugin = {{ getName: () => '{name}', getVersion: () => '1', \
             process: (output) => ({{ output, metadata: [] }}) }};"
        );
        fs::write(shared.path().join("plugin.js"), source).unwrap();
        build(&project, &output, &tools(), &Options::new(&work)).unwrap()
    };
    assert!(!write_and_build("one").fresh);
    assert!(write_and_build("one").fresh);
    assert!(!write_and_build("two").fresh);
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
fn javascript_that_does_not_parse() {
    let source = "export const plugin = {\n  getName( { return 1 },\n};\n";
    check_failure(
        Toolchain::JavaScript,
        "javascript",
        &[("plugin.js", source)],
        &[
            "plugin.js:2:20:",
            "getName( { return 1 }",
            "but found \"1\"",
        ],
    );
}

#[test]
fn typescript_that_goes_wrong_when_loaded() {
    let source = "interface Gone {}\n\nexport const plugin = { getName() {}, getVersion() {}, \
                  process() {} };\nundefined.nothing;\n";
    for (toolchain, engine) in [
        (Toolchain::JavaScript, "quickjs"),
        (Toolchain::StarlingMonkey, "starlingmonkey"),
    ] {
        let manifest = format!(
            "{}[build]\nengine = '{engine}'\nentry = 'plugin.ts'\n",
            manifest("javascript")
        );
        let files = [("kumiki.toml", &*manifest), ("plugin.ts", source)];
        check_failure(toolchain, "javascript", &files, &["plugin.ts:4", "nothing"]);
    }
}

#[test]
fn javascript_that_is_no_plugin() {
    let cases = [
        (
            "export const plug = {};\n",
            "No matching export in \"plugin.js\" for import \"plugin\"",
        ),
        (
            "export const plugin = {};\n",
            "no function `plugin.getName`",
        ),
        ("\nimport 'left-pad';\n", "plugin.js:2:7:"),
    ];
    for (source, word) in cases {
        let files = [("plugin.js", source)];
        check_failure(Toolchain::JavaScript, "javascript", &files, &[word]);
    }
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

/// What a module imports counts as much as the module, wherever it lies.
#[test]
fn javascript_with_files_and_packages_of_its_own() {
    if ready(Toolchain::JavaScript).is_none() {
        return;
    }
    let plugin = "import { name } from 'a-package';\nimport { version } from '../shared/version.js';\n\
                  export const plugin = { getName: () => name, getVersion: () => version, \
                  process: (output) => ({ output, metadata: [] }) };\n";
    let (folder, _) = project("javascript", &[]);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("mine/kumiki.toml", &manifest("javascript"));
    write("mine/plugin.js", plugin);
    write("shared/version.js", "export const version = '1';\n");
    write(
        "mine/node_modules/a-package/package.json",
        "{ \"main\": \"./main.js\" }",
    );
    write(
        "mine/node_modules/a-package/main.js",
        "exports.name = 'one';\n",
    );
    let project = Project::read(&folder.path().join("mine")).unwrap();
    let output = folder.path().join("guest.wasm");
    let is_fresh = || {
        let options = Options::new(folder.path().join("work"));
        let built = build(&project, &output, &tools(), &options).unwrap();
        built.fresh
    };
    assert!(!is_fresh());
    assert!(is_fresh());
    write("shared/version.js", "export const version = '2';\n");
    assert!(
        !is_fresh(),
        "a file outside of the project's folder changed"
    );
    write(
        "mine/node_modules/a-package/main.js",
        "exports.name = 'two';\n",
    );
    assert!(!is_fresh(), "a package changed");
    write("mine/notes.md", "notes");
    assert!(is_fresh(), "nothing that it imports changed");
}

#[test]
fn javascript_that_imports_what_is_not_there() {
    if ready(Toolchain::JavaScript).is_none() {
        return;
    }
    let source = "\nimport { log } from \"myapp:text-processor/host-apis\";\n";
    let (folder, project) = project("javascript", &[("plugin.js", source)]);
    let output = folder.path().join("guest.wasm");
    let error = build(&project, &output, &tools(), &Options::new(folder.path())).unwrap_err();
    let place = folder.path().join("plugin.js");
    assert_eq!(
        error.to_string(),
        format!(
            "{}:2: the world imports no `myapp:text-processor/host-apis`",
            place.display()
        )
    );
    let hint = error.hint().unwrap();
    assert_eq!(hint, "write `myapp:text-processor/host-api`");
}

/// TypeScript's compiler comes along with componentize-js.
fn type_check(folder: &Path) -> Option<String> {
    ready(Toolchain::StarlingMonkey)?;
    let modules = tools().folder(Tool::ComponentizeJs).join("node_modules");
    let mut node = Command::new("node");
    node.arg(modules.join("typescript/bin/tsc"));
    let output = node.args(["--project", "."]).current_dir(folder).output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    Some(said)
}

#[test]
fn declarations_satisfy_typescript() {
    let folder = tempfile::tempdir().unwrap();
    let template = Template::new("tidy", Language::JavaScript).unwrap();
    template.write(folder.path()).unwrap();
    let Some(said) = type_check(folder.path()) else {
        return;
    };
    assert_eq!(said, "", "the template");

    let guest = root().join("guests/conformance/errors-ts");
    fs::remove_file(folder.path().join("plugin.js")).unwrap();
    for name in ["plugin.ts", "mistakes.ts"] {
        fs::copy(guest.join(name), folder.path().join(name)).unwrap();
    }
    assert_eq!(type_check(folder.path()).unwrap(), "", "errors-ts");

    let plugin = fs::read_to_string(guest.join("plugin.ts")).unwrap();
    let wrong = plugin.replace("\"invalid-input\"", "\"invalid-inputs\"");
    fs::write(folder.path().join("plugin.ts"), wrong).unwrap();
    let said = type_check(folder.path()).unwrap();
    assert!(
        said.contains("plugin.ts(13,") && said.contains("invalid-inputs"),
        "{said}"
    );
}

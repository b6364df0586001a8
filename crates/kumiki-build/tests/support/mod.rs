//! Helpers for the build tests: projects, tools, and checks of components.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

use kumiki_build::{Error, Options, Probe, Project, Ready, Stamps, Toolchain, Tools, Wasi, build};
use tempfile::TempDir;
use wasmparser::{Parser, Payload};

pub(crate) const HOST_API: &str = "myapp:text-processor/host-api";
pub(crate) const PLUGIN: &str = "myapp:text-processor/plugin";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The tools that `cargo xtask setup` installs.
pub(crate) fn tools() -> Tools {
    Tools::new(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools"))
}

pub(crate) fn ready(toolchain: Toolchain) -> Option<Ready> {
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
            eprintln!("skipped: {missing}\nhint: {}", missing.hint);
            None
        }
    }
}

pub(crate) fn manifest(language: &str) -> String {
    let wit = root().join("wit/text-processor");
    format!(
        "name = 'guest'\nlanguage = '{language}'\nwit = '{}'\nworld = 'text-plugin'\n",
        wit.display()
    )
}

/// Creates a project in a temporary folder from file names and contents.
pub(crate) fn project(language: &str, files: &[(&str, &str)]) -> (TempDir, Project) {
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

/// The imports and exports of the outermost component.
pub(crate) fn interfaces(component: &Path) -> (Vec<String>, Vec<String>) {
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

/// Options with intermediate files and stamps in this folder.
pub(crate) fn options(work: &Path) -> Options {
    let stamps = Stamps::open(work.join("stamps")).unwrap();
    Options::new(work).with_stamps(stamps)
}

/// Builds an example repeatedly. Checks that it imports no WASI, is small
/// enough, and is rebuilt only if its output is missing.
pub(crate) fn check_example(name: &str, most_bytes: u64) {
    let project = Project::read(&root().join("guests/examples").join(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder.path().join("work"));
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

/// Checks that a build fails and that the compiler's message, with each of
/// `words`, is in the error.
pub(crate) fn check_failure(
    toolchain: Toolchain,
    language: &str,
    files: &[(&str, &str)],
    words: &[&str],
) {
    if ready(toolchain).is_none() {
        return;
    }
    let (_folder, project) = project(language, files);
    let work = tempfile::tempdir().unwrap();
    let output = work.path().join("guest.wasm");
    let error = build(&project, &output, &tools(), &Options::new(work.path())).unwrap_err();
    assert!(
        matches!(error, Error::Failed { .. } | Error::Module { .. }),
        "{error}"
    );
    for word in words {
        assert!(error.to_string().contains(word), "no `{word}` in: {error}");
    }
    assert!(!output.exists());
}

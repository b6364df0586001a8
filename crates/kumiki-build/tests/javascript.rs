//! Builds JavaScript and TypeScript with the real toolchain, if it is
//! installed.

#![expect(clippy::print_stderr, reason = "a skipped test reports it")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use kumiki_build::{Language, Options, Project, Template, Tool, Toolchain, build};

use support::*;

#[test]
fn javascript_example_is_small_and_rebuilt_only_on_changes() {
    if ready(Toolchain::JavaScript).is_some() {
        check_example("text-wordcount-js", 1_200_000);
    }
}

#[test]
fn entry_outside_of_the_project_is_a_source() {
    if ready(Toolchain::JavaScript).is_none() {
        return;
    }
    let (folder, mut project) = project("javascript", &[]);
    let shared = tempfile::tempdir().unwrap();
    // The two folders are siblings, and the entry is a relative path, as an
    // author would write it.
    let name = shared.path().file_name().unwrap();
    project.entry = Path::new("..").join(name).join("plugin.js");
    let (work, output) = (folder.path().join("target"), shared.path().join("it.wasm"));
    let write_and_build = |name: &str| {
        let source = format!(
            "export const plugin = {{ getName: () => '{name}', getVersion: () => '1', \
             process: (output) => ({{ output, metadata: [] }}) }};"
        );
        fs::write(shared.path().join("plugin.js"), source).unwrap();
        build(&project, &output, &tools(), &options(&work)).unwrap()
    };
    assert!(!write_and_build("one").fresh);
    assert!(write_and_build("one").fresh);
    assert!(!write_and_build("two").fresh);
}

#[test]
fn javascript_syntax_error_is_reported() {
    let source = "export const plugin = {\n  getName( { return 1 },\n};\n";
    check_failure(
        Toolchain::JavaScript,
        "javascript",
        &[("plugin.js", source)],
        &["plugin.js:2:23: SyntaxError: "],
    );
}

#[test]
fn typescript_error_at_load_names_the_source_line() {
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
fn missing_exports_and_packages_are_reported() {
    let cases = [
        ("export const plug = {};\n", "no function `plugin.getName`"),
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

/// The imports of a module are sources, wherever they are.
#[test]
fn changes_of_imported_files_and_packages_trigger_a_build() {
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
        let options = options(&folder.path().join("work"));
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
    assert!(is_fresh(), "no import changed");
}

#[test]
fn unknown_import_fails_with_a_suggestion() {
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
            "{}:2: the world does not import `myapp:text-processor/host-apis`",
            place.display()
        )
    );
    let hint = error.hint().unwrap();
    assert_eq!(hint, "write `myapp:text-processor/host-api`");
}

/// Runs TypeScript's compiler, which is installed with componentize-js.
fn type_check(folder: &Path) -> Option<String> {
    ready(Toolchain::StarlingMonkey)?;
    let modules = tools().folder(Tool::ComponentizeJs).join("node_modules");
    let mut node = Command::new("node");
    node.arg(modules.join("typescript/bin/tsc"));
    let output = node.args(["--project", "."]).current_dir(folder).output();
    Some(String::from_utf8(output.unwrap().stdout).unwrap())
}

#[test]
fn declarations_pass_the_typescript_compiler() {
    let folder = tempfile::tempdir().unwrap();
    let template = Template::new("tidy", Language::JavaScript).unwrap();
    template.write(folder.path()).unwrap();
    let Some(output) = type_check(folder.path()) else {
        return;
    };
    assert_eq!(output, "", "the template");

    let guest = root().join("guests/conformance/errors-ts");
    fs::remove_file(folder.path().join("plugin.js")).unwrap();
    for name in ["plugin.ts", "mistakes.ts"] {
        fs::copy(guest.join(name), folder.path().join(name)).unwrap();
    }
    assert_eq!(type_check(folder.path()).unwrap(), "", "errors-ts");

    let plugin = fs::read_to_string(guest.join("plugin.ts")).unwrap();
    let wrong = plugin.replace("\"invalid-input\"", "\"invalid-inputs\"");
    fs::write(folder.path().join("plugin.ts"), wrong).unwrap();
    let output = type_check(folder.path()).unwrap();
    assert!(
        output.contains("plugin.ts(13,") && output.contains("invalid-inputs"),
        "{output}"
    );
}

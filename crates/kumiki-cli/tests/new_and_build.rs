//! Errors of `kumiki new`, `kumiki build` and `kumiki dev`, the real program, as snapshots. No
//! toolchain is needed; `templates` has the actual builds.

mod scene;

#[cfg(target_os = "linux")]
use std::io::{Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::process::Stdio;

use scene::{Scene, snapshot};

#[test]
fn new_creates_a_project() {
    let scene = Scene::new();
    let output = scene.transcript(&["new", "text-tidy", "--lang", "js"]);
    let mut files = Vec::new();
    let mut folders = vec![scene.path("text-tidy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a folder entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path
                    .strip_prefix(scene.path(""))
                    .expect("a path in the scene");
                files.push(path.display().to_string());
            }
        }
    }
    files.sort();
    snapshot!(format!("{output}--- files\n{}", files.join("\n")));
    let readme = std::fs::read_to_string(scene.path("text-tidy/README.md"));
    snapshot!(readme.expect("the file exists"));
}

#[test]
fn new_streams_only_with_the_built_in_contract() {
    let scene = Scene::new();
    snapshot!(scene.transcript(&["new", "text-tidy", "--lang", "go", "--stream"]));
    snapshot!(scene.transcript(&["new", "mine", "--lang", "go", "--stream", "--wit", "a.wit"]));
}

#[test]
fn new_rejects_invalid_names() {
    for name in ["TextTidy", "text_tidy", "2text", "../text", ""] {
        snapshot!(Scene::new().transcript(&["new", name, "--lang", "c"]));
    }
}

#[test]
fn new_overwrites_nothing() {
    let scene = Scene::new().file("mine/notes.txt", "mine");
    snapshot!(scene.transcript(&["new", "mine", "--lang", "rust"]));
    let entries = std::fs::read_dir(scene.path("mine")).expect("a folder");
    assert_eq!(entries.count(), 1, "nothing was added");
}

#[test]
fn new_asks_only_on_a_terminal() {
    let scene = Scene::new();
    snapshot!(scene.transcript(&["new"]));
    snapshot!(scene.transcript(&["new", "text-tidy"]));
    snapshot!(scene.transcript(&["new", "text-tidy", "--lang", "cobol"]));
    snapshot!(scene.transcript(&["new", "text-tidy", "--lang", "typescript"]));
    assert!(!scene.path("text-tidy").exists());
}

#[test]
fn build_without_a_project_is_a_usage_error() {
    let scene = Scene::new().file("empty/notes.txt", "");
    snapshot!(scene.transcript(&["build"]));
    snapshot!(scene.transcript(&["build", "empty"]));
    snapshot!(scene.transcript(&["build", "nowhere"]));
}

#[test]
fn build_reports_errors_in_kumiki_toml() {
    let head = "name = 'a'\nlanguage = 'c'\nwit = 'wit'\n";
    for manifest in [
        "name = 'a'\nlanguage = 'cobol'\n",
        "name = 'A'\nlanguage = 'c'\nwit = 'wit'\nworld = 'w'\n",
        head,
        &format!("{head}world = 'w'\n[build]\nengine = 'quickjs'\n"),
        "name = 'a\n",
    ] {
        let scene = Scene::new()
            .file("a/kumiki.toml", manifest)
            .file("a/wit/world.wit", "");
        snapshot!(format!(
            "{manifest}---\n{}",
            scene.transcript(&["build", "a"])
        ));
    }
}

#[test]
fn build_rejects_an_unknown_rust_toolchain() {
    let scene = Scene::new();
    scene.run(&["new", "a", "--lang", "rust"]);
    let mut command = scene.command(&["build", "a"]);
    command.env("KUMIKI_RUST", "cargo");
    snapshot!(format!("kumiki build a\n{}", scene.finish(command, b"")));
}

/// Python's tool is missing in the scene on every machine.
#[test]
fn build_reports_a_missing_tool() {
    let scene = Scene::new();
    scene.run(&["new", "a", "--lang", "python"]);
    snapshot!(scene.transcript(&["build", "a"]));
}

/// Enter that was pressed before the question is no answer: nothing is installed.
#[cfg(target_os = "linux")]
#[test]
fn what_was_typed_before_a_question_is_no_answer() {
    let scene = Scene::new();
    scene.run(&["new", "a", "--lang", "python"]);
    // `script` provides the terminal. The shell reads its line only, so Enter is there
    // before the program starts.
    let program = env!("CARGO_BIN_EXE_kumiki");
    let line = format!("read line; exec '{program}' build a");
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    for (name, value) in scene.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(scene.path(""));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("`script` of util-linux");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"line\n\n").expect("input is read");
    let mut output = Vec::new();
    let mut stream = child.stdout.take().expect("a pipe");
    let mut byte = [0];
    while !String::from_utf8_lossy(&output).contains("[n]o:") {
        let read = stream.read(&mut byte).expect("output is read");
        assert_eq!(read, 1, "{}", String::from_utf8_lossy(&output));
        output.push(byte[0]);
    }
    input.write_all(b"n\n").expect("input is read");
    drop(input);
    stream.read_to_end(&mut output).expect("output is read");
    child.wait().expect("it ends");
    let output = String::from_utf8_lossy(&output);
    assert!(!output.contains("installing"), "{output}");
    assert!(output.contains("install it with"), "{output}");
}

#[test]
fn build_creates_no_folders() {
    let scene = Scene::new();
    scene.run(&["new", "a", "--lang", "c"]);
    snapshot!(scene.transcript(&["build", "a", "-o", "nowhere/a.wasm"]));
    assert!(!scene.path("nowhere").exists());
}

#[test]
fn dev_reports_usage_errors_before_it_watches() {
    let scene = Scene::new().file("empty/notes.txt", "");
    scene.run(&["new", "a", "--lang", "python"]);
    for arguments in [
        &["dev"][..],
        &["dev", "nowhere"],
        &["dev", "empty"],
        &["dev", "a", "nowhere.txt"],
        &["dev", "a", "empty"],
        &["dev", "a", "empty/notes.txt", "--text", "x"],
        &["dev", "a", "--limits", "nowhere.toml"],
        &["dev", "a", "--allow-dir", "a::/a:rw"],
        &["dev", "a", "--allow-dir", ".::/all:rw"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[test]
fn dev_help() {
    snapshot!(Scene::new().transcript(&["dev", "--help"]));
}

/// A mistake in the WIT is reported with its place, before any toolchain is used.
#[test]
fn mistakes_in_wit_have_places() {
    for wit in [
        "package a:b;\n\nworld w {\n  import us_er: func() -> string;\n}\n",
        "package a:b;\nworld w {\n  import user: func() -> string\n  export greet: func();\n}\n",
        "package a:b;\nworld w {\n  export func: func();\n}\n",
        "package a:b;\nworld w {\n  export greet: func(a: missing);\n}\n",
    ] {
        let scene = Scene::new().file("bad.wit", wit);
        snapshot!(format!(
            "{wit}---\n{}",
            scene.transcript(&["new", "mine", "--lang", "c", "--wit", "bad.wit"])
        ));
    }
}

#[test]
fn worlds_are_listed() {
    let scene = Scene::new().file("two.wit", "package a:b;\nworld w1 {}\nworld w2 {}\n");
    let new = ["new", "mine", "--lang", "c", "--wit", "two.wit"];
    snapshot!(scene.transcript(&new));
    snapshot!(scene.transcript(&[&new[..], &["--world", "w3"]].concat()));
    let scene = Scene::new().file("none.wit", "package a:b;\ninterface i {}\n");
    snapshot!(scene.transcript(&["new", "mine", "--lang", "c", "--wit", "none.wit"]));
}

#[test]
fn version_names_the_program() {
    assert!(Scene::new().run(&["--version"]).contains("kumiki 0."));
}

#[test]
fn skeleton_names_the_next_commands() {
    let scene = Scene::new().file("w.wit", "package a:b;\nworld w { export greet: func(); }\n");
    snapshot!(scene.transcript(&["new", "mine", "--lang", "c", "--wit", "w.wit"]));
    let readme = std::fs::read_to_string(scene.path("mine/README.md"));
    snapshot!(readme.expect("the file exists"));
}

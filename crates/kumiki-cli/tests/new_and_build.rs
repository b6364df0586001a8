//! `kumiki new` and `kumiki build`, the real program, where they refuse: what
//! a person sees, as snapshots. No toolchain is needed; `templates.rs` builds
//! for real.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder with files, and the program to run in it.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn file(self, name: &str, contents: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(path, contents).expect("it can be written");
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs away from a terminal and without any tools; gives all that came of
    /// it.
    fn run(&self, arguments: &[&str]) -> String {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let mut kumiki = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        for name in [
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "KUMIKI_RUST",
            "KUMIKI_WORK",
            "WASI_SDK_PATH",
        ] {
            kumiki.env_remove(name);
        }
        kumiki
            .current_dir(self.folder.path())
            .env("KUMIKI_TOOLS", self.path("tools"))
            .envs(environment.iter().copied())
            .args(arguments)
            .stdin(Stdio::null());
        let output = kumiki.output().expect("the program starts");
        let text = format!(
            "kumiki {}\nexit code: {}\n--- standard output\n{}--- standard error\n{}",
            arguments.join(" "),
            output
                .status
                .code()
                .map_or("none".into(), |code| code.to_string()),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        text.replace(&self.folder.path().display().to_string(), "[FOLDER]")
    }
}

macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($text) })
    };
}

#[test]
fn new_writes_a_project() {
    let scene = Scene::new();
    let said = scene.run(&["new", "text-tidy", "--lang", "js"]);
    let mut files = Vec::new();
    let mut folders = vec![scene.path("text-tidy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is a folder") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(scene.folder.path()).expect("it is in it");
                files.push(path.display().to_string());
            }
        }
    }
    files.sort();
    snapshot!(format!("{said}--- files\n{}", files.join("\n")));
    let readme = std::fs::read_to_string(scene.path("text-tidy/README.md"));
    snapshot!(readme.expect("it is there"));
}

#[test]
fn new_refuses_bad_names() {
    for name in ["TextTidy", "text_tidy", "2text", "../text", ""] {
        snapshot!(Scene::new().run(&["new", name, "--lang", "c"]));
    }
}

#[test]
fn new_overwrites_nothing() {
    let scene = Scene::new().file("mine/notes.txt", "mine");
    snapshot!(scene.run(&["new", "mine", "--lang", "rust"]));
    let entries = std::fs::read_dir(scene.path("mine")).expect("it is a folder");
    assert_eq!(entries.count(), 1, "nothing was added");
}

#[test]
fn new_asks_nobody_away_from_a_terminal() {
    let scene = Scene::new();
    snapshot!(scene.run(&["new"]));
    snapshot!(scene.run(&["new", "text-tidy"]));
    snapshot!(scene.run(&["new", "text-tidy", "--lang", "cobol"]));
    assert!(!scene.path("text-tidy").exists());
}

#[test]
fn build_without_a_project() {
    let scene = Scene::new().file("empty/notes.txt", "");
    snapshot!(scene.run(&["build"]));
    snapshot!(scene.run(&["build", "empty"]));
    snapshot!(scene.run(&["build", "nowhere"]));
}

#[test]
fn build_with_a_faulty_kumiki_toml() {
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
        snapshot!(format!("{manifest}---\n{}", scene.run(&["build", "a"])));
    }
}

#[test]
fn build_with_a_way_to_rust_that_is_none() {
    let scene = Scene::new();
    scene.run(&["new", "a", "--lang", "rust"]);
    snapshot!(scene.run_with(&["build", "a"], &[("KUMIKI_RUST", "cargo")]));
}

/// Whether Python's tool itself is missing is the same on every machine.
#[test]
fn build_without_the_tool() {
    let scene = Scene::new();
    scene.run(&["new", "a", "--lang", "python"]);
    snapshot!(scene.run(&["build", "a"]));
}

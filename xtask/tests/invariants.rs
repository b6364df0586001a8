//! Checks the architecture that docs/ describes, by the dependencies that cargo
//! resolves and by the sources.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const LIBRARIES: [&str; 4] = ["kumiki", "kumiki-text", "kumiki-pipeline", "kumiki-build"];

/// The workspace crates that each crate may depend on, without dev-dependencies.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("workspace-features", &[]),
    ("kumiki-macros", &[]),
    ("kumiki", &["kumiki-macros"]),
    ("kumiki-text", &["kumiki"]),
    ("kumiki-pipeline", &["kumiki", "kumiki-text"]),
    ("kumiki-build", &[]),
    (
        "kumiki-cli",
        &[
            "kumiki",
            "kumiki-text",
            "kumiki-pipeline",
            "kumiki-build",
            "workspace-features",
        ],
    ),
];

/// Crates that only the program may depend on.
const TERMINAL: [&str; 7] = [
    "clap",
    "clap_builder",
    "anstream",
    "anstyle",
    "indicatif",
    "console",
    "crossterm",
];

/// Files with unsafe code: mapping artifacts, and a call to the C library's allocator.
const UNSAFE: [&str; 2] = [
    "crates/kumiki/src/load/machine_code.rs",
    "crates/kumiki-cli/src/allocator.rs",
];

/// Hash of the frozen contract: plugins built for it must always load. If this fails,
/// restore the file; add new features as a new interface in a new file.
const CONTRACT: &str = "785cfbb1c5f0e157d83defdb32d0499319e69d37da235dd5dffb883a6507f13a";

/// Returns this machine's platform: cargo has not fetched dependencies of others.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap()
        .to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Package names by package id, and the dependencies of each, without
/// dev-dependencies.
struct Graph {
    names: BTreeMap<String, String>,
    uses: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version=1",
                "--offline",
                "--filter-platform",
                &host(),
            ])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();

        let packages = metadata["packages"].as_array().unwrap();
        let names = packages
            .iter()
            .map(|it| (text(&it["id"]), text(&it["name"])))
            .collect();
        let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
        let ships = |it: &&Value| {
            it["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kind["kind"] != "dev")
        };
        let used = |node: &Value| {
            node["deps"]
                .as_array()
                .unwrap()
                .iter()
                .filter(ships)
                .map(|it| text(&it["pkg"]))
                .collect()
        };
        let uses = nodes
            .iter()
            .map(|node| (text(&node["id"]), used(node)))
            .collect();
        Graph { names, uses }
    }

    fn id(&self, name: &str) -> &str {
        let ours = |(id, its): &(&String, &String)| *its == name && id.starts_with("path+");
        self.names.iter().find(ours).unwrap().0
    }

    fn direct(&self, name: &str) -> BTreeSet<&str> {
        self.uses[self.id(name)]
            .iter()
            .map(|id| self.names[id].as_str())
            .collect()
    }

    /// Returns all transitive dependencies of `name`.
    fn tree(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut next = vec![self.id(name)];
        while let Some(id) = next.pop() {
            if seen.insert(id) {
                next.extend(self.uses[id].iter().map(String::as_str));
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

#[test]
fn crates_depend_in_one_direction() {
    let graph = Graph::read();
    for (name, allowed) in MAY_USE {
        for used in graph.direct(name) {
            let ours = graph
                .names
                .iter()
                .any(|(id, its)| its == used && id.starts_with("path+"));
            assert!(
                !ours || allowed.contains(&used),
                "{name} may not use {used}"
            );
        }
    }
}

#[test]
fn libraries_do_not_depend_on_terminal_crates() {
    let graph = Graph::read();
    for library in LIBRARIES {
        for used in graph.tree(library) {
            assert!(!TERMINAL.contains(&used), "{library} is built with {used}");
        }
    }
}

#[test]
fn kumiki_build_does_not_depend_on_wasmtime() {
    let graph = Graph::read();
    assert!(
        graph.tree("kumiki").contains("wasmtime"),
        "the test sees nothing"
    );
    for used in graph.tree("kumiki-build") {
        // The adapter is only data, published by wasmtime's authors.
        assert!(
            !used.starts_with("wasmtime"),
            "kumiki-build is built with {used}"
        );
    }
}

#[test]
fn peers_stay_in_their_own_workspace() {
    let lock = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (ours, theirs) = (lock("Cargo.lock"), lock("benches/peers/Cargo.lock"));
    for peer in ["extism", "libloading", "mlua", "rquickjs"] {
        let entry = format!("name = \"{peer}\"\n");
        assert!(theirs.contains(&entry), "the test sees no {peer}");
        assert!(!ours.contains(&entry), "{peer} is in the host's lock file");
    }
}

#[test]
fn libraries_print_nothing() {
    for library in LIBRARIES {
        for_each_line(library, |place, line| {
            for word in ["println!", "print!(", "eprint!(", "dbg!("] {
                assert!(!line.contains(word), "{place}: `{word}` in a library");
            }
        });
    }
}

#[test]
fn host_crate_does_not_name_the_contract() {
    for_each_line("kumiki", |place, line| {
        for word in ["text-processor", "text_processor"] {
            assert!(!line.contains(word), "{place}: `{word}` in the host");
        }
    });
}

#[test]
fn contract_file_is_unchanged() {
    let wit = fs::read(root().join("wit/text-processor/world.wit")).unwrap();
    assert_eq!(
        blake3::hash(&wit).to_string(),
        CONTRACT,
        "wit/text-processor/world.wit changed"
    );
}

#[test]
fn unsafe_code_is_in_two_files() {
    for (name, _) in MAY_USE {
        for_each_line(name, |place, line| {
            let (file, _) = place.rsplit_once(':').unwrap();
            let known = UNSAFE.iter().any(|known| file.ends_with(known));
            assert!(known || !line.contains("unsafe"), "{place}: `unsafe`");
        });
    }
}

/// Calls `check` for every line of a crate's sources that is not a comment, up to the
/// tests of each file.
fn for_each_line(name: &str, check: impl Fn(&str, &str)) {
    let mut folders = vec![root().join("crates").join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let shipped = text.lines().take_while(|line| *line != "#[cfg(test)]");
                for (number, line) in (1..).zip(shipped) {
                    if !line.trim_start().starts_with("//") {
                        check(&format!("{}:{number}", path.display()), line);
                    }
                }
            }
        }
    }
}

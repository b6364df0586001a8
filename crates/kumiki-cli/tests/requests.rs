//! Requests of plugins: the real program shows them, and does not start a plugin whose
//! requests are not granted.

mod scene;

use scene::{Scene, snapshot};
use test_components::{TextPlugin, with_section};

const REQUESTS: &str = r#"
[dirs]
"/words:ro" = "the list of words that it corrects by"
"/cache:rw" = "what it looked up before"
[env]
LANG = "the language of its messages"
[net]
"api.example.com:443" = "looks up what it does not know"
"#;

fn plugin(requests: &str) -> Vec<u8> {
    let plugin = TextPlugin::new("speller").build();
    with_section(&plugin, "kumiki-requests", requests.as_bytes())
}

/// A scene with a plugin that has many requests and one that has none.
fn scene() -> Scene {
    Scene::with_plugins()
        .file("speller.wasm", plugin(REQUESTS))
        .file("words/list", "")
        .file("cache/list", "")
}

#[test]
fn inspect_shows_requests_and_grants() {
    let wasi = test_components::parse(
        r#"(component
            (import "wasi:filesystem/types@0.2.0" (instance))
            (import "wasi:clocks/wall-clock@0.2.0" (instance))
            (import "wasi:cli/environment@0.2.0" (instance)))"#,
    );
    let wasi = with_section(&wasi, "kumiki-requests", REQUESTS.as_bytes());
    let scene = scene()
        .file("wasi.wasm", wasi)
        .file("faulty.wasm", plugin("[files]"));
    for arguments in [
        &["inspect", "wasi.wasm"][..],
        &["inspect", "wasi.wasm", "--allow-requested"],
        &["inspect", "wasi.wasm", "--allow-requested", "--json"],
        &[
            "inspect",
            "wasi.wasm",
            "--allow-dir=mine::/words:rw",
            "--allow-arg=-x",
            "--clocks=frozen",
        ],
        &["inspect", "faulty.wasm"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[test]
fn plugin_without_requested_grants_does_not_start() {
    let other = plugin("[env]\nLANG = 'its language'");
    let scene = scene()
        .file("other.wasm", other)
        .file("faulty.wasm", plugin("[files]"));
    for arguments in [
        &["run", "-p", "speller.wasm", "-t", "hi"][..],
        &[
            "run",
            "-p",
            "speller.wasm",
            "-p",
            "other.wasm",
            "-p",
            "plugins",
            "-t",
            "hi",
        ],
        &[
            "run",
            "-p",
            "speller.wasm",
            "-t",
            "hi",
            "--allow-env=LANG",
            "--allow-dir=words::/words",
        ],
        &["run", "-p", "faulty.wasm", "-t", "hi"],
        &["check", "speller.wasm"],
        &["doctor", "speller.wasm"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[test]
fn allow_requested_grants_requests() {
    let scene = scene();
    for arguments in [
        &["run", "-p", "speller.wasm", "-t", "hi", "--allow-requested"][..],
        &[
            "run",
            "-p",
            "speller.wasm",
            "-t",
            "hi",
            "--allow-env=LANG",
            "--allow-dir=words::/words",
            "--allow-dir=words::/cache:rw",
            "--allow-net=api.example.com:*",
        ],
    ] {
        snapshot!(scene.transcript(arguments));
    }
    // The error contains a grants file that allows the requests.
    let refusal = scene.run(&["run", "-p", "speller.wasm", "-t", "hi"]);
    let file = refusal
        .lines()
        .skip_while(|line| !line.contains("a grants file"));
    let file: Vec<_> = file
        .skip(1)
        .take_while(|line| line.starts_with("    "))
        .collect();
    let scene = scene.file("grants.toml", file.join("\n"));
    let run = scene.run(&[
        "run",
        "-p",
        "speller.wasm",
        "-t",
        "hi",
        "--grants=grants.toml",
    ]);
    assert!(run.starts_with("exit code: 0\n"), "{run}");
}

/// A grants file can name one of several plugins by path or hash. The grants of a hash
/// apply only to exactly these bytes.
#[test]
fn grants_by_path_and_by_hash() {
    let requesting = |name: &str| {
        let plugin = TextPlugin::new(name).build();
        with_section(&plugin, "kumiki-requests", b"[env]\nLANG = 'its language'")
    };
    let scene = Scene::new()
        .file("a/p.wasm", requesting("one"))
        .file("b/p.wasm", requesting("two"));
    let hash = |name: &str| format!("blake3:{}", blake3::hash(&requesting(name)));
    let run = |scene: &Scene, plugin: &str| {
        let arguments = [
            "run",
            "-p",
            plugin,
            "-t",
            "hi",
            "--grants=rules/grants.toml",
        ];
        scene.run(&arguments)
    };
    for (name, plugin, code) in [
        ("../a/p.wasm".to_owned(), "a/p.wasm", 0),
        ("../a/../b/p.wasm".to_owned(), "./b/p.wasm", 0),
        ("../a/p.wasm".to_owned(), "b/p.wasm", 2),
        (hash("one"), "a/p.wasm", 0),
        (
            hash("one").to_uppercase().replace("BLAKE3", "blake3"),
            "a/p.wasm",
            0,
        ),
        (hash("one"), "b/p.wasm", 2),
        ("p".to_owned(), "b/p.wasm", 0),
    ] {
        let grants = format!("[plugin.'{name}']\nenv = ['LANG=en']\n");
        let scene = Scene::new()
            .file("a/p.wasm", requesting("one"))
            .file("b/p.wasm", requesting("two"))
            .file("rules/grants.toml", grants);
        let output = run(&scene, plugin);
        assert!(
            output.starts_with(&format!("exit code: {code}\n")),
            "{name}: {output}"
        );
        let is_unknown = output.contains("match no plugin in this run");
        assert_eq!(is_unknown, code == 2, "{name}: {output}");
    }
    let scene = scene.file("rules/grants.toml", "[plugin.'blake3:12']\n");
    let output = run(&scene, "a/p.wasm");
    assert!(
        output.contains("grants.toml`, line 1: plugin `blake3:12`: a BLAKE3 hash"),
        "{output}"
    );
}

/// A missing folder is not created, and the run does not start without it.
#[test]
fn missing_requested_folder_is_reported() {
    let scene = Scene::new().file("speller.wasm", plugin(REQUESTS));
    snapshot!(scene.transcript(&["run", "-p", "speller.wasm", "-t", "hi", "--allow-requested"]));
}

/// A saved answer applies to exactly this file, under any name.
#[test]
fn remembered_grants_apply_to_the_same_file() {
    let speller = plugin(REQUESTS);
    let scene = scene();
    let folder = |name: &str| scene.path(name).display().to_string();
    let allowed = format!(
        "[plugin.{}]\ndirs = ['{}::/words:ro', '{}::/cache:rw']\nenv = ['LANG']\n\
         net = ['api.example.com:443']\n",
        blake3::hash(&speller),
        folder("words"),
        folder("cache"),
    );
    let update = plugin(&REQUESTS.replace("LANG", "HOME"));
    let scene = scene
        .file("config/kumiki/allowed.toml", allowed)
        .file("renamed.wasm", &speller)
        .file("update/speller.wasm", update);
    for (file, code) in [
        ("speller.wasm", 0),
        ("renamed.wasm", 0),
        ("update/speller.wasm", 2),
    ] {
        let run = scene.run(&["run", "-p", file, "-t", "hi"]);
        assert!(run.starts_with(&format!("exit code: {code}\n")), "{run}");
    }
    let scene = scene.file("config/kumiki/allowed.toml", "[plugin");
    snapshot!(scene.transcript(&["run", "-p", "speller.wasm", "-t", "hi"]));
}

#[test]
fn build_rejects_invalid_requests() {
    let toml = "name = 'a'\nlanguage = 'c'\nwit = 'wit'\nworld = 'w'\n";
    let scene = Scene::new().file("wit/a.wit", "").file(
        "kumiki.toml",
        format!("{toml}[requests.net]\n'a.example' = 'asks'\n"),
    );
    snapshot!(scene.transcript(&["build"]));
    let scene = scene.file(
        "kumiki.toml",
        format!("{toml}[requests.net]\n'a.example:1' = ''\n"),
    );
    snapshot!(scene.transcript(&["build"]));
}

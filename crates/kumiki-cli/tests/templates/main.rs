//! Creates, builds, checks and runs a plugin in every language with the real program:
//! `kumiki new`, `build`, `check`, `run` and `dev`. All templates behave the same, so they
//! have the same expected answers.
//!
//! The tools are those of `cargo xtask setup`. If they are missing, the test is ignored,
//! with a label that says how to get them, or fails if `KUMIKI_REQUIRE` names its
//! language.

mod dev;
mod javascript;
mod panics;
mod scene;
mod streaming;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use kumiki_build::{Probe, Toolchain, Tools, Wasi};
use libtest_mimic::{Arguments, Failed, Trial};

use scene::Scene;

/// Texts that `process` must handle: ASCII white space, other white space, and
/// characters of two, three and four bytes.
const INPUT: &str = " \t Grüße\r\n\n aus\u{c}木組み  und\u{a0}😀 \n";
const RESULT: &str = concat!(
    r#"{"plugin":"tidy","record":1,"source":null,"line":null,"#,
    r#""output":"Grüße aus 木組み und"#,
    "\u{a0}",
    r#"😀","metadata":{"words":"4"},"error":null}"#,
    "\n"
);

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for language in LANGUAGES {
        let name = "creates, builds and runs a plugin";
        trials.push(trial(language, name, new_build_run));
        trials.push(trial(
            language,
            "creates a plugin of any contract",
            any_contract,
        ));
        let name = "creates, builds and runs a plugin that streams";
        trials.push(trial(language, name, streaming::new_build_run));
        let name = "builds a skeleton that streams";
        trials.push(trial(language, name, streaming::skeleton_builds));
        trials.push(trial(language, "rebuilds when a source changes", watch));
        trials.push(trial(language, "logs panics", panics::are_logged));
        trials.push(trial(
            language,
            "logs panics of a skeleton",
            panics::of_skeletons_are_logged,
        ));
    }
    for language in [Toolchain::Rust, Toolchain::C, Toolchain::JavaScript] {
        let name = "shows what a change changes";
        trials.push(trial(language, name, dev::changes_are_shown));
    }
    for engine in [Toolchain::JavaScript, Toolchain::StarlingMonkey] {
        let name = "imports functions of the world";
        trials.push(trial(
            engine,
            name,
            javascript::imports_functions_of_the_world,
        ));
        let name = "logs errors that are not strings";
        trials.push(trial(engine, name, javascript::errors_are_bugs));
    }
    let name = "logs what is no chunk of a stream";
    let js = Toolchain::JavaScript;
    trials.push(trial(js, name, streaming::what_is_no_chunk_is_logged));
    let name = "refuses worlds that stream";
    trials.push(trial(
        Toolchain::StarlingMonkey,
        name,
        streaming::is_refused,
    ));
    let name = "watches a build that writes sources";
    trials.push(trial(Toolchain::Rust, name, dev::builds_may_write_sources));
    let name = "ends with its tools";
    trials.push(trial(
        Toolchain::Rust,
        name,
        dev::tools_end_with_the_program,
    ));
    let c = Toolchain::C;
    trials.push(trial(c, "runs a sample again", dev::sample_is_run_again));
    trials.push(trial(c, "checks requests again", dev::requests_are_checked));
    let name = "builds another contract again";
    trials.push(trial(c, name, dev::other_contract_is_built));
    trials.push(trial(c, "shows requests", requests));
    trials.push(trial(
        c,
        "names functions in a debug build",
        panics::have_names_in_debug_builds,
    ));
    libtest_mimic::run(&arguments, trials).exit();
}

const LANGUAGES: [Toolchain; 5] = [
    Toolchain::Rust,
    Toolchain::C,
    Toolchain::JavaScript,
    Toolchain::Python,
    Toolchain::Go,
];

type Case = fn(Toolchain) -> Result<(), Failed>;

fn trial(language: Toolchain, name: &str, case: Case) -> Trial {
    let missing = missing(language);
    let required = std::env::var("KUMIKI_REQUIRE").unwrap_or_default();
    let mut required = required.split(',').map(str::trim);
    let ignored = missing.is_some() && !required.any(|name| name == language.name());
    let kind = missing.clone().unwrap_or_default();
    let test = move || match missing {
        Some(missing) => Err(missing.into()),
        None => case(language),
    };
    Trial::test(format!("{language} {name}"), test)
        .with_ignored_flag(ignored)
        .with_kind(kind)
}

/// The missing tool and how to get it, if one is missing.
fn missing(toolchain: Toolchain) -> Option<String> {
    let rust = std::env::var("KUMIKI_RUST").unwrap_or_default();
    let tools = Tools::new(tools()).with_rust(rust.parse().unwrap_or_default());
    match toolchain.probe(&tools, Wasi::None) {
        Probe::Ready(_) => None,
        Probe::Missing(missing) => Some(format!("{missing}; hint: {}", missing.hint)),
    }
}

/// The folder in which `cargo xtask setup` installs tools.
fn tools() -> PathBuf {
    std::env::var_os("KUMIKI_TOOLS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools"),
        PathBuf::from,
    )
}

/// Requests go from `kumiki.toml` into the component and are shown to the user.
fn requests(language: Toolchain) -> Result<(), Failed> {
    let language = language.name();
    let scene = Scene::new(language)?;
    scene.run_ok(&["new", "tidy", "--lang", language])?;
    scene.run_ok(&["build", "tidy"])?;
    let manifest = scene.folder.join("tidy/kumiki.toml");
    let mut text = std::fs::read_to_string(&manifest)?;
    text.push_str("\n[requests.env]\nTIDY = 'how \"tidy\" to be'\n");
    std::fs::write(&manifest, text)?;
    scene.run_ok(&["build", "tidy"])?;
    let inspected = scene.run_ok(&["inspect", "tidy/tidy.wasm", "--json"])?;
    let inspected = String::from_utf8_lossy(&inspected.stdout).into_owned();
    if !inspected.contains(r#""why": "how \"tidy\" to be""#) {
        return Err(format!("`kumiki inspect` printed `{inspected}`").into());
    }
    let run = ["run", "-p", "tidy", "--text", INPUT];
    let refused = scene.run(&run)?;
    if refused.status.code() != Some(2) {
        return Err(format!("it was not refused: {refused:?}").into());
    }
    scene.run_ok(&[&run[..], &["--allow-requested"]].concat())?;
    scene.run_ok(&[&run[..], &["--allow-env=TIDY=very"]].concat())?;
    Ok(())
}

fn new_build_run(language: Toolchain) -> Result<(), Failed> {
    let language = language.name();
    let scene = Scene::new(language)?;
    scene.run_ok(&["new", "tidy", "--lang", language])?;
    let built = scene.run_ok(&["build", "tidy"])?;
    let built = String::from_utf8_lossy(&built.stdout).into_owned();
    let imports = "imports myapp:text-processor/host-api";
    if !built.contains(imports) || built.contains("wasi:") || built.contains("unchanged") {
        return Err(format!("`kumiki build` printed `{built}`").into());
    }

    let result = scene.run_ok(&["run", "-p", "tidy", "--output", "jsonl", "--text", INPUT])?;
    let result = String::from_utf8_lossy(&result.stdout).into_owned();
    if result != RESULT {
        return Err(format!("`{result}`, not `{RESULT}`").into());
    }
    let refused = scene.run(&["run", "-p", "tidy", "-o", "jsonl", "--text", " \n"])?;
    let refused = String::from_utf8_lossy(&refused.stdout).into_owned();
    if !refused.contains("invalid-input") {
        return Err(format!("blank text gave `{refused}`").into());
    }
    scene.run_ok(&["check", "tidy/tidy.wasm", "--cases", "tidy/tests.jsonl"])?;

    let again = scene.run_ok(&["build", "tidy"])?;
    if !String::from_utf8_lossy(&again.stdout).contains("(unchanged)") {
        return Err(format!("built again although nothing changed: {again:?}").into());
    }
    Ok(())
}

/// Two worlds: one with functions of its own, an interface and many types, and that of
/// the event filter, which has a resource.
fn any_contract(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let create = |name: &str, wit: &Path, world: &[&str]| {
        let wit = wit.display().to_string();
        let new = ["new", name, "--lang", language.name(), "--wit", &wit];
        scene.run(&[&new, world].concat())
    };
    let exports = |name: &str, interface: &str| -> Result<(), Failed> {
        scene.run_ok(&["build", name])?;
        let inspected = scene.run_ok(&["inspect", &format!("{name}/{name}.wasm")])?;
        let inspected = String::from_utf8_lossy(&inspected.stdout).into_owned();
        if inspected.contains(interface) {
            return Ok(());
        }
        Err(format!("no {interface} in {inspected}").into())
    };

    let rater = here.join("tests/rater.wit");
    let ambiguous = create("rater", &rater, &[])?;
    assert_eq!(
        ambiguous.status.code(),
        Some(2),
        "two worlds: {ambiguous:?}"
    );
    let created = create("rater", &rater, &["--world", "rater"])?;
    assert!(created.status.success(), "{created:?}");
    exports("rater", "acme:shop/rules@1.2.0")?;

    let filter = here.join("../../examples/event-filter/wit");
    let created = create("filter", &filter, &[])?;
    if language == Toolchain::Go {
        // The program reports that and writes nothing.
        let why = String::from_utf8_lossy(&created.stderr).into_owned();
        assert!(why.contains("exports a resource"), "{why}");
        assert!(!scene.folder.join("filter").exists());
        return Ok(());
    }
    assert!(created.status.success(), "{created:?}");
    exports("filter", "example:event-filter/rules@1.0.0")
}

/// Each build prints a line: one at the start, and one when the plugin's version
/// changes, but none when a file changes that is not a source.
fn watch(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let mut kumiki = scene.command(&["build", "tidy", "--watch"]);
    let child = kumiki
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut child = Killed(child);
    let out = child.0.stdout.take().ok_or("it has no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut next = || lines.next().ok_or("it ended")?.map_err(Failed::from);

    assert!(!next()?.contains("unchanged"), "the first build");
    std::fs::write(scene.folder.join("tidy/.hidden"), "not a source")?;
    let source = scene.folder.join("tidy").join(match language {
        // The plugin's version is that of the package.
        Toolchain::Rust => "Cargo.toml",
        Toolchain::C => "plugin.c",
        Toolchain::JavaScript => "plugin.js",
        Toolchain::Python => "plugin.py",
        _ => "plugin.go",
    });
    let text = std::fs::read_to_string(&source)?;
    std::fs::write(&source, text.replace("0.1.0", "0.2.0"))?;
    let built = next()?;
    assert!(!built.contains("unchanged"), "{built}");
    let checked = scene.run_ok(&["check", "tidy/tidy.wasm"])?;
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("tidy 0.2.0"), "{checked}");
    Ok(())
}

/// A process that is killed when the test ends, even by a panic.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

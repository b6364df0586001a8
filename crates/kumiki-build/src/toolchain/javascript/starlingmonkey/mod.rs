//! Builds components with StarlingMonkey: bundles the author's module with a wrapper, and
//! joins the bundle with the engine by means of componentize-js.

mod wrapper;

use std::fs;
use std::path::{Path, absolute};

use heck::ToLowerCamelCase as _;
use serde_json::{Map, Value, json};
use wit_parser::{Resolve, WorldId};

use self::wrapper::{POSITIONS, wrapper};
use super::bundle::{Bundle, Bundler};
use super::check;
use super::world::imported_functions;
use crate::command;
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::install::node;
use crate::job::{Built, Job, Options};
use crate::output::Output;
use crate::project::{Project, Wasi};
use crate::tool::Tool;
use crate::toolchain::Ready;
use crate::tools::Tools;
use crate::world::is_async;

/// The script that runs componentize-js.
const DRIVER: &str = include_str!("driver.mjs");

const TOOL: Tool = Tool::ComponentizeJs;

pub(in crate::toolchain) fn probe(tools: &Tools) -> Result<Ready, Missing> {
    node()?;
    let version = tools
        .node_version(TOOL)
        .ok_or_else(|| tools.missing(TOOL))?;
    let bundler = Bundler::find(tools)?;
    Ok(Ready {
        variant: TOOL.name().to_owned(),
        version: format!("{version}, {bundler}"),
    })
}

pub(in crate::toolchain) fn build(
    job: &Job,
    tools: &Tools,
    options: &Options,
) -> Result<Built, Error> {
    let Job { project, output } = job;
    let ready = probe(tools)?;
    let (resolve, world) = project.resolve()?;
    if is_async(&resolve, world) {
        return Err(no_async(project));
    }
    check(project)?;
    let work = options.work.join(&project.name);
    // Bundling is fast, and the engine sees nothing except the bundle: its hash
    // also covers packages and files outside of the project's folder.
    let bundle = Bundle::make(
        project,
        &resolve,
        world,
        &Bundler {
            tools,
            work: &work,
            start: wrapper(&project.entry, &resolve, world),
            functions: function_modules(&resolve, world),
        },
    )?;
    let fingerprint = Hasher::new()
        .path(&bundle.module)?
        .path(&project.wit)?
        .bytes("world", project.world.as_bytes())
        .bytes("wasi", &[u8::from(project.wasi != Wasi::None)])
        .bytes(
            "engine",
            format!("{} {}", ready.variant, ready.version).as_bytes(),
        )
        .bytes("driver", DRIVER.as_bytes())
        .finish();
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }

    let component = work.join("component.wasm");
    // The driver runs in the tool's folder, so every path must be absolute.
    let full = |path: &Path| absolute(path).map_err(Error::io("find", path));
    let request = json!({
        "bundle": bundle.module,
        "positions": bundle.positions,
        "wit": full(&project.wit)?,
        "world": project.world,
        "wasi": project.wasi != Wasi::None,
        "output": full(&component)?,
    });
    let mut node = node()?;
    node.current_dir(tools.folder(TOOL));
    node.args(["--input-type=module", "--eval"]);
    node.arg(format!("{POSITIONS}\n{DRIVER}"));
    command::run(node.arg("--").arg(request.to_string())).map_err(|error| error.by(TOOL.name()))?;
    let component = fs::read(&component).map_err(Error::io("read", &component))?;
    output.write(&component, fingerprint)
}

fn no_async(project: &Project) -> Error {
    Error::Project {
        path: project.folder.join("kumiki.toml"),
        line: None,
        hint: Some("set `engine = \"quickjs\"`".to_owned()),
        message: format!(
            "the world `{}` has asynchronous functions or streams, which StarlingMonkey does \
             not support",
            project.world
        ),
    }
}

/// A module for each function that the world imports directly, by specifier. It
/// exports the function both as the default, as the engine's own module does, and
/// by name.
fn function_modules(resolve: &Resolve, world: WorldId) -> Map<String, Value> {
    let functions = imported_functions(resolve, world).into_iter();
    let modules = functions.map(|function| {
        let specifier = &function.name;
        let name = specifier.to_lower_camel_case();
        let module = format!(
            "import f from {};\nexport {{ f as default, f as {name} }};\n",
            json!(specifier)
        );
        (specifier.clone(), Value::from(module))
    });
    modules.collect()
}

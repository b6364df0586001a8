//! JavaScript and TypeScript: bundles the author's module with a wrapper, then
//! joins the bundle with an engine into a component, by means of an npm package
//! that runs on Node.

mod batch;
mod bundle;
mod declarations;
mod imports;
mod quickjs;
mod specifiers;
mod text_coding;
mod typescript;
mod world;
mod wrapper;

use std::fs;
use std::path::{Path, absolute};

use serde_json::json;

use self::bundle::{Bundle, Loader};
pub(crate) use self::declarations::write_declarations;
pub use self::imports::unknown_imports;
pub use self::quickjs::ADDRESS as QUICKJS_ADDRESS;
pub(crate) use self::world::{imported_functions, is_reserved, streamed};
use self::wrapper::POSITIONS;
use super::Ready;
use crate::command;
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::install::node;
use crate::job::{Built, Job, Options};
use crate::output::{Output, replace};
use crate::project::{JavaScriptEngine, Project, Wasi};
use crate::tool::Tool;
use crate::tools::Tools;
use crate::world::is_async;

/// The script that runs either engine's npm package.
const DRIVER: &str = include_str!("driver.mjs");

/// A JavaScript engine that can be embedded in a component.
pub(super) struct EnginePackage {
    /// The name that the driver uses.
    name: &'static str,
    tool: Tool,
}

pub(super) const QUICKJS: EnginePackage = EnginePackage {
    name: "quickjs",
    tool: Tool::ComponentizeQjs,
};

pub(super) const STARLINGMONKEY: EnginePackage = EnginePackage {
    name: "starlingmonkey",
    tool: Tool::ComponentizeJs,
};

pub(super) fn probe(tools: &Tools, engine: &EnginePackage) -> Result<Ready, Missing> {
    if engine.name == QUICKJS.name {
        return Ok(Ready {
            variant: QUICKJS.name.to_owned(),
            version: quickjs::VERSION.to_owned(),
        });
    }
    ready(tools, engine)
}

fn ready(tools: &Tools, engine: &EnginePackage) -> Result<Ready, Missing> {
    node()?;
    let version = find(tools, engine.tool)?;
    let bundler = find(tools, Tool::Esbuild)?;
    Ok(Ready {
        variant: engine.tool.name().to_owned(),
        version: format!("{version}, {} {bundler}", Tool::Esbuild.name()),
    })
}

fn find(tools: &Tools, tool: Tool) -> Result<String, Missing> {
    tools.node_version(tool).ok_or_else(|| tools.missing(tool))
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

pub(super) fn build(
    job: &Job,
    tools: &Tools,
    options: &Options,
    engine: &EnginePackage,
) -> Result<Built, Error> {
    let Job { project, output } = job;
    let is_quickjs = engine.name == QUICKJS.name;
    let (resolve, world) = project.resolve()?;
    let is_async = is_async(&resolve, world);
    if is_quickjs && !is_async {
        return quickjs::build(job, tools, options);
    }
    let ready = ready(tools, engine)?;
    let work = options.work.join(&project.name);
    if is_async && engine.name == STARLINGMONKEY.name {
        return Err(no_async(project));
    }
    write_declarations(project)?;
    if let Some(import) = unknown_imports(project)?.into_iter().next() {
        return Err(Error::Import(import));
    }
    // Bundling is fast, and the engine sees nothing except the bundle: its hash
    // also covers packages and files outside of the project's folder.
    let loader = match project.engine {
        JavaScriptEngine::QuickJs => Loader::ComponentizeQjs,
        JavaScriptEngine::StarlingMonkey => Loader::StarlingMonkey,
    };
    let bundle = Bundle::make(project, &resolve, world, tools, &work, loader)?;
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
        .bytes("text coding", text_coding::COMPONENT.as_bytes())
        .finish();
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }

    let component = work.join("component.wasm");
    let code = fs::read_to_string(&bundle.module).map_err(Error::io("read", &bundle.module))?;
    let codes_text = code.contains(text_coding::INTERFACE);
    let fault = |message| Error::Wit {
        path: project.wit.clone(),
        message,
    };
    let wit = match codes_text {
        true => {
            let path = work.join("extended.wit");
            let wit = text_coding::extended_wit(resolve, world).map_err(fault)?;
            replace(&path, wit.as_bytes())?;
            path
        }
        false => project.wit.clone(),
    };
    // The driver runs in the tool's folder, so every path must be absolute.
    let full = |path: &Path| absolute(path).map_err(Error::io("find", path));
    let request = json!({
        "engine": engine.name,
        "bundle": bundle.module,
        "positions": bundle.positions,
        "wit": full(&wit)?,
        "world": project.world,
        "isAsync": is_async,
        "wasi": project.wasi != Wasi::None,
        "output": full(&component)?,
    });
    let mut node = node()?;
    node.current_dir(tools.folder(engine.tool));
    node.args(["--input-type=module", "--eval"]);
    node.arg(format!("{POSITIONS}\n{DRIVER}"));
    command::run(node.arg("--").arg(request.to_string()))
        .map_err(|error| error.by(engine.tool.name()))?;
    let mut component = fs::read(&component).map_err(Error::io("read", &component))?;
    if codes_text {
        component = text_coding::link(&component).map_err(|message| Error::Component {
            path: project.folder.clone(),
            message,
        })?;
    }
    output.write(&component, fingerprint)
}

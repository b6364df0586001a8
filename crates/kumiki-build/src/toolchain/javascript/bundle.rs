//! Bundles the author's module and its imports into one module with esbuild, which strips
//! TypeScript's types and reports errors with their positions.

use std::fs;
use std::path::{Path, PathBuf, absolute};

use serde_json::{Map, Value, json};
use wit_parser::{Resolve, WorldId};

use super::world::importable;
use crate::command;
use crate::error::{Error, Missing};
use crate::install::node;
use crate::project::Project;
use crate::tool::Tool;
use crate::tools::Tools;

const BUNDLER: &str = include_str!("bundler.mjs");

/// How modules are bundled.
pub(super) struct Bundler<'a> {
    pub(super) tools: &'a Tools,
    /// The folder of the bundle.
    pub(super) work: &'a Path,
    /// The module that imports the author's, relative to the project.
    pub(super) start: String,
    /// Modules for functions that the world imports directly, by specifier. Those that
    /// are not in it are left to the engine.
    pub(super) functions: Map<String, Value>,
}

impl Bundler<'_> {
    /// The name and version of esbuild, if it is installed.
    pub(super) fn find(tools: &Tools) -> Result<String, Missing> {
        const TOOL: Tool = Tool::Esbuild;
        node()?;
        let version = tools.node_version(TOOL);
        let version = version.ok_or_else(|| tools.missing(TOOL))?;
        Ok(format!("{} {version}", TOOL.name()))
    }
}

/// A bundled module, and a map from its positions to the original files.
pub(super) struct Bundle {
    pub(super) module: PathBuf,
    /// The map, in the format that `positions.js` reads.
    pub(super) positions: PathBuf,
}

impl Bundle {
    /// Writes both files into the bundler's folder.
    pub(super) fn make(
        project: &Project,
        resolve: &Resolve,
        world: WorldId,
        bundler: &Bundler<'_>,
    ) -> Result<Self, Error> {
        let Bundler {
            tools,
            work,
            start,
            functions,
        } = bundler;
        let entry = project.folder.join(&project.entry);
        fs::metadata(&entry).map_err(Error::io("read", &entry))?;
        fs::create_dir_all(work).map_err(Error::io("create", work))?;
        // The bundler runs in esbuild's folder, so every path must be absolute.
        let full = |path: &Path| absolute(path).map_err(Error::io("find", path));
        let bundle = Bundle {
            // `positions.js` looks for this name in the stacks of
            // StarlingMonkey.
            module: full(&work.join("kumiki-bundle.js"))?,
            positions: full(&work.join("positions.json"))?,
        };
        let request = json!({
            "start": start,
            "folder": full(&project.folder)?,
            "shown": project.folder,
            "imports": importable(resolve, world),
            "functions": functions,
            "bundle": bundle.module,
            "positions": bundle.positions,
        });
        let mut node = node()?;
        node.current_dir(tools.folder(Tool::Esbuild));
        node.args(["--input-type=module", "--eval", BUNDLER]);
        command::run(node.arg("--").arg(request.to_string()))
            .map_err(|error| error.by(Tool::Esbuild.name()))?;
        Ok(bundle)
    }
}

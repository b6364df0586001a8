//! The author's module, all that it imports and the wrapper become one module,
//! by esbuild: it takes off TypeScript's types, and its errors say where they
//! are.

use std::fs;
use std::path::{Path, PathBuf, absolute};

use serde_json::json;
use wit_parser::{Resolve, WorldId};

use super::world::importable;
use super::wrapper::wrapper;
use crate::command;
use crate::error::Error;
use crate::install::node;
use crate::project::Project;
use crate::tool::Tool;
use crate::tools::Tools;

const BUNDLER: &str = include_str!("bundler.mjs");

/// A module in a file, and where its lines come from in another.
pub(super) struct Bundle {
    pub(super) module: PathBuf,
    /// As `positions.js` reads it.
    pub(super) positions: PathBuf,
}

impl Bundle {
    /// Writes them into `work`.
    pub(super) fn make(
        project: &Project,
        resolve: &Resolve,
        world: WorldId,
        tools: &Tools,
        work: &Path,
    ) -> Result<Self, Error> {
        let entry = project.folder.join(&project.entry);
        fs::metadata(&entry).map_err(Error::io("read", &entry))?;
        fs::create_dir_all(work).map_err(Error::io("create", work))?;
        // The bundler runs in esbuild's folder, so every path must be absolute.
        let full = |path: &Path| absolute(path).map_err(Error::io("find", path));
        let bundle = Bundle {
            // The name is how `positions.js` knows it in StarlingMonkey's stacks.
            module: full(&work.join("kumiki-bundle.js"))?,
            positions: full(&work.join("positions.json"))?,
        };
        let orders = json!({
            "wrapper": wrapper(&project.entry, resolve, world),
            "folder": full(&project.folder)?,
            "shown": project.folder,
            "imports": importable(resolve, world),
            "bundle": bundle.module,
            "positions": bundle.positions,
        });
        let mut node = node()?;
        node.current_dir(tools.folder(Tool::Esbuild));
        node.args(["--input-type=module", "--eval", BUNDLER]);
        match command::run(node.arg("--").arg(orders.to_string())) {
            Err(Error::Failed { status, output, .. }) => Err(Error::Failed {
                program: Tool::Esbuild.name().to_owned(),
                status,
                output,
            }),
            Err(error) => Err(error),
            Ok(_) => Ok(bundle),
        }
    }
}

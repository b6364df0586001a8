//! Bundles the author's module, its imports and the wrapper into one module
//! with esbuild, which strips TypeScript's types and reports errors with their
//! positions.

use std::fs;
use std::path::{Path, PathBuf, absolute};

use heck::ToLowerCamelCase as _;
use serde_json::{Map, Value, json};
use wit_parser::{Resolve, WorldId};

use super::world::{importable, imported_functions};
use super::wrapper::wrapper;
use crate::command;
use crate::error::Error;
use crate::install::node;
use crate::output::replace;
use crate::project::Project;
use crate::tool::Tool;
use crate::tools::Tools;

const BUNDLER: &str = include_str!("bundler.mjs");
const TEXT_CODING: &str = include_str!("text_coding.js");

/// Who loads a bundle.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Loader {
    /// Kumiki's own QuickJS, which calls the author's functions itself.
    QuickJs,
    ComponentizeQjs,
    StarlingMonkey,
}

/// A bundled module, and a map from its positions to the original files.
pub(super) struct Bundle {
    pub(super) module: PathBuf,
    /// The map, in the format that `positions.js` reads.
    pub(super) positions: PathBuf,
}

impl Bundle {
    /// Writes both files into `work`.
    pub(super) fn make(
        project: &Project,
        resolve: &Resolve,
        world: WorldId,
        tools: &Tools,
        work: &Path,
        loader: Loader,
    ) -> Result<Self, Error> {
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
        let globals = full(&work.join("text_coding.js"))?;
        replace(&globals, TEXT_CODING.as_bytes())?;
        let request = json!({
            "wrapper": match loader {
                Loader::QuickJs => reexport(&project.entry),
                _ => wrapper(&project.entry, resolve, world),
            },
            "folder": full(&project.folder)?,
            "shown": project.folder,
            "imports": importable(resolve, world),
            "functions": function_modules(resolve, world, loader),
            // The others have these classes.
            "globals": (loader == Loader::ComponentizeQjs).then_some(globals),
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

fn reexport(entry: &Path) -> String {
    let entry = format!("./{}", entry.display()).replace('\\', "/");
    format!("export * from {};", json!(entry))
}

/// A module for each function that the world imports directly, by specifier. It
/// exports the function both as the default and by name. StarlingMonkey has
/// such a module, whose default is the function; QuickJS has a global.
fn function_modules(resolve: &Resolve, world: WorldId, loader: Loader) -> Map<String, Value> {
    if loader == Loader::QuickJs {
        return Map::new();
    }
    let functions = imported_functions(resolve, world).into_iter();
    let modules = functions.map(|function| {
        let specifier = &function.name;
        let name = specifier.to_lower_camel_case();
        let value = match loader {
            Loader::ComponentizeQjs => {
                format!("const f = (...parameters) => globalThis.{name}(...parameters);")
            }
            _ => format!("import f from {};", json!(specifier)),
        };
        let module = format!("{value}\nexport {{ f as default, f as {name} }};\n");
        (specifier.clone(), Value::from(module))
    });
    modules.collect()
}

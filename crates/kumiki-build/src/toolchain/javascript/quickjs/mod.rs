//! Builds components with QuickJS, in this process: the modules are compiled to bytecode, and
//! joined with the engine and with the conversions of the world.

mod compiler;
mod data;
mod library;
mod link;
mod machine;
mod prelude;
mod sources;
mod start;
mod wasi;

use std::fs;
use std::path::Path;

use wit_dylib::metadata::ExportFunc;
use wit_parser::{Resolve, WorldId};

use self::compiler::{Compiler, SyntaxError};
use self::data::{Place, Places, PluginData};
pub use self::library::prepared_memory;
pub use self::link::{ADDRESS, QUICKJS};
use self::sources::Source;
use super::batch::Single;
use super::bundle::{Bundle, Bundler};
use super::check;
use super::world::{Export, exported, importable};
use crate::error::Error;
use crate::fingerprint::Hasher;
use crate::job::{Built, Job, Options};
use crate::output::Output;
use crate::project::{Project, Wasi};
use crate::toolchain::Ready;
use crate::tools::Tools;
use crate::world::is_async;

/// The version of quickjs-ng.
const VERSION: &str = "0.16.2";

/// QuickJS is a part of this crate.
pub(in crate::toolchain) fn ready() -> Ready {
    Ready {
        variant: "quickjs".to_owned(),
        version: VERSION.to_owned(),
    }
}

/// Whether a project's modules can only be loaded after esbuild has bundled them.
pub(in crate::toolchain) fn needs_bundler(project: &Project) -> bool {
    let Ok((resolve, world)) = project.resolve() else {
        return false;
    };
    let importable = importable(&resolve, world);
    matches!(sources::collect(project, &importable), Ok(None))
}

/// The modules of a plugin, and where their lines are in the author's files.
struct Program {
    modules: Vec<Source>,
    places: Places,
}

/// Builds a component, unless nothing has changed.
pub(in crate::toolchain) fn build(
    job: &Job,
    tools: &Tools,
    options: &Options,
) -> Result<Built, Error> {
    let Job { project, output } = job;
    let (resolve, world) = project.resolve()?;
    check(project)?;
    let work = options.work.join(&project.name);
    let program = Program::read(project, &resolve, world, tools, &work)?;
    let mut hasher = Hasher::new()
        .path(&project.wit)?
        .bytes("world", project.world.as_bytes())
        .bytes("wasi", &[u8::from(project.wasi != Wasi::None)])
        .bytes("engine", &link::engine_hash());
    for (name, source) in &program.modules {
        hasher = hasher
            .bytes("name", name.as_bytes())
            .bytes("source", source.as_bytes());
    }
    let fingerprint = hasher.finish();
    let output = Output::new(output, &project.requests, options);
    if let Some(built) = output.fresh(fingerprint) {
        return Ok(built);
    }
    let component = component(project, resolve, world, program)?;
    output.write(&component, fingerprint)
}

fn component(
    project: &Project,
    mut resolve: Resolve,
    world: WorldId,
    program: Program,
) -> Result<Vec<u8>, Error> {
    let failed = |message| Error::Component {
        path: project.folder.clone(),
        message,
    };
    let mut compiler = Compiler::start().map_err(failed)?;
    let modules = program.modules.iter().map(|(name, source)| {
        let code = compiler.compile(name, source).map_err(failed)?;
        let code = code.map_err(|error| syntax_error(project, name, error))?;
        Ok((name.clone(), code))
    });
    let modules = modules.collect::<Result<_, Error>>()?;
    let derived = derived(&resolve, world);
    if project.wasi != Wasi::None {
        let sources = program.modules.iter().map(|(_, source)| &**source);
        let sources: Vec<_> = sources.collect();
        wasi::add_imports(&mut resolve, world, &sources).map_err(failed)?;
    }
    let data = PluginData {
        modules,
        derived: Vec::new(),
        places: program.places,
    };
    let linked = link::link(&resolve, world, |exports| {
        let numbers = derived.iter().filter_map(|pair| pair.numbers(exports));
        PluginData {
            derived: numbers.collect(),
            ..data
        }
        .encode()
    });
    let component = linked.map_err(failed)?;
    start::start(&component).map_err(|message| load_error(project, &message))?;
    Ok(component)
}

impl Program {
    fn read(
        project: &Project,
        resolve: &Resolve,
        world: WorldId,
        tools: &Tools,
        work: &Path,
    ) -> Result<Self, Error> {
        let entry = project.folder.join(&project.entry);
        fs::metadata(&entry).map_err(Error::io("read", &entry))?;
        let importable = importable(resolve, world);
        let (mut authors, places) = match sources::collect(project, &importable)? {
            Some(sources) => (sources, Places::default()),
            None => {
                Bundler::find(tools)?;
                let bundler = Bundler {
                    tools,
                    work,
                    start: reexport(&project.entry),
                    functions: serde_json::Map::new(),
                };
                let bundle = Bundle::make(project, resolve, world, &bundler)?;
                let (source, places) = bundle.read()?;
                (vec![(project.entry.display().to_string(), source)], places)
            }
        };
        let texts: Vec<&str> = authors.iter().map(|(_, source)| &**source).collect();
        let mut modules = prelude::modules(&authors[0].0, &texts, is_async(resolve, world));
        modules.append(&mut authors);
        Ok(Self { modules, places })
    }
}

/// QuickJS calls the author's functions itself.
fn reexport(entry: &Path) -> String {
    let entry = format!("./{}", entry.display()).replace('\\', "/");
    format!("export * from {};", serde_json::json!(entry))
}

/// The names of a batch function and of the function that it may be derived from, with their
/// interfaces.
struct Derived {
    batch: (Option<String>, String),
    single: (Option<String>, String),
}

impl Derived {
    fn numbers(&self, exports: &[ExportFunc]) -> Option<(u32, u32)> {
        let number = |(interface, name): &(Option<String>, String)| {
            let mut exports = exports.iter();
            let found = exports
                .position(|export| export.interface == *interface && export.name == *name)?;
            u32::try_from(found).ok()
        };
        Some((number(&self.batch)?, number(&self.single)?))
    }
}

fn derived(resolve: &Resolve, world: WorldId) -> Vec<Derived> {
    let exports = exported(resolve, world);
    let pairs = exports.iter().filter_map(|export| {
        let Export::Interface(_, batch) = export else {
            return None;
        };
        let single = Single::of(resolve, world, *batch)?;
        let Export::Interface(_, one) = exports[single.export] else {
            return None;
        };
        let (many, _) = resolve.interfaces[*batch].functions.first()?;
        Some(Derived {
            batch: (resolve.id_of(*batch), many.clone()),
            single: (resolve.id_of(one), many.strip_suffix("-batch")?.to_owned()),
        })
    });
    pairs.collect()
}

fn syntax_error(project: &Project, name: &str, error: SyntaxError) -> Error {
    let file = project.folder.join(name).display().to_string();
    Error::Module {
        place: match error.place {
            Some((line, column)) => format!("{file}:{line}:{column}"),
            None => file,
        },
        message: error.message,
    }
}

/// An error that a module has thrown while it was loaded, with its stack.
fn load_error(project: &Project, message: &str) -> Error {
    Error::Module {
        place: project.folder.join(&project.entry).display().to_string(),
        message: message
            .strip_prefix("uncaught ")
            .unwrap_or(message)
            .to_owned(),
    }
}

impl Bundle {
    /// Reads the bundled module and the places of its lines.
    fn read(&self) -> Result<(String, Places), Error> {
        #[derive(serde::Deserialize)]
        struct Positions {
            files: Vec<Option<String>>,
            places: Vec<(u32, u32, u32, i32)>,
        }
        let read = |path: &Path| fs::read_to_string(path).map_err(Error::io("read", path));
        let source = read(&self.module)?;
        let positions = read(&self.positions)?;
        let invalid = |error: serde_json::Error| std::io::Error::other(error);
        let positions: Positions = serde_json::from_str(&positions)
            .map_err(invalid)
            .map_err(Error::io("read", &self.positions))?;
        let places = positions.places.into_iter();
        let places = places.map(|(line, column, file, shift)| Place {
            line,
            column,
            file,
            shift,
        });
        let files = positions.files.into_iter().map(Option::unwrap_or_default);
        Ok((
            source,
            Places {
                files: files.collect(),
                places: places.collect(),
            },
        ))
    }
}

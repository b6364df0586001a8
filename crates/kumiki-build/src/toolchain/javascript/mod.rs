//! JavaScript and TypeScript, on one of two engines: QuickJS, with which this crate builds
//! components itself, or StarlingMonkey, by means of an npm package that runs on Node.

mod batch;
mod bundle;
mod declarations;
mod imports;
mod quickjs;
mod specifiers;
mod starlingmonkey;
mod typescript;
mod world;

pub(crate) use self::declarations::write_declarations;
pub use self::imports::unknown_imports;
pub use self::quickjs::{ADDRESS as QUICKJS_ADDRESS, QUICKJS, prepared_memory};
pub(super) use self::quickjs::{build, needs_bundler, ready};
pub(super) use self::starlingmonkey::{
    build as build_starlingmonkey, probe as probe_starlingmonkey,
};
pub(crate) use self::world::{imported_functions, is_reserved, streamed};
use crate::error::{Error, Missing};
use crate::project::Project;
use crate::tools::Tools;

/// Writes the declarations for editors and refuses imports that the world does not have.
fn check(project: &Project) -> Result<(), Error> {
    write_declarations(project)?;
    match unknown_imports(project)?.into_iter().next() {
        Some(import) => Err(Error::Import(import)),
        None => Ok(()),
    }
}

/// Looks for esbuild.
pub(super) fn probe_bundler(tools: &Tools) -> Result<(), Missing> {
    bundle::Bundler::find(tools).map(drop)
}

//! Builds WebAssembly component plugins from projects described by a
//! `kumiki.toml`.
//!
//! [`Project`] describes what to build, [`Tools`] is where project-local tools
//! are installed, and [`build`] or [`build_all`] runs the build. The library
//! prints nothing. Each toolchain is probed first: a missing one is returned as
//! a [`Missing`] with the command that installs it, and a compiler's own
//! messages are returned in full in [`Error::Failed`]. [`Template`] writes a
//! new project.
//!
//! ```no_run
//! use kumiki_build::{Options, Project, Tools, build};
//!
//! let project = Project::read("guests/examples/text-upper".as_ref())?;
//! let tools = Tools::new("target/tools");
//! let built = build(&project, "plugins/text-upper.wasm".as_ref(), &tools, &Options::new("target/build"))?;
//! assert!(built.bytes > 0);
//! # Ok::<(), kumiki_build::Error>(())
//! ```
//!
//! Running a component is the job of the crate `kumiki`. Installing what needs
//! root is left to the user, who follows the hints.

mod build;
mod command;
mod component;
mod error;
mod fingerprint;
mod install;
mod job;
mod log;
mod optimise;
mod output;
mod panic_hook;
mod project;
mod reading;
mod requests;
mod skeleton;
mod sources;
mod stamps;
mod templates;
mod tool;
mod toolchain;
mod tools;
mod unknown_import;
mod wit_faults;
mod world;

pub use build::{build, build_all};
#[cfg(unix)]
pub use command::{group_tools, stop_tools};
pub use component::{Preview1, component_from_module};
pub use error::{Error, Missing};
pub use fingerprint::{Fingerprint, Hasher};
pub use job::{Built, Job, Options, Profile};
pub use output::replace;
pub use project::{JavaScriptEngine, Language, Project, Wasi};
pub use reading::{open as open_regular, read_text};
pub use sources::{may_be_source, source_folders};
pub use stamps::Stamps;
pub use templates::Template;
pub use tool::Tool;
pub use toolchain::javascript::{QUICKJS, QUICKJS_ADDRESS, prepared_memory, unknown_imports};
pub use toolchain::{Probe, Ready, Toolchain};
pub use tools::{RustCompiler, Tools};
pub use unknown_import::UnknownImport;

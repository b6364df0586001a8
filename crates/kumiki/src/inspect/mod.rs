//! Inspection of plugins and other files without running them. Never panics, whatever
//! the file contains.
//!
//! [`Kind::of`] detects the kind of a file, [`Interfaces::of`] reads the imports and
//! exports of a component, and [`Inspection::of`] returns these and all other details.

mod asynchrony;
pub(crate) mod bounds;
mod capability;
mod code;
mod debug_build;
pub(crate) mod expansion;
mod inspection;
mod interfaces;
mod kind;
mod parts;
mod type_section;
mod validity;
mod wit;
mod wit_size;
mod within;

pub(crate) use asynchrony::is_asynchronous;
pub use capability::Capability;
pub(crate) use expansion::InstanceSize;
pub use inspection::Inspection;
pub use interfaces::Interfaces;
pub(crate) use interfaces::compatible_name;
pub use kind::Kind;
pub use parts::{Part, Producer};
pub(crate) use validity::is_valid;

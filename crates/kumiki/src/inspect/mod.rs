//! What a file is and what it could do, found from its bytes. Runs nothing and
//! never panics, whatever the bytes.
//!
//! [`Kind::of`] says what a file is, [`Interfaces::of`] what a component
//! imports and exports, and [`Inspection::of`] all there is to say.

mod asynchrony;
pub(crate) mod bounds;
mod capability;
mod code;
mod debug_build;
mod inspection;
mod interfaces;
mod kind;
mod parts;
mod type_section;
mod validity;
pub(crate) mod weight;
mod wit;
mod wit_size;

pub(crate) use asynchrony::is_asynchronous;
pub use capability::Capability;
pub use inspection::Inspection;
pub use interfaces::Interfaces;
pub(crate) use interfaces::compatible_name;
pub use kind::Kind;
pub use parts::{Part, Producer};
pub(crate) use validity::is_valid;

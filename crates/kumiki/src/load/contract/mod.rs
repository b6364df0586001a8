//! Whether a component fits a contract, and whether it can be compiled within
//! bounds.

mod check;
mod core_module;
mod shape;
mod type_size;
mod weight;

pub(crate) use check::World;

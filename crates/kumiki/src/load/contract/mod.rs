//! Whether a component fits a contract, and whether it can be compiled within
//! bounds.

mod check;
mod shape;

pub(crate) use check::World;

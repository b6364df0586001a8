//! The check of a component against a contract, and against the limits on its structure.

mod check;
mod shape;
mod source;

pub(crate) use check::{Checked, World};
pub(crate) use source::ContractSource;

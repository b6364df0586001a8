//! Parquet: tables that are stored column by column.
//!
//! A file is read a few thousand rows at a time, and only the columns that are
//! needed. Texts go to the plugins as they lie in Arrow's arrays, and results
//! come back as another array: rows are never split into values.

pub(crate) mod column;
mod footer;
mod group;
mod guard;
mod pages;
pub(crate) mod read;
pub(crate) mod table;
mod thrift;
pub(crate) mod write;

//! Parquet: tables that are stored column by column.
//!
//! A file is read a few thousand rows at a time, and only the columns that are
//! needed. Texts are passed to the plugins directly from Arrow's arrays, and results
//! come back as another array: rows are never split into values.

mod arrow_schema;
mod bits;
pub(crate) mod column;
mod column_size;
mod delta;
mod footer;
mod group;
mod guard;
mod hybrid;
mod leaf;
mod levels;
mod page_header;
mod pages;
pub(crate) mod read;
#[cfg(test)]
mod samples;
mod shapes;
pub(crate) mod table;
mod thrift;
mod unpack;
mod windows;
pub(crate) mod write;

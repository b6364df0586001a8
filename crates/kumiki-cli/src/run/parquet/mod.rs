//! Parquet: tables that are kept column by column.
//!
//! A file is read some thousand rows at a time, and only the columns that are
//! needed. Texts go to the plugins as they lie in Arrow's arrays, and results
//! come back as another array: no row of them is taken apart.

mod column;
mod file;
mod footer;
mod group;
mod guard;
mod pages;
mod reader;
mod target;
mod thrift;

pub(super) use column::ColumnTexts;
pub(crate) use file::ParquetFile;
pub(super) use reader::{Next, NoTexts, ParquetReader};
pub(crate) use target::{ParquetTarget, Rows};

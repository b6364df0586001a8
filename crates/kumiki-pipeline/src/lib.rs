//! Sends files and streams of records through text plugins on all cores: lines, JSON
//! lines, CSV and Parquet. Results come out as a report, or in a column of the rows
//! that the records came from, in the order of the input and in bounded memory.
//!
//! Settings go in, events and a summary come out. The crate prints nothing and does not
//! use the terminal.
//!
//! ```
//! use kumiki_pipeline::{
//!     Destination, IgnoreEvents, Input, Interrupt, OutputFile, RecordFormat, Run,
//!     RunSettings,
//! };
//! use kumiki_text::{Config, Pipeline, TextHost, TextPlugin};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let bytes = test_components::TextPlugin::new("echo").build();
//! # let folder = tempfile::tempdir()?;
//! # let (input, output) = (folder.path().join("in.csv"), folder.path().join("out.jsonl"));
//! # std::fs::write(&input, "id,text\n1,Hello\n")?;
//! let plugin = TextHost::new()?.load_bytes("echo.wasm", &bytes)?;
//! let pipeline = Pipeline::each(vec![TextPlugin::new(plugin, Config::default())?]);
//!
//! let files = [input];
//! let mut settings = RunSettings::new(
//!     files.iter().cloned().map(Input::File).collect(),
//!     Destination::File(OutputFile::new(&output)),
//! );
//! settings.format = RecordFormat::resolve(None, Some("text".to_owned()), &files)?;
//! settings.into = Some("echo".to_owned());
//!
//! let summary = Run::open(settings)?.execute(pipeline, &IgnoreEvents, &Interrupt::new())?;
//! assert_eq!((summary.records, summary.failed), (1, 0));
//! let rows = std::fs::read_to_string(&output)?;
//! assert_eq!(rows, "{\"id\":\"1\",\"text\":\"Hello\",\"echo\":\"Hello\"}\n");
//! # Ok(())
//! # }
//! ```

mod diagnostic;
mod error;
mod escape;
mod event;
mod executor;
mod files;
mod formats;
mod input;
mod interrupt;
mod journal;
mod output;
mod run;
mod settings;
mod sink;
mod summary;
mod whole;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use diagnostic::{Diagnostic, InvalidRecord, Location, ReadError};
pub use error::{Change, Error};
pub use escape::{escape, escape_lines, pretty_json};
pub use event::{IgnoreEvents, RunEvent, RunObserver};
pub use files::folder::Folder;
pub use files::part_path::part_path;
pub use formats::format::{InputFormat, RecordFormat};
pub use formats::lines::line::Record;
pub use formats::lines::raw_lines::Lines;
pub use formats::lines::records::Records;
pub use formats::report::RenderOptions;
pub use input::Input;
pub use interrupt::Interrupt;
pub use journal::RunIdentity;
pub use kumiki_text;
pub use output::OutputFormat;
pub use run::Run;
pub use settings::{Destination, RunSettings};
pub use sink::output_file::OutputFile;
pub use sink::output_folder::OutputFolder;
pub use summary::Summary;

/// Reading the texts of Parquet files, in bounded memory.
pub mod parquet {
    pub use crate::formats::parquet::column::ColumnTexts;
    pub use crate::formats::parquet::read::{ParquetPart, ParquetReader, SelectError};
}

/// The path of the state that is kept beside the incomplete file `part`, so that its
/// run can be resumed.
#[must_use]
pub fn state_path(part: &Path) -> PathBuf {
    journal::journal_name(OsStr::new(part)).into()
}

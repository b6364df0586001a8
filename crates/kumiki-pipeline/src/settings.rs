//! The settings of a run.

use std::fmt;
use std::io::Write;
use std::num::NonZero;
use std::thread;

use kumiki::Limits;

use crate::error::Error;
use crate::formats::format::RecordFormat;
use crate::formats::report::RenderOptions;
use crate::input::Input;
use crate::output::OutputFormat;
use crate::sink::output_file::OutputFile;
use crate::sink::output_folder::OutputFolder;

/// The default of [`RunSettings::line_limit`], in bytes.
const LINE_LIMIT: usize = 128 << 20;

/// The settings of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct RunSettings {
    /// The inputs, in order.
    pub inputs: Vec<Input>,
    /// The format of the inputs, and which part of them is a record. Lines by
    /// default.
    pub format: RecordFormat,
    /// The column or key that results are written to. Without one a report is
    /// written.
    pub into: Option<String>,
    /// The format of the results. By default it is what the name of the output file
    /// stands for, the format of rows, or text.
    pub output_format: Option<OutputFormat>,
    /// Where results are written.
    pub destination: Destination,
    /// How results are shown. By default they are written byte for byte.
    pub render: RenderOptions,
    /// Maximum number of workers, at least 1. Defaults to the number of cores.
    pub workers: usize,
    /// Maximum bytes of results that wait to be written, and of the results of one
    /// record. [`Limits::output`] by default.
    pub output_limit: usize,
    /// The longest line, row or value that is a record, in bytes. 128 MiB by default.
    pub line_limit: usize,
    /// Whether records of nothing but white space are skipped.
    pub skip_blank: bool,
}

/// Where results are written.
#[non_exhaustive]
pub enum Destination {
    /// A stream, written to on the thread that calls [`Run::execute`](crate::Run::execute).
    Stream(Box<dyn Write + Send>),
    /// A file.
    File(OutputFile),
    /// A folder with one file for each input, for whole texts.
    Folder(OutputFolder),
}

impl RunSettings {
    /// The default settings for these inputs and this destination.
    #[must_use]
    pub fn new(inputs: Vec<Input>, destination: Destination) -> Self {
        Self {
            inputs,
            format: RecordFormat::lines(),
            into: None,
            output_format: None,
            destination,
            render: RenderOptions::default(),
            workers: thread::available_parallelism().map_or(1, NonZero::get),
            output_limit: Limits::default().output,
            line_limit: LINE_LIMIT,
            skip_blank: false,
        }
    }

    /// Checks that the results of `plugins` fit the output, before the plugins are
    /// loaded. [`Run::execute`](crate::Run::execute) checks it as well.
    ///
    /// # Errors
    /// [`Error::SeveralResults`] when there is one column or key for the results of
    /// several plugins that do not form a chain.
    pub fn check_plugins(&self, plugins: usize, is_chain: bool) -> Result<(), Error> {
        check_results(self.into.as_deref(), plugins, is_chain)
    }
}

impl RunSettings {
    /// Checks that `plugins` can process whole texts, before they are loaded.
    /// [`Run::execute_whole`](crate::Run::execute_whole) checks it as well.
    ///
    /// # Errors
    /// [`Error::SeveralPlugins`].
    pub fn check_whole(&self, plugins: usize, is_chain: bool) -> Result<(), Error> {
        check_whole(plugins, is_chain)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(_) => f.write_str("Stream"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
        }
    }
}

/// Refuses several plugins for one text, unless they form a chain.
pub(crate) fn check_whole(plugins: usize, is_chain: bool) -> Result<(), Error> {
    match plugins > 1 && !is_chain {
        true => Err(Error::SeveralPlugins { plugins }),
        false => Ok(()),
    }
}

/// Refuses several results for the one column or key of a row.
pub(crate) fn check_results(
    into: Option<&str>,
    plugins: usize,
    is_chain: bool,
) -> Result<(), Error> {
    match into {
        Some(into) if plugins > 1 && !is_chain => Err(Error::SeveralResults {
            plugins,
            into: into.to_owned(),
        }),
        _ => Ok(()),
    }
}

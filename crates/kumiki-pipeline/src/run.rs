//! A run, from its settings to its summary.

use std::fmt;
use std::io::Write;

use kumiki_text::Pipeline;

use crate::error::Error;
use crate::event::{RunEvent, RunObserver};
use crate::executor::{Job, execute};
use crate::formats::report::RenderOptions;
use crate::input::open::{InputOptions, OpenInputs};
use crate::interrupt::Interrupt;
use crate::journal::{Position, RunIdentity};
use crate::output::{Output, OutputRequest};
use crate::settings::{Destination, RunSettings, check_results, check_whole};
use crate::sink::Sink;
use crate::sink::output_file::{ReservedFile, add_inputs};
use crate::sink::output_folder::ReservedFolder;
use crate::summary::Summary;
use crate::whole;

/// A run whose inputs and output are open and checked.
pub struct Run {
    inputs: OpenInputs,
    output: Output,
    /// The bytes before the first result.
    head: Vec<u8>,
    destination: Reserved,
    identity: RunIdentity,
    into: Option<String>,
    render: RenderOptions,
    workers: usize,
    output_limit: usize,
    skip_blank: bool,
}

/// A destination that may be written to.
enum Reserved {
    Stream(Box<dyn Write + Send>),
    File(ReservedFile),
    Folder(ReservedFolder),
}

impl Run {
    /// Opens and checks the inputs and the output. Nothing is written, and no record
    /// is read.
    ///
    /// # Errors
    /// Everything that can be wrong with the settings, the inputs and the output
    /// before the first record.
    pub fn open(settings: RunSettings) -> Result<Self, Error> {
        let options = InputOptions {
            line_limit: settings.line_limit,
            keeps_rows: settings.into.is_some(),
        };
        let inputs = OpenInputs::open(settings.inputs, settings.format.kind, options)?;
        let file = match &settings.destination {
            Destination::Stream(_) | Destination::Folder(_) => None,
            Destination::File(file) => Some(file),
        };
        let request = OutputRequest {
            format: settings.output_format,
            into: settings.into.as_deref(),
            file: file.map(|file| file.path.as_path()),
            resume: file.is_some_and(|file| file.resume),
            is_terminal: settings.render.is_terminal,
        };
        let (output, head) = Output::choose(&request, &inputs)?;
        let destination = match settings.destination {
            Destination::Stream(stream) => Reserved::Stream(stream),
            Destination::File(file) => Reserved::File(ReservedFile::open(&file, &inputs)?),
            Destination::Folder(folder) => {
                Reserved::Folder(ReservedFolder::open(&folder, &inputs)?)
            }
        };
        Ok(Self {
            inputs,
            output,
            head,
            destination,
            identity: RunIdentity::new(),
            into: settings.into,
            render: settings.render,
            workers: settings.workers.max(1),
            output_limit: settings.output_limit,
            skip_blank: settings.skip_blank,
        })
    }

    /// Whether the run can be resumed after an interrupt: all inputs are files, and
    /// results are written to a file that is not Parquet.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        match &self.destination {
            Reserved::Stream(_) | Reserved::Folder(_) => false,
            Reserved::File(file) => file.is_resumable() && self.output.table().is_none(),
        }
    }

    /// Sets what the results depend on beside the inputs and the version of Kumiki:
    /// plugins, settings and limits. A run is only resumed when all of it is the same.
    /// Without effect on a run that is not [resumable](Run::is_resumable).
    #[must_use]
    pub fn with_identity(mut self, identity: RunIdentity) -> Self {
        self.identity = identity;
        self
    }

    /// Sends all records through `pipeline` and writes the results.
    ///
    /// Errors of single records are [`RunEvent::Diagnostic`] events, and the run goes
    /// on. The call returns at the end of the input, or at an interrupt when all
    /// batches before it are written.
    ///
    /// # Errors
    /// When the output cannot be created, the earlier run cannot be resumed, or results
    /// cannot be written.
    pub fn execute(
        self,
        pipeline: Pipeline,
        observer: &dyn RunObserver,
        interrupt: &Interrupt,
    ) -> Result<Summary, Error> {
        let plugins = pipeline.plugins().len();
        check_results(self.into.as_deref(), plugins, pipeline.is_chain())?;
        let path = match &self.destination {
            Reserved::Stream(_) => None,
            Reserved::File(file) => Some(file.path().to_owned()),
            Reserved::Folder(_) => return Err(Error::FolderNeedsWhole),
        };
        let (sink, resumed) = begin(
            self.destination,
            &self.output,
            self.output_limit,
            self.identity,
            &self.inputs,
        )?;
        if let Some((position, _)) = resumed {
            observer.event(&RunEvent::Resumed {
                records: position.records,
            });
        }
        observer.event(&RunEvent::Started {
            total_bytes: self.inputs.total_bytes(),
        });
        let job = Job {
            inputs: self.inputs,
            output: self.output,
            sink,
            head: self.head,
            resumed,
            render: self.render,
            workers: self.workers,
            output_limit: self.output_limit,
            skip_blank: self.skip_blank,
        };
        let summary = execute(job, pipeline, observer, interrupt);
        summary.map_err(|source| Error::Write {
            output: path,
            source,
        })
    }
}

impl Run {
    /// Passes each input through `pipeline` as one text, and writes the result as it
    /// comes. Plugins that export `streaming` read and write in constant memory; others
    /// get the text in one call, if it has at most [`RunSettings::line_limit`] bytes.
    ///
    /// The run ends at the first text that fails, with a [`RunEvent::Diagnostic`]. What was
    /// written of its result is not complete; an output file then keeps the name of its
    /// part. With [`Destination::Folder`], several texts are processed at the same time, on
    /// [`RunSettings::workers`] threads, and a text that fails does not end the others.
    ///
    /// # Errors
    /// [`Error::SeveralPlugins`] for several plugins that are not a chain; as for
    /// [`Run::execute`].
    pub fn execute_whole(
        self,
        pipeline: Pipeline,
        observer: &dyn RunObserver,
        interrupt: &Interrupt,
    ) -> Result<Summary, Error> {
        check_whole(pipeline.plugins().len(), pipeline.is_chain())?;
        let total_bytes = self.inputs.total_bytes();
        let (path, sink) = match self.destination {
            Reserved::Folder(folder) => {
                observer.event(&RunEvent::Started { total_bytes });
                let path = Some(folder.path().to_owned());
                let (inputs, workers) = (self.inputs, self.workers);
                let summary =
                    whole::folder::execute(inputs, folder, workers, pipeline, observer, interrupt);
                return summary.map_err(|source| Error::Write {
                    output: path,
                    source,
                });
            }
            Reserved::Stream(stream) => (None, Sink::stream(stream)),
            Reserved::File(file) => {
                let path = file.path().to_owned();
                let begun = file.not_resumable().begin(self.identity)?;
                (Some(path), Sink::File(Box::new(begun.file)))
            }
        };
        observer.event(&RunEvent::Started { total_bytes });
        let summary = whole::execute(
            self.inputs,
            (sink, self.render.is_terminal),
            pipeline,
            observer,
            interrupt,
        );
        summary.map_err(|source| Error::Write {
            output: path,
            source,
        })
    }
}

/// Opens the output for results. An earlier run that is resumed ended at the position
/// that is returned, with this many failed results.
fn begin(
    destination: Reserved,
    output: &Output,
    output_limit: usize,
    mut identity: RunIdentity,
    inputs: &OpenInputs,
) -> Result<(Sink, Option<(Position, u64)>), Error> {
    Ok(match (destination, output) {
        (Reserved::Stream(stream), _) => (Sink::stream(stream), None),
        (Reserved::Folder(_), _) => return Err(Error::FolderNeedsWhole),
        (Reserved::File(file), Output::Table(target)) => {
            let writer = file.begin_table(target, output_limit)?;
            (Sink::Table(Box::new(writer)), None)
        }
        (Reserved::File(file), Output::Report(_) | Output::Rows(_)) => {
            add_inputs(&mut identity, inputs);
            let begun = file.begin(identity)?;
            (Sink::File(Box::new(begun.file)), begun.resumed)
        }
    })
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

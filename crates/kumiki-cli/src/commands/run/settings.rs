//! The settings of a run, from the arguments.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use kumiki_pipeline::{
    Destination, Input, OutputFile, OutputFolder, RecordFormat, RenderOptions, RunSettings,
};

use crate::arguments::RunArguments;
use crate::failure::Failure;
use crate::formats::OutputFormat;
use crate::input_files::input_files;

/// The settings of the run.
pub(super) fn settings(
    arguments: &RunArguments,
    plugins: &[PathBuf],
) -> Result<RunSettings, Failure> {
    let format = arguments.input_format.map(Into::into);
    let format = RecordFormat::resolve(format, arguments.field.clone(), &arguments.files)?;
    let render = render(arguments);
    let (inputs, destination) = inputs_and_destination(arguments, plugins, render)?;
    let mut settings = RunSettings::new(inputs, destination);
    settings.format = format;
    settings.into = arguments.into.clone();
    settings.output_format = match arguments.whole {
        // Whatever the name of the output file is.
        true => Some(kumiki_pipeline::OutputFormat::Raw),
        false => arguments.output.map(Into::into),
    };
    settings.render = render;
    if let Some(jobs) = arguments.jobs {
        settings.workers = jobs.into();
    }
    settings.line_limit = arguments.line_limit;
    settings.skip_blank = arguments.skip_blank;
    Ok(settings)
}

fn inputs_and_destination(
    arguments: &RunArguments,
    plugins: &[PathBuf],
    render: RenderOptions,
) -> Result<(Vec<Input>, Destination), Failure> {
    if let Some(path) = &arguments.output_folder {
        if path.as_os_str() == "-" {
            return Err(Failure::usage(
                "`-` is not a valid output folder",
                "name a folder, or omit `--output-folder` to write to standard output",
            ));
        }
        if arguments.files.iter().any(|file| file.as_os_str() == "-") {
            return Err(Failure::usage(
                "standard input has no name for a file in the output folder",
                "name files or folders, or write to one file: `--output-file FILE`",
            ));
        }
        let found = input_files(&arguments.files, path)?;
        if found.files.is_empty() {
            return Err(Failure::usage(
                "there is nothing to read",
                "name files, or folders with files that are not hidden",
            ));
        }
        let settings = arguments.grants.grants.iter();
        let settings = settings.chain(&arguments.limits.limits);
        let protected: Vec<_> = plugins.iter().chain(settings).cloned().collect();
        let folder = OutputFolder::new(path).with_roots(found.folders);
        let folder = folder.with_protected(protected);
        let files = found.files.into_iter().map(Input::File);
        return Ok((files.collect(), Destination::Folder(folder)));
    }
    let destination = match &arguments.output_file {
        Some(path) => {
            let file = OutputFile::new(path).resumed(arguments.resume);
            Destination::File(file.with_plugins(plugins))
        }
        None => Destination::Stream(stdout(arguments, render)),
    };
    Ok((inputs(arguments)?, destination))
}

/// The inputs that the arguments name, or standard input.
fn inputs(arguments: &RunArguments) -> Result<Vec<Input>, Failure> {
    let stdin = || Input::Stream {
        name: "-".to_owned(),
        reader: Box::new(io::stdin()),
    };
    if let Some(text) = &arguments.text {
        return Ok(vec![Input::Text(text.clone())]);
    }
    if arguments.files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::usage(
                "there is nothing to read",
                "give `--text STRING` or a file, pipe text in, or give `-` to read the terminal",
            ));
        }
        return Ok(vec![stdin()]);
    }
    let files = arguments.files.iter();
    let inputs = files.map(|path| match path.as_os_str() == "-" {
        true => stdin(),
        false => Input::File(path.clone()),
    });
    Ok(inputs.collect())
}

/// How results are rendered, on standard output or in a file.
fn render(arguments: &RunArguments) -> RenderOptions {
    match (&arguments.output_file, &arguments.output_folder) {
        (Some(_), _) | (_, Some(_)) => RenderOptions::default(),
        // A pipe gets results unchanged, with colours only if they are forced.
        (None, None) => RenderOptions::new(
            io::stdout().is_terminal(),
            AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        ),
    }
}

/// Standard output. Text on a terminal has the colours that the terminal supports.
fn stdout(arguments: &RunArguments, render: RenderOptions) -> Box<dyn Write + Send> {
    let is_text =
        arguments.into.is_none() && matches!(arguments.output, None | Some(OutputFormat::Text));
    match is_text && render.is_terminal {
        true => Box::new(AutoStream::auto(io::stdout())),
        false => Box::new(io::stdout()),
    }
}

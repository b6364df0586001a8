//! `kumiki run`: runs records through plugins.
//!
//! Usage errors are found before the first record and end the run with exit code 2.
//! After that, the run ends only with its input, or when the reader of its output
//! closes the pipe.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use anstream::{AutoStream, ColorChoice};
use kumiki::Plugin;
use kumiki_pipeline::{
    Destination, Error as RunError, Input, Interrupt, OutputFile, OutputFolder, RecordFormat,
    RenderOptions, Run, RunEvent, RunObserver, RunSettings, Summary, part_path, state_path,
};
use kumiki_text::{CallMode, Config, Pipeline, TextContract, TextHost, TextPlugin};

use super::identity::identity;
use super::report::{brief, table};
use crate::arguments::RunArguments;
use crate::artifacts;
use crate::console::{Console, escape, plural};
use crate::failure::Failure;
use crate::formats::OutputFormat;
use crate::grants::RunGrants;
use crate::input_files::input_files;
use crate::loading::{find, load_all};
use crate::own_files::OwnFiles;
use crate::requests::{Admitted, admit};
use crate::sandbox::ProcessSandbox;
use crate::signals;

pub(crate) fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    kumiki::raise_descriptor_limit();
    let console = Console::new(arguments.quiet, arguments.verbose);
    let files = find(&arguments.plugins)?;
    // Errors in limits are reported after those in inputs and output.
    let in_flight = arguments.instances.in_flight();
    let limits = arguments.limits.resolve();
    let limits = limits.map(|limits| limits.for_calls(in_flight));
    let mut settings = settings(arguments, &files)?;
    let workers = settings.workers;
    match arguments.whole {
        true => settings.check_whole(files.len(), arguments.chain)?,
        false => settings.check_plugins(files.len(), arguments.chain)?,
    }
    if let Ok(limits) = &limits {
        settings.output_limit = limits.host.output;
    }
    let is_watched = settings.render.is_terminal;
    let run = Run::open(settings).map_err(|error| match (arguments.whole, error) {
        (true, error @ RunError::Incomplete { .. }) => {
            let mut failure = Failure::from(error);
            failure.hint = Some("remove it; whole texts cannot be resumed".into());
            failure
        }
        (_, error) => error.into(),
    })?;

    let grants = RunGrants::read(&arguments.grants)?.opened()?;

    let cache = artifacts::cache(&console);
    let compile = arguments.process.compile.command()?;
    let limits = limits?;
    let host: TextHost = artifacts::host(cache.clone(), compile)
        .limits(limits.host)
        .budget(arguments.process.budget())
        .observer(console.clone())
        .slots(slots(files.len(), workers))
        .build()?;
    for name in RunGrants::unset_variables(&arguments.grants) {
        let notice = format!(
            "warning: `--allow-env {name}`: the variable is not set, and plugins do not see it"
        );
        console.notice(escape(&notice));
    }
    for plugin in grants.unknown(&host, &files) {
        let notice = format!("warning: the grants of `{plugin}` match no plugin in this run");
        console.notice(escape(&notice));
    }
    let own = OwnFiles::of_run(arguments, &files);
    let admitted = admit(&host, &files, &grants, &own, &console)?;

    let loading = process_sandbox(arguments, &files, &admitted);
    let loading = loading.before_loading(cache.as_ref(), &console)?;
    let loaded = load_plugins(&host, &admitted, &console);
    loading.before_plugins_run()?;
    let loaded = start_plugins(arguments, limits.max_metadata, loaded, &admitted, &console);
    let complete = loaded.len() == files.len();
    if loaded.is_empty() {
        return Err(Failure::failed("no plugin could be loaded"));
    }
    if arguments.chain && !complete {
        return Err(Failure::failed(
            "a chain needs all of its plugins, but some could not be loaded",
        ));
    }
    let pipeline = if arguments.chain {
        Pipeline::chain(loaded)
    } else {
        Pipeline::each(loaded)
    };
    for plugin in pipeline.plugins() {
        let (name, version) = (escape(plugin.name()), escape(plugin.version()));
        console.notice(format_args!("Loaded plugin: {name} v{version}"));
    }

    let names = pipeline.plugins().iter().map(TextPlugin::name);
    let names: Vec<_> = names.map(str::to_owned).collect();
    let is_resumable = run.is_resumable() && !arguments.whole;
    let run = match is_resumable {
        true => run.with_identity(identity(arguments, &files, &grants)?),
        false => run,
    };
    let events = RunEvents {
        console: &console,
        shows_progress: arguments.text.is_none(),
        is_watched,
    };
    let start = Instant::now();
    let (summary, signal) = execute(run, pipeline, &events, arguments);
    console.done();
    let summary = match summary {
        Ok(summary) => summary,
        // The reader closed the pipe.
        Err(RunError::Write { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(ExitCode::from(u8::from(!complete)));
        }
        Err(error) => return Err(error.into()),
    };
    if arguments.whole && (summary.interrupted || summary.failed > 0) {
        report_incomplete(arguments, &summary, &console);
    } else if summary.interrupted {
        report_interrupt(arguments, &summary, is_resumable, &console);
    }
    report_summary(arguments, &summary, &names, start, &console);
    let failed = summary.failed + summary.failed_before;
    Ok(ExitCode::from(match summary.interrupted {
        // The exit code that shells use for a program ended by a signal.
        true => 128_u8.saturating_add(signal),
        false => u8::from(!complete || failed > 0),
    }))
}

/// The settings of the run, from the arguments.
fn settings(arguments: &RunArguments, plugins: &[PathBuf]) -> Result<RunSettings, Failure> {
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

/// Executes the run. Also returns the number of the signal that interrupted it, or 0.
fn execute(
    run: Run,
    pipeline: Pipeline,
    events: &RunEvents<'_>,
    arguments: &RunArguments,
) -> (Result<Summary, RunError>, u8) {
    let (interrupt, signal) = (Interrupt::new(), Arc::new(AtomicU8::new(0)));
    let (handle, number) = (interrupt.clone(), signal.clone());
    let handled = signals::on_interrupt(move |signal| {
        number.store(signal, Ordering::SeqCst);
        handle.trigger();
    });
    let summary = match handled {
        Ok(()) if arguments.whole => run.execute_whole(pipeline, events, &interrupt),
        Ok(()) => run.execute(pipeline, events, &interrupt),
        Err(source) => Err(RunError::Write {
            output: arguments.output_file.clone(),
            source,
        }),
    };
    (summary, signal.load(Ordering::SeqCst))
}

/// Shows the events of a run.
struct RunEvents<'a> {
    console: &'a Console,
    /// Whether progress is shown; the result of `--text` appears at once.
    shows_progress: bool,
    /// Whether results are shown on the terminal.
    is_watched: bool,
}

impl RunObserver for RunEvents<'_> {
    fn event(&self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Resumed { records } => {
                let done = plural(*records, "record");
                self.console.notice(format_args!("resuming after {done}"));
            }
            RunEvent::Started { total_bytes } if self.shows_progress => {
                self.console.progress(*total_bytes, self.is_watched);
            }
            RunEvent::Diagnostic(diagnostic) => self.console.diagnostic(diagnostic),
            RunEvent::Progress { bytes, records } => self.console.advance(*bytes, *records),
            _ => {}
        }
    }
}

/// Prints the summary and the usage of the plugins.
fn report_summary(
    arguments: &RunArguments,
    summary: &Summary,
    names: &[String],
    start: Instant,
    console: &Console,
) {
    let used = || {
        names
            .iter()
            .map(String::as_str)
            .zip(summary.usages.iter().flatten())
    };
    // With `--text`, the result is visible without a summary.
    if arguments.text.is_none() {
        console.notice(brief_summary(summary, names.len() as u64, start));
        if !arguments.report {
            for line in brief(used()) {
                console.notice(escape(&line));
            }
        }
    }
    if arguments.report {
        for line in table(used()) {
            console.report(&line);
        }
    }
}

/// The sandbox for the files and network access that the run needs.
fn process_sandbox(
    arguments: &RunArguments,
    plugins: &[PathBuf],
    admitted: &[Admitted],
) -> ProcessSandbox {
    let inputs = arguments
        .files
        .iter()
        .filter(|path| path.as_os_str() != "-");
    let sandbox = ProcessSandbox::new(!arguments.process.no_sandbox)
        .read(plugins)
        .read(inputs)
        .read_arguments(&arguments.grants, arguments.limits.limits.as_ref())
        .grants(admitted.iter().map(Admitted::grants));
    let sandbox = match &arguments.output_folder {
        Some(folder) => sandbox.write_folder(folder),
        None => sandbox,
    };
    match &arguments.output_file {
        // `--resume` reads what an earlier run left.
        Some(path) => {
            let part = part_path(path);
            let state = state_path(&part);
            sandbox.read([part, state]).write(path)
        }
        None => sandbox,
    }
}

/// Loads plugins, compiled or from the cache. None of them runs yet.
fn load_plugins(
    host: &TextHost,
    admitted: &[Admitted],
    console: &Console,
) -> Vec<kumiki::Result<Plugin<TextContract>>> {
    let name = |plugin: &Admitted| plugin.file.display().to_string();
    load_all(admitted, name, |plugin| plugin.load(host), console)
}

/// Starts the loaded plugins and asks each for its name. Reports those that fail.
fn start_plugins(
    arguments: &RunArguments,
    max_metadata: Option<usize>,
    loaded: Vec<kumiki::Result<Plugin<TextContract>>>,
    admitted: &[Admitted],
    console: &Console,
) -> Vec<TextPlugin> {
    let config: Config = arguments.config.iter().cloned().collect();
    let recycling = arguments.instances.recycling();
    let start = |at: &usize| {
        let plugin = loaded[*at].as_ref().ok()?;
        let plugin = TextPlugin::new(plugin.clone(), config.clone());
        Some(plugin.map(|plugin| {
            let plugin = plugin.with_recycling(recycling.clone());
            let plugin = match arguments.instances.in_flight() {
                Some(records) => plugin.with_in_flight(records),
                None => plugin,
            };
            match max_metadata {
                Some(entries) => plugin.with_max_metadata(entries),
                None => plugin,
            }
        }))
    };
    let name = |at: &usize| admitted[*at].file.display().to_string();
    let places: Vec<usize> = (0..loaded.len()).collect();
    let started = load_all(&places, name, start, console);
    // Measured only if the result is shown.
    let measured = arguments.report || !arguments.quiet && arguments.text.is_none();
    let mut plugins = Vec::new();
    for (loaded, started) in loaded.into_iter().zip(started) {
        let plugin = match (loaded, started) {
            (Err(error), _) => Err(error.into()),
            (Ok(_), Some(started)) => started,
            (Ok(_), None) => continue,
        };
        match plugin {
            Ok(mut plugin) if measured => {
                // One record per call, because limits are chosen by what one record needs.
                if arguments.report {
                    plugin.set_mode(CallMode::Single);
                }
                plugins.push(plugin.measured());
            }
            Ok(plugin) => plugins.push(plugin),
            Err(error) => console.plugin_error("", &error),
        }
    }
    plugins
}

/// Reports how far an interrupted run came.
fn report_interrupt(
    arguments: &RunArguments,
    summary: &Summary,
    is_resumable: bool,
    console: &Console,
) {
    match &summary.last {
        Some(location) => console.report(&format!(
            "interrupted: results are written up to {location}, and none after it"
        )),
        None => console.report("interrupted: nothing was written"),
    }
    if let Some(path) = &arguments.output_file {
        let part = part_path(path);
        let part = part.display();
        console.report(&match is_resumable {
            true => {
                format!("the results are in `{part}`; resume with the same command and `--resume`")
            }
            false => format!("the results are in `{part}`"),
        });
    }
}

/// Reports that the result of a whole text is not complete.
fn report_incomplete(arguments: &RunArguments, summary: &Summary, console: &Console) {
    let reason = match summary.interrupted {
        true => "interrupted: ",
        false => "",
    };
    if arguments.output_folder.is_some() {
        let done = plural(summary.records, "file");
        return console.report(&format!(
            "{reason}{done} done; the output of the others is missing or in files that end in \
             `.part`"
        ));
    }
    console.report(&match &arguments.output_file {
        Some(path) => {
            let part = part_path(path);
            format!(
                "{reason}the output is incomplete; it is in `{}`",
                part.display()
            )
        }
        None => format!("{reason}the output is incomplete"),
    });
}

/// The number of pool slots: one for each plugin in each worker and one to spare per
/// plugin, because a small pool is created faster. A plugin with several memories
/// takes as many slots; instances that find no slot are allocated outside the pool.
fn slots(plugins: usize, workers: usize) -> u32 {
    const MOST: u32 = 10_000;
    u32::try_from(plugins.saturating_mul(workers + 1)).map_or(MOST, |slots| slots.min(MOST))
}

fn brief_summary(summary: &Summary, plugins: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    let failed = match summary.failed {
        0 => String::new(),
        failed => format!(", {} failed", plural(failed, "result")),
    };
    format!(
        "{} through {} in {seconds:.2} s{failed}",
        plural(summary.records, "record"),
        plural(plugins, "plugin"),
    )
}

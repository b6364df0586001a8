//! `kumiki run`: runs records through plugins.
//!
//! Usage errors are found before the first record and end the run with exit code 2.
//! After that, the run ends only with its input, or when the reader of its output
//! closes the pipe.

mod end;
mod execution;
mod identity;
mod settings;
mod usage_table;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use kumiki::Plugin;
use kumiki_pipeline::{Error as RunError, Run, part_path, state_path};
use kumiki_text::{CallMode, Config, Pipeline, TextContract, TextHost, TextPlugin};

use end::{report_incomplete, report_interrupt, report_summary};
use execution::{RunEvents, execute};
use identity::identity;
use settings::settings;

use crate::arguments::RunArguments;
use crate::artifacts;
use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::grants::RunGrants;
use crate::loading::{find, load_all};
use crate::own_files::OwnFiles;
use crate::requests::{Admitted, admit};
use crate::sandbox::ProcessSandbox;

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
        if in_flight.is_some() && plugin.mode() != CallMode::Concurrent {
            console.notice(format_args!(
                "warning: `--in-flight` has no effect on `{name}`: it does not export `concurrent`"
            ));
        }
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
        is_whole: arguments.whole,
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
                // One record per call, because limits are chosen by what one record needs; but
                // a plugin that waits would take much longer.
                if arguments.report && plugin.mode() != CallMode::Concurrent {
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

/// The number of pool slots: one for each plugin in each worker and one to spare per
/// plugin, because a small pool is created faster. A plugin with several memories
/// takes as many slots; instances that find no slot are allocated outside the pool.
fn slots(plugins: usize, workers: usize) -> u32 {
    const MOST: u32 = 10_000;
    u32::try_from(plugins.saturating_mul(workers + 1)).map_or(MOST, |slots| slots.min(MOST))
}

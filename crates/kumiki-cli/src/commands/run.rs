//! `kumiki run`: the main job.
//!
//! Everything that can be known to be wrong is found before the first record:
//! arguments that cannot be followed end the run with exit code 2. After that
//! nothing ends it but the end of the input, or of whoever reads the output.

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use kumiki::Plugin;
use kumiki_text::{Config, Pipeline, TextContract, TextHost, TextPlugin, Way};

use super::output_file::{self, Begun};
use super::report::{brief, table};
use crate::arguments::{Format, RunArguments};
use crate::artifacts;
use crate::console::{Console, escape};
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::loading::{find, load_all};
use crate::own_files::OwnFiles;
use crate::requests::{Admitted, admit};
use crate::run::{
    Counts, Input, Job, Look, PartFile, Ran, Results, find_inputs, part, place, run as run_through,
};
use crate::sandbox::Wall;

pub(crate) fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    kumiki::raise_descriptor_limit();
    let console = Console::new(arguments.quiet, arguments.verbose);
    let files = find(&arguments.plugins)?;
    check_plugins(arguments, files.len())?;
    let inputs = find_inputs(arguments)?;
    let to_file = arguments.output_file.is_some();
    let look = |format| Look::new(format, to_file);
    let terminal = look(Format::Raw).terminal;
    let results = Results::new(arguments, &inputs, terminal)?;
    let output = output_file::open(arguments, &files)?;

    let grants = RunGrants::read(&arguments.grants)?.opened()?;

    let workers = workers(arguments);
    let cache = artifacts::cache(&console);
    let compile = arguments.process.compile.command()?;
    let limits = arguments.limits.resolve()?;
    let output_limit = limits.output;
    let host = TextHost::builder()
        .limits(limits)
        .budget(arguments.process.budget())
        .observer(console.clone())
        .cache(cache.clone())
        .compile_with(compile)
        .slots(slots(files.len(), workers))
        .build()?;
    for plugin in grants.unknown(&host, &files) {
        let notice = format!("the grants of `{plugin}` are of no plugin in this run");
        console.notice(escape(&notice));
    }
    let own = OwnFiles::of_run(arguments, &files);
    let admitted = admit(&host, &files, &grants, &own, &console)?;

    let loading = wall(arguments, &files, &admitted);
    let loading = loading.before_loading(cache.as_ref(), &console)?;
    let loaded = load_plugins(&host, &admitted, &console);
    loading.before_plugins_run()?;
    let loaded = start_plugins(arguments, loaded, &admitted, &console);
    let complete = loaded.len() == files.len();
    if loaded.is_empty() {
        return Err(Failure::failed("no plugin could be loaded"));
    }
    if arguments.chain && !complete {
        return Err(Failure::failed(
            "a chain needs all of its plugins, and not all could be loaded",
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
    let (begun, table) = match results.table {
        None => (
            output_file::begin(arguments, output, &files, &grants)?,
            None,
        ),
        Some(target) => {
            let file = output_file::begin_table(arguments, output, &target, output_limit)?;
            (Begun::default(), file.map(|file| (target, file)))
        }
    };
    if let Some(mark) = begun.from {
        let done = plural(mark.records, "record");
        console.notice(format_args!("going on behind {done}"));
    }
    let can_resume = begun.file.as_ref().is_some_and(PartFile::can_resume);
    let job = Job {
        workers,
        output_limit,
        line_limit: arguments.line_limit,
        skip_blank: arguments.skip_blank,
        form: inputs.form,
        table,
        look: look(results.format),
        into: results.into,
        head: results.head,
        file: begun.file,
        from: begun.from,
        failed: begun.failed,
        inputs: inputs.list,
    };
    // Whoever gives a string sees at once what came of it.
    if arguments.text.is_none() {
        console.progress(Input::total(&job.inputs), terminal);
    }
    let start = Instant::now();
    let ran = run_through(job, pipeline, &console);
    console.done();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => {
            let what = match &arguments.output_file {
                Some(path) => format!("`{}`", path.display()),
                None => "the results".to_owned(),
            };
            written(&what, Err(error))?;
            return Ok(ExitCode::from(u8::from(!complete)));
        }
    };
    if ran.counts.interrupted.is_some() {
        tell_interrupt(arguments, &ran.counts, can_resume, &console);
    }
    tell(arguments, &ran, &names, start, &console);
    let failed = ran.counts.failed + begun.failed;
    Ok(ExitCode::from(match ran.counts.interrupted {
        // What shells make of a program that a signal ends.
        Some(signal) => 128_u8.saturating_add(signal),
        None => u8::from(!complete || failed > 0),
    }))
}

/// Says what was done.
fn tell(arguments: &RunArguments, ran: &Ran, names: &[String], start: Instant, console: &Console) {
    let used = || {
        names
            .iter()
            .map(String::as_str)
            .zip(ran.usages.iter().flatten())
    };
    // Whoever gives a string sees at once what came of it.
    if arguments.text.is_none() {
        console.notice(summary(&ran.counts, names.len() as u64, start));
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

/// Rows have one place for results.
fn check_plugins(arguments: &RunArguments, plugins: usize) -> Result<(), Failure> {
    match &arguments.into {
        Some(into) if plugins > 1 && !arguments.chain => Err(Failure::wrong_use(
            format!("{plugins} plugins have a result each, and only one goes into `{into}`"),
            "send records through one after the other, `--chain`, or name one plugin with `-p`",
        )),
        _ => Ok(()),
    }
}

/// What the run needs of files and of the network.
fn wall(arguments: &RunArguments, plugins: &[PathBuf], admitted: &[Admitted]) -> Wall {
    let inputs = arguments
        .files
        .iter()
        .filter(|path| path.as_os_str() != "-");
    let wall = Wall::new(!arguments.process.no_sandbox)
        .read(plugins)
        .read(inputs)
        .read_said(&arguments.grants, arguments.limits.limits.as_ref())
        .grants(admitted.iter().map(Admitted::grants));
    match &arguments.output_file {
        // What an earlier run has left is read again.
        Some(path) => {
            let part = part(path);
            let state = PathBuf::from(place(part.as_os_str()));
            wall.read([part, state]).write(path)
        }
        None => wall,
    }
}

/// Compiles, or finds in the cache, what can be loaded; nothing of it runs yet.
fn load_plugins(
    host: &TextHost,
    admitted: &[Admitted],
    console: &Console,
) -> Vec<kumiki::Result<Plugin<TextContract>>> {
    let name = |plugin: &Admitted| plugin.file.display().to_string();
    load_all(admitted, name, |plugin| plugin.load(host), console)
}

/// Starts what was loaded, asks each for its name, and reports the rest.
fn start_plugins(
    arguments: &RunArguments,
    loaded: Vec<kumiki::Result<Plugin<TextContract>>>,
    admitted: &[Admitted],
    console: &Console,
) -> Vec<TextPlugin> {
    let config: Config = arguments.config.iter().cloned().collect();
    let renewal = arguments.instances.renewal();
    let start = |at: &usize| {
        let plugin = loaded[*at].as_ref().ok()?;
        let plugin = TextPlugin::new(plugin.clone(), config.clone());
        Some(plugin.map(|plugin| plugin.with_renewal(renewal.clone())))
    };
    let name = |at: &usize| admitted[*at].file.display().to_string();
    let places: Vec<usize> = (0..loaded.len()).collect();
    let started = load_all(&places, name, start, console);
    // What nobody is told is not measured.
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
                // Limits are set by what one record needs.
                if arguments.report {
                    plugin.set_way(Way::SINGLE);
                }
                plugins.push(plugin.measured());
            }
            Ok(plugin) => plugins.push(plugin),
            Err(error) => console.plugin_error("", &error),
        }
    }
    plugins
}

/// Says how far it got.
fn tell_interrupt(arguments: &RunArguments, counts: &Counts, can_resume: bool, console: &Console) {
    match &counts.last {
        Some((file, line)) => console.report(&format!(
            "interrupted: all is written up to {file}:{line}, and nothing after it"
        )),
        None => console.report("interrupted: nothing is written"),
    }
    if let Some(path) = &arguments.output_file {
        let part = part(path);
        let part = part.display();
        console.report(&match can_resume {
            true => {
                format!("it is in `{part}`; the same command with `--resume` goes on from there")
            }
            false => format!("it is in `{part}`"),
        });
    }
}

/// Room for an instance of each plugin for each worker, and no more: a small
/// pool is made sooner. What has several memories takes as many slots, and what
/// finds none does without.
fn slots(plugins: usize, workers: usize) -> u32 {
    const MOST: u32 = 10_000;
    u32::try_from(plugins.saturating_mul(workers + 1)).map_or(MOST, |slots| slots.min(MOST))
}

/// As many as are asked for, or as the machine has cores.
fn workers(arguments: &RunArguments) -> usize {
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    arguments.jobs.map_or_else(cores, |jobs| jobs.into())
}

fn plural(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

fn summary(counts: &Counts, plugins: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    let failed = match counts.failed {
        0 => String::new(),
        failed => format!(", {} failed", plural(failed, "result")),
    };
    format!(
        "{} through {} in {seconds:.2} s{failed}",
        plural(counts.records, "record"),
        plural(plugins, "plugin"),
    )
}

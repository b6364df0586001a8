//! `kumiki run`: the main job.
//!
//! Everything that can be known to be wrong is found before the first record:
//! arguments that cannot be followed end the run with exit code 2. After that
//! nothing ends it but the end of the input, or of whoever reads the output.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anstream::{AutoStream, ColorChoice};
use kumiki_text::{Config, Outcome, Pipeline, ReadError, Records, TextHost, TextPlugin};

use super::report::table;
use crate::arguments::{Format, RunArguments};
use crate::artifacts;
use crate::console::{Console, escape};
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::loading::{find, load_all};
use crate::output::{Place, ResultWriter, writer};
use crate::requests::{Admitted, admit};

pub(crate) fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let console = Console::new(arguments.quiet, arguments.verbose);
    let files = find(&arguments.plugins)?;
    let inputs = find_inputs(arguments)?;

    let grants = RunGrants::read(&arguments.grants)?;
    for plugin in grants.unknown(&files) {
        let plugin = escape(plugin);
        console.notice(format_args!(
            "the grants of `{plugin}` are of no plugin in this run"
        ));
    }

    let host = TextHost::builder()
        .limits(arguments.limits.resolve()?)
        .observer(console.clone())
        .cache(artifacts::cache(&console))
        .build()?;
    let admitted = admit(&host, &files, &grants, &console)?;

    let loaded = load_plugins(arguments, &host, &admitted, &console);
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

    let mut run = Run::new(arguments, pipeline, console);
    let result = run.all(inputs);
    if result.is_err() {
        run.console.done();
    }
    written("the results", result)?;
    if arguments.report {
        for line in table(run.pipeline.plugins()) {
            run.console.report(&line);
        }
    }
    Ok(ExitCode::from(u8::from(!complete || run.failed > 0)))
}

/// Loads what can be loaded, and reports the rest.
fn load_plugins(
    arguments: &RunArguments,
    host: &TextHost,
    admitted: &[Admitted],
    console: &Console,
) -> Vec<TextPlugin> {
    let config: Config = arguments.config.iter().cloned().collect();
    let name = |plugin: &Admitted| plugin.file.display().to_string();
    let load = |plugin: &Admitted| TextPlugin::new(plugin.load(host)?, config.clone());
    let mut plugins = Vec::new();
    for plugin in load_all(admitted, name, load, console) {
        match plugin {
            Ok(plugin) if arguments.report => plugins.push(plugin.measured()),
            Ok(plugin) => plugins.push(plugin),
            Err(error) => console.plugin_error("", &error),
        }
    }
    plugins
}

/// What to read.
enum Input {
    Text(String),
    Stdin,
    File(PathBuf),
}

fn find_inputs(arguments: &RunArguments) -> Result<Vec<Input>, Failure> {
    if let Some(text) = &arguments.text {
        return Ok(vec![Input::Text(text.clone())]);
    }
    if arguments.files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::wrong_use(
                "there is nothing to read",
                "give `--text STRING` or a file, or pipe text in; `-` reads from the terminal",
            ));
        }
        return Ok(vec![Input::Stdin]);
    }
    let input = |path: &PathBuf| {
        if path.as_os_str() == "-" {
            return Ok(Input::Stdin);
        }
        let metadata = std::fs::metadata(path).map_err(|error| {
            Failure::path(
                "file",
                path,
                &error,
                "check the path, relative to the current folder",
            )
        })?;
        if metadata.is_dir() {
            return Err(Failure::wrong_use(
                format!("`{}` is a folder, not a file", path.display()),
                "name the files in it; plugins are named with `-p`",
            ));
        }
        Ok(Input::File(path.clone()))
    };
    arguments.files.iter().map(input).collect()
}

/// The state of a run.
struct Run<'a> {
    arguments: &'a RunArguments,
    pipeline: Pipeline,
    console: Console,
    writer: Box<dyn ResultWriter>,
    out: Box<dyn Write>,
    /// Whether a person watches the results.
    terminal: bool,
    records: u64,
    /// Results that are missing because a plugin or a line failed.
    failed: u64,
    /// Bytes of the inputs already read to their end.
    finished_bytes: u64,
}

impl<'a> Run<'a> {
    fn new(arguments: &'a RunArguments, pipeline: Pipeline, console: Console) -> Self {
        let terminal = io::stdout().is_terminal();
        // Colours, where wanted and possible, are the text format's alone, and
        // a terminal's own matter. A pipe gets what is written as it is.
        let coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let stdout: Box<dyn Write> = match arguments.output {
            Format::Text if terminal => Box::new(AutoStream::auto(io::stdout())),
            Format::Text | Format::Jsonl | Format::Raw => Box::new(io::stdout()),
        };
        Self {
            arguments,
            pipeline,
            console,
            writer: writer(arguments.output, terminal, coloured),
            out: Box::new(BufWriter::with_capacity(64 * 1024, stdout)),
            terminal,
            records: 0,
            failed: 0,
            finished_bytes: 0,
        }
    }

    fn all(&mut self, inputs: Vec<Input>) -> io::Result<()> {
        if let [Input::Text(text)] = &inputs[..] {
            self.record(None, text)?;
            return self.out.flush();
        }
        let start = Instant::now();
        self.console.progress(total_bytes(&inputs));
        for input in inputs {
            match input {
                Input::Text(text) => self.record(None, &text)?,
                Input::Stdin => self.lines("-", io::stdin().lock())?,
                Input::File(path) => self.file(&path)?,
            }
        }
        self.out.flush()?;
        self.console.done();
        self.summary(start);
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => self.lines(&name, file),
            Err(error) => {
                self.failed += 1;
                self.console.error(
                    format_args!("cannot read file `{name}`"),
                    &[error.to_string()],
                    None,
                );
                Ok(())
            }
        }
    }

    fn lines(&mut self, name: &str, reader: impl Read) -> io::Result<()> {
        let mut records = Records::new(reader, self.arguments.line_limit);
        loop {
            if records.is_drained() {
                // The next read may wait for a person or a slow pipe.
                self.out.flush()?;
                self.console
                    .advance(self.finished_bytes + records.bytes_read(), self.records);
            }
            match records.next_record() {
                None => break,
                Some(Ok(record)) => {
                    if self.arguments.skip_blank && record.text.trim().is_empty() {
                        continue;
                    }
                    self.record(Some((name, record.line)), record.text)?;
                }
                Some(Err(error)) => self.unread(name, &error)?,
            }
        }
        self.finished_bytes += records.bytes_read();
        Ok(())
    }

    fn record(&mut self, line: Option<(&str, u64)>, text: &str) -> io::Result<()> {
        self.records += 1;
        let Self {
            pipeline,
            writer,
            out,
            console,
            failed,
            records,
            terminal,
            ..
        } = self;
        let place = Place {
            record: *records,
            line,
        };
        writer.begin(out, place)?;
        pipeline.process(text, |outcome: Outcome<'_>| {
            let written = writer.result(out, place, &outcome)?;
            if *terminal {
                // So that a plugin's log stands above its own result.
                out.flush()?;
            }
            if let Err(error) = &outcome.result {
                *failed += 1;
                if !written {
                    let place = line.map_or(String::new(), |(file, line)| format!("{file}:{line}"));
                    console.plugin_error(&place, error);
                }
            }
            Ok(())
        })
    }

    fn unread(&mut self, name: &str, error: &ReadError) -> io::Result<()> {
        self.records += 1;
        self.failed += 1;
        let place = Place {
            record: self.records,
            line: Some((name, error.line())),
        };
        if self.writer.unread(&mut self.out, place, error)? {
            return Ok(());
        }
        let hint = match error {
            ReadError::NotUtf8 { .. } => {
                Some("turn the file into UTF-8: `iconv -f latin1 -t utf-8 FILE`")
            }
            ReadError::TooLong { .. } => Some("raise the limit: `--line-limit 1GiB`"),
            _ => None,
        };
        let causes = crate::failure::causes(error);
        self.console
            .error(format_args!("{name}: {error}"), &causes, hint);
        Ok(())
    }

    fn summary(&self, start: Instant) {
        let plural = |count: u64, noun: &str| {
            if count == 1 {
                format!("1 {noun}")
            } else {
                format!("{count} {noun}s")
            }
        };
        let (records, plugins) = (self.records, self.pipeline.plugins().len() as u64);
        let seconds = start.elapsed().as_secs_f64();
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {} failed", plural(failed, "result")),
        };
        self.console.notice(format_args!(
            "{} through {} in {seconds:.2} s{failed}",
            plural(records, "record"),
            plural(plugins, "plugin"),
        ));
    }
}

/// The size of all inputs together, if all are files.
fn total_bytes(inputs: &[Input]) -> Option<u64> {
    let size = |input: &Input| match input {
        Input::File(path) => Some(std::fs::metadata(path).ok()?.len()),
        Input::Text(_) | Input::Stdin => None,
    };
    inputs.iter().map(size).sum()
}

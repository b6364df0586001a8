//! `kumiki dev`: builds, tests and runs a plugin again whenever its source changes,
//! until interrupted.
//!
//! This process starts build tools, so it cannot restrict itself as `kumiki run` does.
//! The plugin still runs in WebAssembly, with limits and grants, and is compiled in a
//! separate process.

mod answer;
mod difference;
mod log;
mod plugin;
mod round;
mod sample;
mod times;
mod view;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use kumiki::Level;

use self::answer::Answers;
use self::plugin::{Builds, Loaded};
use self::round::Round;
use self::sample::Sample;
use self::times::Times;
use super::project::{Change, Sources, read};
use crate::arguments::DevArguments;
use crate::console::{Console, escape, print_failure};
use crate::failure::{Failure, written};
use crate::signals;

pub(crate) fn dev(arguments: &DevArguments) -> Result<ExitCode, Failure> {
    kumiki::raise_descriptor_limit();
    let level = match arguments.verbose {
        true => Level::Debug,
        false => Level::Info,
    };
    // Other builds have no names of functions.
    let console = Console::with(Some(level), arguments.debug);
    // Errors that no change of the project can fix.
    if !arguments.folder.join("kumiki.toml").exists() {
        read(&arguments.folder)?;
    }
    if let Some(file) = &arguments.file {
        check_file(file)?;
    }
    let mut session = Session::new(arguments, &console, level)?;
    let mut sources = Sources::new(&arguments.folder)?;
    if let Some(file) = &arguments.file {
        sources = sources.with_file(file);
    }
    // Ctrl-C is the way to end it.
    signals::end_with_tools(&console, 0)?;
    let mut change = None;
    // Before the build, so that no change during the build is missed.
    sources.watch()?;
    loop {
        match session.round(change.as_ref(), &mut sources) {
            // Nothing reads the results any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            round => written("the results", round)?,
        }
        if change.is_none() {
            let folder = arguments.folder.display();
            console.notice(escape(&format!("watching {folder}; press Ctrl-C to stop")));
        }
        change = sources.wait(&console)?;
        if change.is_none() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check_file(file: &Path) -> Result<(), Failure> {
    let hint = "name a file with one record per line, after the plugin's folder";
    let opened = kumiki_build::open_regular(file);
    opened
        .map(drop)
        .map_err(|error| Failure::path("file", file, &error, hint))
}

/// What stays from one build to the next.
struct Session<'a> {
    arguments: &'a DevArguments,
    console: &'a Console,
    builds: Builds<'a>,
    /// The plugin of the last build that worked.
    plugin: Option<Loaded>,
    answers: Answers,
}

impl<'a> Session<'a> {
    fn new(
        arguments: &'a DevArguments,
        console: &'a Console,
        level: Level,
    ) -> Result<Self, Failure> {
        Ok(Self {
            arguments,
            console,
            builds: Builds::new(arguments, console, level)?,
            plugin: None,
            answers: Answers::default(),
        })
    }

    /// Builds if a source changed, and runs the cases and the sample. Without a `change`,
    /// this is the first round.
    fn round(&mut self, change: Option<&Change>, sources: &mut Sources) -> io::Result<()> {
        let start = change.map_or_else(Instant::now, |change| change.at);
        if let Some(path) = change.and_then(|change| change.path.as_ref()) {
            view::changed(&self.shown(path))?;
        }
        let mut times = Times::new(start);
        if change.is_none_or(|change| change.sources) {
            let loaded = self.builds.next(&mut times);
            sources.built(loaded.is_ok(), self.console);
            match loaded {
                Ok(loaded) => self.plugin = loaded,
                Err(error) => {
                    error.show(self.console);
                    if self.plugin.is_some() {
                        self.console.notice(
                            "still using the last plugin that was built; waiting for the next change",
                        );
                    }
                    return Ok(());
                }
            }
        }
        let Some(plugin) = &self.plugin else {
            return Ok(());
        };
        let sample = match Sample::read(self.arguments) {
            Ok(sample) => sample,
            Err(failure) => {
                print_failure(&failure);
                return Ok(());
            }
        };
        self.builds.log.start_round();
        let round = Round {
            plugin,
            sample: &sample,
            console: self.console,
        };
        round.run(&mut self.answers, times, || sources.have_changed())
    }

    /// A changed file: a source relative to the project, the sample as it was named.
    fn shown(&self, path: &Path) -> PathBuf {
        let folder = self.arguments.folder.canonicalize().unwrap_or_default();
        if let Ok(source) = path.strip_prefix(folder) {
            return source.to_owned();
        }
        let sample = self.arguments.file.iter();
        let mut sample = sample.filter(|file| file.file_name() == path.file_name());
        sample.next().map_or(path, PathBuf::as_path).to_owned()
    }
}

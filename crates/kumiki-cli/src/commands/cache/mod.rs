//! `kumiki cache`: inspects, clears and fills the compile cache.

mod runtimes;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytesize::ByteSize;
use kumiki::{Artifact, Cache, Event, Observer};
use kumiki_text::TextHost;

use crate::arguments::{CacheCommand, RuntimeLanguage};
use crate::artifacts;
use crate::console::{Console, escape, plural};
use crate::failure::{Failure, written};
use crate::loading::{find, load_all};
use crate::process::CompileArguments;

pub(crate) fn cache(command: &CacheCommand) -> Result<ExitCode, Failure> {
    let cache = artifacts::open()?.ok_or_else(|| {
        Failure::usage(
            "there is no compile cache: KUMIKI_CACHE is `off`",
            "unset KUMIKI_CACHE, or set it to a folder",
        )
    })?;
    match command {
        CacheCommand::List => written("the list", list(&cache, &mut anstream::stdout().lock()))?,
        CacheCommand::Clear => {
            let freed = size(cache.clear()?);
            let folder = cache.folder().display().to_string();
            let folder = escape(&folder);
            written(
                "what was removed",
                writeln!(anstream::stdout(), "removed {freed} from {folder}"),
            )?;
        }
        CacheCommand::Warm {
            plugins,
            runtimes,
            compile,
        } => return warm(cache, plugins, runtimes, compile),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(cache: &Cache, out: &mut dyn Write) -> io::Result<()> {
    let artifacts = cache.artifacts().map_err(io::Error::other)?;
    let names: Vec<_> = artifacts.iter().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max("plugin".len());
    let mut total = 0;
    if !artifacts.is_empty() {
        writeln!(out, "{:<width$}  {:>10}  last used", "plugin", "size")?;
    }
    for (artifact, name) in artifacts.iter().zip(names) {
        total += artifact.bytes;
        let used = ago(artifact.used);
        let size = size(artifact.bytes);
        let users = users(artifact);
        writeln!(out, "{name:<width$}  {size:>10}  {used}{users}")?;
    }
    let count = plural(artifacts.len() as u64, "artifact");
    let folder = cache.folder().display().to_string();
    writeln!(out, "{count}, {} in {}", size(total), escape(&folder))
}

/// The name of a plugin, or the start of the hash of a runtime.
fn name(artifact: &Artifact) -> String {
    match &artifact.runtime {
        Some(runtime) => format!("runtime {}", runtime.hash.get(..12).unwrap_or_default()),
        None => escape(&artifact.plugin).into_owned(),
    }
}

/// How many plugins need a runtime.
fn users(artifact: &Artifact) -> String {
    match &artifact.runtime {
        Some(runtime) => match &*runtime.plugins {
            [] => ", needed by no plugin".to_owned(),
            [plugin] => format!(", needed by {}", escape(plugin)),
            plugins => format!(", needed by {}", plural(plugins.len() as u64, "plugin")),
        },
        None => String::new(),
    }
}

/// Compiles plugins that are not in the cache, and the runtimes of languages.
fn warm(
    cache: Cache,
    plugins: &[PathBuf],
    languages: &[RuntimeLanguage],
    compile: &CompileArguments,
) -> Result<ExitCode, Failure> {
    let console = Console::new(false, 0);
    let mut files = find(plugins)?;
    for language in languages {
        files.push(runtimes::plugin(*language, &console)?);
    }
    let seen = Seen::default();
    let host: TextHost = artifacts::host(Some(cache), compile.command()?)
        .observer(seen.clone())
        .build()?;
    let load = |file: &PathBuf| {
        let start = Instant::now();
        host.load(file).map(|_| start.elapsed())
    };
    let loaded = load_all(&files, |file| file.display().to_string(), load, &console);
    let mut failed = false;
    for (file, loaded) in files.iter().zip(loaded) {
        match loaded {
            Ok(elapsed) => {
                let line = seen.line(file, elapsed);
                written(
                    "what was done",
                    writeln!(anstream::stdout(), "{}", escape(&line)),
                )?;
            }
            Err(error) => {
                failed = true;
                console.plugin_error("", &kumiki_text::Error::Host(error));
            }
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// Plugins whose artifact was cached already or could not be cached, by name.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<HashMap<String, Outcome>>>);

#[derive(Clone)]
enum Outcome {
    Cached,
    NotCached(String),
}

impl Observer for Seen {
    fn event(&self, event: &Event<'_>) {
        let (plugin, outcome) = match event {
            Event::Loaded {
                plugin,
                cache_hit: true,
                ..
            } => (plugin, Outcome::Cached),
            Event::CacheWriteFailed { plugin, error } => {
                (plugin, Outcome::NotCached(error.to_string()))
            }
            _ => return,
        };
        if let Ok(mut seen) = self.0.lock() {
            seen.insert((*plugin).to_owned(), outcome);
        }
    }
}

impl Seen {
    fn line(&self, file: &Path, elapsed: Duration) -> String {
        let file = file.display().to_string();
        let seen = self.0.lock().ok();
        match seen.and_then(|seen| seen.get(&file).cloned()) {
            None => format!("{file}: compiled in {elapsed:.1?}"),
            Some(Outcome::Cached) => format!("{file}: already cached"),
            Some(Outcome::NotCached(error)) => {
                format!("{file}: compiled, but could not be cached: {error}")
            }
        }
    }
}

fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

/// The time since `time`, rounded for display.
fn ago(time: SystemTime) -> String {
    let seconds = time.elapsed().unwrap_or_default().as_secs();
    match seconds {
        0..120 => "a minute ago".into(),
        120..7200 => format!("{} minutes ago", seconds / 60),
        7200..172_800 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

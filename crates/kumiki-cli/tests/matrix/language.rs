//! A language of the matrix: its guest, compiled once for all trials, and the events
//! of its host.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kumiki::{Cache, Event, Level, LogRecord, Observer, Plugin};
use kumiki_build::Toolchain;
use kumiki_text::{CallMode, Error, Growth, ProcessResult, TextContract, TextHost, TextPlugin};
use test_components::guests::{Guest, artifacts};

use crate::cases::{Answer, config};

/// The guest's name. The `match` fails to compile for a toolchain without a guest.
pub(crate) fn guest_name(toolchain: Toolchain) -> &'static str {
    match toolchain {
        Toolchain::Rust => "matrix-rust",
        Toolchain::C => "matrix-c",
        Toolchain::JavaScript => "matrix-js",
        Toolchain::StarlingMonkey => "matrix-starlingmonkey",
        Toolchain::Python => "matrix-python",
        Toolchain::Go => "matrix-go",
    }
}

/// The folder of a guest.
pub(crate) fn folder(guest: &str) -> PathBuf {
    let guests = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/conformance");
    Path::new(guests).join(guest)
}

/// The file and line of the guest's source that end a call on purpose.
pub(crate) fn place_of_trap(folder: &Path, toolchain: Toolchain) -> Result<String, String> {
    let name = match toolchain {
        Toolchain::Rust => "src/lib.rs",
        Toolchain::C => "plugin.c",
        Toolchain::JavaScript => "plugin.js",
        // The same source.
        Toolchain::StarlingMonkey => "../matrix-js/plugin.js",
        Toolchain::Python => "plugin.py",
        Toolchain::Go => "plugin.go",
    };
    let source = std::fs::read_to_string(folder.join(name));
    let source = source.map_err(|error| format!("{name}: {error}"))?;
    let index = source
        .lines()
        .position(|line| line.contains("\"on purpose\""))
        .ok_or_else(|| format!("{name} has no trap"))?;
    Ok(format!("{name}:{}", index + 1))
}

/// The call modes that its guest offers: batches in every language, and columns in Rust,
/// whose SDK implements them.
pub(crate) fn modes(toolchain: Toolchain) -> Vec<CallMode> {
    let mut modes = vec![CallMode::Single, CallMode::Batch];
    if toolchain == Toolchain::Rust {
        modes.push(CallMode::Column);
    }
    modes
}

/// A language's guest, which one trial uses at a time.
pub(crate) struct Language {
    pub(crate) toolchain: Toolchain,
    pub(crate) guest: Guest,
    loaded: OnceLock<Result<Mutex<Loaded>, String>>,
}

/// A compiled guest, with the events of its host.
pub(crate) struct Loaded {
    plugin: Plugin<TextContract>,
    events: Arc<Mutex<Events>>,
}

/// The events that an observer has recorded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) log: Vec<(Level, String)>,
    /// Number of instances that ended by a trap or a limit.
    pub(crate) ended: usize,
}

struct Recorder(Arc<Mutex<Events>>);

impl Observer for Recorder {
    fn log(&self, record: &LogRecord<'_>) {
        let message = record.message.to_owned();
        lock(&self.0).log.push((record.level, message));
    }

    fn event(&self, event: &Event<'_>) {
        if matches!(event, Event::InstanceEnded { .. }) {
            lock(&self.0).ended += 1;
        }
    }
}

impl Language {
    pub(crate) fn new(toolchain: Toolchain) -> Self {
        Self {
            toolchain,
            guest: Guest::find(guest_name(toolchain)),
            loaded: OnceLock::new(),
        }
    }

    /// The compiled guest, locked for this trial.
    pub(crate) fn loaded(&self) -> Result<MutexGuard<'_, Loaded>, String> {
        let load = || Loaded::load(self.guest.path()?).map(Mutex::new);
        let loaded = self.loaded.get_or_init(load).as_ref();
        loaded.map(lock).map_err(Clone::clone)
    }
}

impl Loaded {
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let events = Arc::new(Mutex::default());
        let load = || {
            let observer = Recorder(events.clone());
            let is_off = |value| value == "off";
            let off = std::env::var_os("KUMIKI_SHARED_RUNTIMES").is_some_and(is_off);
            TextHost::builder()
                .observer(observer)
                .cache(Cache::open(artifacts())?)
                .shared_runtimes(!off)
                .build()?
                .load(path)
        };
        let plugin = load().map_err(|error| error.to_string())?;
        Ok(Self { plugin, events })
    }

    /// A new plugin for a trial, called in this mode, so that earlier trials do not affect
    /// its instance.
    pub(crate) fn plugin(&self, mode: CallMode) -> Result<TextPlugin, String> {
        let plugin = TextPlugin::new(self.plugin.clone(), config());
        let mut plugin = plugin.map_err(|error| error.to_string())?;
        match plugin.set_mode(mode) {
            true => Ok(plugin),
            false => Err(format!("it does not offer the call mode {}", mode.name())),
        }
    }

    /// A new plugin for a trial of streams, in this mode.
    pub(crate) fn streaming(&self, mode: &str) -> Result<TextPlugin, String> {
        let config = [("mode", mode)].into_iter().collect();
        TextPlugin::new(self.plugin.clone(), config).map_err(|error| error.to_string())
    }

    /// Measures how the memory of an instance grows when it is called in this mode.
    pub(crate) fn growth_by(&self, mode: CallMode) -> Result<Growth, String> {
        Growth::measure_by(&self.plugin, mode).map_err(|error| error.to_string())
    }

    /// Takes the events since the last call of this function.
    pub(crate) fn take_events(&self) -> Events {
        std::mem::take(&mut lock(&self.events))
    }
}

/// Calls a plugin with one record. A host error other than a trap is an error.
pub(crate) fn call_one(plugin: &mut TextPlugin, input: &str) -> Result<Answer, String> {
    answer(plugin.process(input).as_ref().map(ProcessResult::clone))
}

/// Calls a plugin with many records in its call mode. Returns one result for each.
pub(crate) fn call_all(plugin: &mut TextPlugin, inputs: &[&str]) -> Result<Vec<Answer>, String> {
    let answers = plugin.process_all(&inputs.iter().copied().collect());
    if answers.len() != inputs.len() {
        let (answers, inputs) = (answers.len(), inputs.len());
        return Err(format!("{answers} results for {inputs} inputs"));
    }
    let results = answers.iter();
    let results = results.map(|answer| match answer {
        Ok(answer) => Ok(answer.to_result()),
        Err(error) => Err(&**error),
    });
    results.map(answer).collect()
}

fn answer(answer: Result<ProcessResult, &Error>) -> Result<Answer, String> {
    match answer {
        Ok(result) => Ok(Answer::Result(result)),
        Err(Error::Plugin { error, .. }) => Ok(Answer::Error(*error)),
        Err(Error::Host(kumiki::Error::Trap { .. })) => Ok(Answer::Trap),
        Err(error) => Err(error.to_string()),
    }
}

/// A trial that panics does not affect the next one, so a poisoned lock is usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

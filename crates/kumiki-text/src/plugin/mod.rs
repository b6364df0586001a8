//! A text plugin with a live instance.

pub(crate) mod call_mode;
pub(crate) mod circuit_breaker;
mod failure;
pub(crate) mod identity;
pub(crate) mod usage;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kumiki::{Instance, Limits, Plugin, RecyclePolicy};

use crate::contract::{Config, ProcessError, ProcessResult, TextContract, TextData};
use crate::records::batch::Batching;
use crate::records::concurrent::SingleCall;
use crate::records::parts::Allowance;
use crate::{Error, Result, TextHost};
use call_mode::CallMode;
use circuit_breaker::{BreakerState, CircuitBreaker};
use usage::{CallUsage, Usage};

/// Maximum metadata entries of a result unless set.
const DEFAULT_MAX_METADATA: usize = 10_000;

/// Records that a plugin processes at the same time unless set, as Spin's does.
const DEFAULT_IN_FLIGHT: usize = 16;

/// A plugin of the text-processor contract with one live instance. After a trap or
/// an exceeded limit, only the record that caused it fails: the next call gets a
/// new instance.
///
/// It is used by one thread at a time. For more threads, create several from one
/// [`Plugin`], which is compiled only once.
pub struct TextPlugin {
    plugin: Plugin<TextContract>,
    config: Config,
    instance: Option<Instance<TextContract>>,
    name: Arc<str>,
    version: String,
    recycling: RecyclePolicy,
    circuit_breaker: CircuitBreaker,
    breaker_state: BreakerState,
    /// Maximum metadata entries of a result.
    pub(crate) max_metadata: usize,
    /// Measured usage, if enabled.
    usage: Option<Box<Usage>>,
    pub(crate) modes: Vec<CallMode>,
    /// Whether it exports `streaming`.
    pub(crate) streams: bool,
    /// How one record is processed.
    pub(crate) single: SingleCall,
    /// Maximum records that it processes at the same time.
    pub(crate) in_flight: usize,
    /// The same, or fewer while more reach a limit together.
    pub(crate) window: usize,
    pub(crate) batching: Batching,
    /// The allowance for the records being processed.
    pub(crate) allowed: Allowance,
}

impl TextPlugin {
    /// Loads a plugin from a file: [`TextHost::load`], then [`TextPlugin::new`].
    ///
    /// # Errors
    /// Those of the two functions.
    pub fn load(host: &TextHost, path: impl AsRef<Path>, config: Config) -> Result<Self> {
        Self::new(host.load(path)?, config)
    }

    /// Instantiates a loaded plugin and reads its name and version. `config` holds
    /// the values for the plugin's `get-config`; other plugins do not see it.
    ///
    /// # Errors
    /// [`Error::Host`] if the plugin does not start or does not return its name and
    /// version; [`Error::Name`] if either is longer than 256 bytes or not printable.
    pub fn new(plugin: Plugin<TextContract>, config: Config) -> Result<Self> {
        let mut instance = plugin.instantiate(TextData {
            config: config.clone(),
        })?;
        let name: Arc<str> = identity::name(&mut instance)?.into();
        let version = identity::version(&mut instance)?;
        instance.rename(&name);
        let mut modes = CallMode::ALL.to_vec();
        let single = SingleCall::of(&instance);
        modes.retain(|mode| instance.bindings().offers(*mode));
        if single != SingleCall::Synchronous {
            modes.retain(|mode| matches!(mode, CallMode::Single | CallMode::Concurrent));
        }
        let streams = instance.bindings().streaming().is_some();
        Ok(Self {
            batching: Batching::new(modes.last().copied().unwrap_or(CallMode::Single)),
            modes,
            streams,
            single,
            in_flight: DEFAULT_IN_FLIGHT,
            window: DEFAULT_IN_FLIGHT,
            plugin,
            config,
            instance: Some(instance),
            name,
            version,
            recycling: RecyclePolicy::default(),
            circuit_breaker: CircuitBreaker::default(),
            breaker_state: BreakerState::default(),
            max_metadata: DEFAULT_MAX_METADATA,
            usage: None,
            allowed: Allowance::ALL,
        })
    }

    /// Enables measurement of resource usage, which costs two clock readings per
    /// call. A call may have many records; to measure single records, call
    /// [`TextPlugin::set_mode`] with [`CallMode::Single`].
    #[must_use]
    pub fn measured(self) -> Self {
        Self {
            usage: Some(Box::default()),
            ..self
        }
    }

    /// Creates another `TextPlugin` of the same plugin for another thread, with the
    /// same name, version, configuration and circuit breaker. No mutable state is shared.
    /// It is instantiated at its first call.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            plugin: self.plugin.clone(),
            config: self.config.clone(),
            instance: None,
            name: self.name.clone(),
            version: self.version.clone(),
            recycling: self.recycling.clone(),
            circuit_breaker: self.circuit_breaker.clone(),
            breaker_state: BreakerState::default(),
            max_metadata: self.max_metadata,
            usage: self.usage.as_ref().map(|_| Box::default()),
            batching: Batching::new(self.batching.mode),
            modes: self.modes.clone(),
            streams: self.streams,
            single: self.single,
            in_flight: self.in_flight,
            window: self.in_flight,
            allowed: Allowance::ALL,
        }
    }

    /// Returns the measured usage, if enabled with [`TextPlugin::measured`].
    #[must_use]
    pub fn usage(&self) -> Option<&Usage> {
        self.usage.as_deref()
    }

    /// Sets when the circuit opens after failures, and for how long. Default:
    /// [`CircuitBreaker::default`].
    #[must_use]
    pub fn with_circuit_breaker(self, circuit_breaker: CircuitBreaker) -> Self {
        Self {
            circuit_breaker,
            ..self
        }
    }

    /// Sets the maximum number of metadata entries of a result. A result with more
    /// fails with [`Error::Metadata`]. Default: 10,000.
    #[must_use]
    pub fn with_max_metadata(self, entries: usize) -> Self {
        Self {
            max_metadata: entries,
            ..self
        }
    }

    /// Sets how often the instance is replaced. The name and version are not read
    /// again. With [`RecyclePolicy::fresh`] every record gets its own instance and call:
    /// only [`CallMode::Single`] is offered.
    ///
    /// ```
    /// use kumiki_text::kumiki::RecyclePolicy;
    /// use kumiki_text::{Config, TextHost, TextPlugin};
    ///
    /// # fn main() -> Result<(), kumiki_text::Error> {
    /// # let bytes = test_components::TextPlugin::new("echo").build();
    /// let host = TextHost::new()?;
    /// let plugin = TextPlugin::new(host.load_bytes("echo.wasm", &bytes)?, Config::default())?;
    /// let mut plugin = plugin.with_recycling(RecyclePolicy::fresh());
    /// // Neither call sees state of the other, whatever the plugin's language.
    /// plugin.process("one record")?;
    /// plugin.process("another")?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_recycling(mut self, recycling: RecyclePolicy) -> Self {
        if recycling.is_fresh() {
            self.modes = vec![CallMode::Single];
            self.batching = Batching::new(CallMode::Single);
        }
        self.recycling = recycling;
        self.retire();
        self
    }

    /// Returns the plugin's name: at most 256 bytes, without control, bidirectional
    /// or invisible characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the plugin's version, with the same restrictions as its name.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the name it was loaded under, usually the path of its file.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.plugin.name()
    }

    /// Returns the linear memory of the live instance in bytes, or 0 without a live instance.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.instance.as_ref().map_or(0, Instance::memory)
    }

    /// Sets the name in log records and errors, to distinguish plugins that have the
    /// same name.
    pub fn rename(&mut self, name: &str) {
        self.name = name.into();
        if let Some(instance) = &mut self.instance {
            instance.rename(&self.name);
        }
    }

    /// Drops the live instance and its state; the next call gets a new one.
    pub fn restart(&mut self) {
        self.instance = None;
    }

    /// Processes one record.
    ///
    /// # Errors
    /// [`Error::Plugin`] if the plugin returned an error; [`Error::Host`] if it
    /// trapped or exceeded a limit, after which the next call gets a new instance;
    /// [`Error::CircuitOpen`] if that happened too often in a row, which is also
    /// reported to the observer as [`CircuitOpened`](crate::CircuitOpened);
    /// [`Error::Metadata`] if the result has too many metadata entries.
    pub fn process(&mut self, input: &str) -> Result<ProcessResult> {
        if self.breaker_state.failures > 0 || self.usage.is_some() {
            return self.with_care(|plugin| plugin.ask(input));
        }
        self.ask(input)
    }

    /// The slow path, for a plugin that failed recently or is measured.
    #[inline(never)]
    pub(crate) fn with_care(
        &mut self,
        ask: impl FnOnce(&mut Self) -> Result<ProcessResult>,
    ) -> Result<ProcessResult> {
        if let Some(left) = self.breaker_state.open_for() {
            return Err(Error::CircuitOpen {
                plugin: self.name.to_string(),
                failures: self.breaker_state.failures,
                left,
            });
        }
        let answer = ask(self);
        if answer.as_ref().is_err_and(|error| self.is_deferred(error)) {
            return answer;
        }
        self.count(answer.as_ref().map(|result| result.output.len()));
        if !matches!(answer, Err(Error::Host(_) | Error::Metadata { .. })) {
            self.breaker_state.succeeded();
        }
        answer
    }

    /// Records the usage of a call that took `time`, if measurement is enabled.
    pub(crate) fn measure_call(&mut self, time: Duration) {
        self.measure_calls(time, time);
    }

    /// Records the usage of calls at the same time, of which the longest took `longest`.
    pub(crate) fn measure_calls(&mut self, time: Duration, longest: Duration) {
        let instance = self.instance.as_ref();
        let call = CallUsage {
            time,
            longest,
            memory: self.memory(),
            log: instance.map_or((0, 0), kumiki::Instance::logged),
            fuel: instance.and_then(kumiki::Instance::fuel),
        };
        if let Some(usage) = &mut self.usage {
            usage.add_call(&call);
        }
    }

    /// Counts the result of a record, given as the size of its output in bytes, if
    /// measurement is enabled.
    pub(crate) fn count(&mut self, answer: Result<usize, &Error>) {
        match (&mut self.usage, answer) {
            (None, _) => {}
            (Some(usage), Ok(bytes)) => usage.add_answers(1, bytes),
            (Some(usage), Err(error)) => usage.add_failure(error),
        }
    }

    /// Counts an answer that a sibling gave, with what the sibling measured.
    pub(crate) fn merge(&mut self, answer: &Result<ProcessResult>, measured: Option<&Usage>) {
        if let (Some(usage), Some(measured)) = (&mut self.usage, measured) {
            usage.merge(measured);
        }
        match answer {
            Err(Error::Host(_)) => self.count_failure(),
            _ => self.breaker_state.succeeded(),
        }
    }

    fn ask(&mut self, input: &str) -> Result<ProcessResult> {
        if self.single != SingleCall::Synchronous {
            return self.ask_asynchronously(input);
        }
        let is_measured = self.usage.is_some();
        let instance = match &mut self.instance {
            // An instance is poisoned if the host panicked during its last call.
            Some(instance) if !instance.is_poisoned() => instance,
            _ => match self.renew() {
                Ok(instance) => instance,
                Err(error) => return Err(self.failed(error)),
            },
        };
        // The answer is not part of `call`'s result: moving it out would copy it
        // twice, which is measurable in a call of 0.2 µs. So is a copy at the end:
        // everything else is done before the answer is inspected.
        let mut answer = None;
        let start = is_measured.then(Instant::now);
        let called = instance.call("process", |bindings, store| {
            answer = Some(bindings.plugin().call_process(store, input)?);
            Ok(())
        });
        if let Some(start) = start {
            self.measure_call(start.elapsed());
        }
        self.retire();
        if let Err(error) = called {
            return Err(self.call_failed(error));
        }
        match answer {
            Some(Ok(result)) if result.metadata.len() <= self.max_metadata => Ok(result),
            Some(Err(error)) => Err(self.plugin_error(error)),
            Some(Ok(_)) | None => Err(self.too_much_metadata()),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.plugin.host().limits()
    }

    /// Sets the allowance for the next records.
    pub(crate) fn allow(&mut self, allowance: Allowance) {
        self.allowed = allowance;
        let bytes = allowance.call.min(self.limits().transfer);
        if let Some(instance) = &mut self.instance {
            instance.set_transfer(bytes);
        }
    }

    /// Returns the live instance. Creates one if necessary.
    pub(crate) fn live(&mut self) -> kumiki::Result<&mut Instance<TextContract>> {
        self.retire();
        match self.instance {
            Some(ref mut instance) => Ok(instance),
            None => self.renew(),
        }
    }

    /// Drops an instance that must not be called again. Done right after a call, not
    /// before the next one, to free its memory early.
    #[inline]
    pub(crate) fn retire(&mut self) {
        if let Some(instance) = &self.instance
            && self.recycling.should_recycle(instance)
        {
            self.instance = None;
        }
    }

    /// Whether the circuit is currently open.
    pub(crate) fn is_circuit_open(&self) -> bool {
        self.breaker_state.open_for().is_some()
    }

    /// Checks one answer of a batch, given as its size in bytes and its number of
    /// entries, as [`TextPlugin::process`] does. The instance stays usable.
    pub(crate) fn judge(&mut self, answer: Result<(usize, usize), ProcessError>) -> Result<()> {
        let judged = match answer {
            Ok((_, entries)) if entries > self.max_metadata => Err(self.too_much_metadata()),
            Ok((bytes, _)) => {
                self.breaker_state.succeeded();
                Ok(bytes)
            }
            Err(error) => {
                self.breaker_state.succeeded();
                Err(self.plugin_error(error))
            }
        };
        self.count(judged.as_ref().copied());
        judged.map(|_| ())
    }

    /// Counts `records` valid answers. `longest` computes the size of the longest
    /// output and is called only if measurement is enabled.
    pub(crate) fn all_answered(&mut self, records: usize, longest: impl FnOnce() -> usize) {
        self.breaker_state.succeeded();
        if let Some(usage) = &mut self.usage {
            usage.add_answers(records, longest());
        }
    }

    /// Creates a new instance.
    #[cold]
    fn renew(&mut self) -> kumiki::Result<&mut Instance<TextContract>> {
        let data = TextData {
            config: self.config.clone(),
        };
        let mut fresh = self.plugin.instantiate(data)?;
        fresh.rename(&self.name);
        let limits = self.plugin.host().limits();
        fresh.set_transfer(self.allowed.call.min(limits.transfer));
        Ok(self.instance.insert(fresh))
    }
}

impl std::fmt::Debug for TextPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            plugin,
            config: _,
            instance: _,
            name,
            version,
            recycling: _,
            circuit_breaker: _,
            breaker_state: _,
            max_metadata: _,
            usage: _,
            modes: _,
            streams: _,
            single: _,
            in_flight: _,
            window: _,
            batching,
            allowed: _,
        } = self;
        f.debug_struct("TextPlugin")
            .field("name", name)
            .field("version", version)
            .field("origin", &plugin.name())
            .field("mode", &batching.mode)
            .finish_non_exhaustive()
    }
}

//! One text plugin: its name, its version, and `process`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kumiki::{Event, Instance, Limit, Plugin, Renewal};

use crate::batch::Batching;
use crate::contract::{Config, ProcessError, ProcessResult, TextContract, TextData};
use crate::patience::{Patience, Record};
use crate::usage::{Seen, Usage};
use crate::way::Way;
use crate::{Error, Result, TextHost, identity};

/// A plugin of the text-processor contract with one live instance. A trap or a
/// limit costs the record that caused it: the next call gets a new instance.
///
/// Used by one thread at a time; for more threads make more of them from one
/// [`Plugin`], which is compiled once.
pub struct TextPlugin {
    plugin: Plugin<TextContract>,
    config: Config,
    instance: Option<Instance<TextContract>>,
    name: Arc<str>,
    version: String,
    renewal: Renewal,
    patience: Patience,
    record: Record,
    /// What it used, where that is measured.
    usage: Option<Box<Usage>>,
    pub(crate) ways: Vec<Way>,
    pub(crate) batching: Batching,
}

impl TextPlugin {
    /// Loads a plugin from a file: [`TextHost::load`], then [`TextPlugin::new`].
    ///
    /// # Errors
    /// As for the two.
    pub fn load(host: &TextHost, path: impl AsRef<Path>, config: Config) -> Result<Self> {
        Self::new(host.load(path)?, config)
    }

    /// Makes an instance of a loaded plugin and asks for its name and version.
    /// `config` is what the plugin's `get-config` answers from; no other plugin
    /// sees it.
    ///
    /// # Errors
    /// [`Error::Host`] when the plugin does not start or does not say its name
    /// and version; [`Error::Name`] when either is longer than 256 bytes or not
    /// printable.
    pub fn new(plugin: Plugin<TextContract>, config: Config) -> Result<Self> {
        let mut instance = plugin.instantiate(TextData {
            config: config.clone(),
        })?;
        let name: Arc<str> = identity::name(&mut instance)?.into();
        let version = identity::version(&mut instance)?;
        instance.rename(&name);
        let mut ways = Way::ALL.to_vec();
        ways.retain(|way| instance.bindings().offers(way));
        Ok(Self {
            batching: Batching::new(ways.last().copied().unwrap_or(Way::SINGLE)),
            ways,
            plugin,
            config,
            instance: Some(instance),
            name,
            version,
            renewal: Renewal::default(),
            patience: Patience::default(),
            record: Record::default(),
            usage: None,
        })
    }

    /// The same plugin, with what it uses measured from now on. That costs two
    /// looks at the system's clock a call. A call may have many records; for
    /// what one record needs, [`TextPlugin::set_way`] to [`Way::SINGLE`].
    #[must_use]
    pub fn measured(self) -> Self {
        Self {
            usage: Some(Box::default()),
            ..self
        }
    }

    /// The same plugin once more, for another thread: the same name, version,
    /// configuration and patience, and nothing shared that can change. Its
    /// instance is made at the first call; nothing runs before.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            plugin: self.plugin.clone(),
            config: self.config.clone(),
            instance: None,
            name: self.name.clone(),
            version: self.version.clone(),
            renewal: self.renewal.clone(),
            patience: self.patience.clone(),
            record: Record::default(),
            usage: self.usage.as_ref().map(|_| Box::default()),
            batching: Batching::new(self.batching.way),
            ways: self.ways.clone(),
        }
    }

    /// What it used, if it is [`TextPlugin::measured`].
    #[must_use]
    pub fn usage(&self) -> Option<&Usage> {
        self.usage.as_deref()
    }

    /// The same plugin, put up with for as long as `patience` says when it
    /// fails.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The same plugin, with a new instance as often as `renewal` says. Its name
    /// and version are not asked for again. With [`Renewal::fresh`] every record
    /// has an instance to itself, and so a call: it offers [`Way::SINGLE`] alone.
    ///
    /// ```
    /// use kumiki_text::kumiki::Renewal;
    /// use kumiki_text::{Config, TextHost, TextPlugin};
    ///
    /// # fn main() -> Result<(), kumiki_text::Error> {
    /// # let bytes = test_components::TextPlugin::new("echo").build();
    /// let host = TextHost::new()?;
    /// let plugin = TextPlugin::new(host.load_bytes("echo.wasm", &bytes)?, Config::default())?;
    /// let mut plugin = plugin.with_renewal(Renewal::fresh());
    /// // Neither sees anything of the other, in whatever language it is written.
    /// plugin.process("one record")?;
    /// plugin.process("another")?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_renewal(mut self, renewal: Renewal) -> Self {
        if renewal.is_fresh() {
            self.ways = vec![Way::SINGLE];
            self.batching = Batching::new(Way::SINGLE);
        }
        self.renewal = renewal;
        self.retire();
        self
    }

    /// What the plugin calls itself: at most 256 bytes, without control characters,
    /// marks of direction and invisible characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the plugin says its version is, of the same form as its name.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name it was loaded under, usually its file's path.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.plugin.name()
    }

    /// How many bytes of linear memory its live instance holds; 0 when there is
    /// none.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.instance.as_ref().map_or(0, Instance::memory)
    }

    /// Calls it by another name in log records and errors, to tell apart two
    /// plugins that call themselves the same.
    pub fn rename(&mut self, name: &str) {
        self.name = name.into();
        if let Some(instance) = &mut self.instance {
            instance.rename(&self.name);
        }
    }

    /// Ends the live instance; the next call gets a new one, which remembers
    /// nothing.
    pub fn restart(&mut self) {
        self.instance = None;
    }

    /// Gives one record to the plugin.
    ///
    /// # Errors
    /// [`Error::Plugin`] with the plugin's own error; [`Error::Host`] when it
    /// trapped or ran into a limit, after which the next call gets a new
    /// instance; [`Error::SetAside`] when that happened too often in a row,
    /// which the observer hears as [`Event::SetAside`].
    ///
    /// [`Event::SetAside`]: kumiki::Event::SetAside
    pub fn process(&mut self, input: &str) -> Result<ProcessResult> {
        if self.record.failures > 0 || self.usage.is_some() {
            return self.process_with_care(input);
        }
        self.ask(input)
    }

    /// What most calls are spared: a plugin that has failed of late, and one
    /// that is measured.
    #[inline(never)]
    fn process_with_care(&mut self, input: &str) -> Result<ProcessResult> {
        if let Some(left) = self.record.left() {
            return Err(Error::SetAside {
                plugin: self.name.to_string(),
                failures: self.record.failures,
                left,
            });
        }
        let answer = self.ask(input);
        self.count(answer.as_ref().map(|result| result.output.len()));
        if !matches!(answer, Err(Error::Host(_))) {
            self.record.answered();
        }
        answer
    }

    /// Notes what a call of so long used, where that is measured.
    pub(crate) fn measure_call(&mut self, time: Duration) {
        let instance = self.instance.as_ref();
        let seen = Seen {
            time,
            memory: self.memory(),
            log: instance.map_or((0, 0), kumiki::Instance::logged),
            fuel: instance.and_then(kumiki::Instance::fuel),
        };
        if let Some(usage) = &mut self.usage {
            usage.add_call(&seen);
        }
    }

    /// Counts what came of a record, where that is measured: how many bytes of
    /// output.
    fn count(&mut self, answer: Result<usize, &Error>) {
        match (&mut self.usage, answer) {
            (None, _) => {}
            (Some(usage), Ok(bytes)) => usage.add_answers(1, bytes),
            (Some(usage), Err(error)) => usage.add_failure(error),
        }
    }

    fn ask(&mut self, input: &str) -> Result<ProcessResult> {
        let is_measured = self.usage.is_some();
        let instance = match &mut self.instance {
            // One is left poisoned where a panic went through its last call.
            Some(instance) if !instance.is_poisoned() => instance,
            _ => match self.renew() {
                Ok(instance) => instance,
                Err(error) => return Err(self.failed(error)),
            },
        };
        // The answer does not travel within `call`'s result: taking it out of
        // that copies it twice, which is noticed in a call of 0.2 µs. So is one
        // more copy behind it: all that is to be done comes before.
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
            return Err(self.failed(error));
        }
        let most = self.plugin.host().limits().entries;
        match answer {
            Some(Ok(result)) if result.metadata.len() <= most => Ok(result),
            Some(Err(error)) => Err(self.refused(error)),
            Some(Ok(_)) | None => Err(self.beyond(Limit::Entries(most))),
        }
    }

    /// The plugin's own error.
    fn refused(&self, error: ProcessError) -> Error {
        Error::Plugin {
            plugin: self.name.to_string(),
            error,
        }
    }

    /// The error of an answer that goes beyond a limit.
    #[cold]
    fn beyond(&mut self, limit: Limit) -> Error {
        let error = kumiki::Error::Limit {
            plugin: self.name.to_string(),
            function: "process".to_owned(),
            limit,
        };
        self.failed(error)
    }

    /// The instance, a new one where there is none.
    pub(crate) fn live(&mut self) -> kumiki::Result<&mut Instance<TextContract>> {
        self.retire();
        match self.instance {
            Some(ref mut instance) => Ok(instance),
            None => self.renew(),
        }
    }

    /// Drops an instance that is not to be called again. At once, and not when
    /// there is another record: until then it would hold its memory.
    #[inline]
    pub(crate) fn retire(&mut self) {
        if let Some(instance) = &self.instance
            && self.renewal.ends(instance)
        {
            self.instance = None;
        }
    }

    /// Whether it is not to be asked for now.
    pub(crate) fn is_set_aside(&self) -> bool {
        self.record.left().is_some()
    }

    /// What an answer among many comes to, of so many bytes and entries: as in
    /// [`TextPlugin::process`], for a plugin that lives on.
    pub(crate) fn judge(&mut self, answer: Result<(usize, usize), ProcessError>) -> Result<()> {
        let most = self.plugin.host().limits().entries;
        let judged = match answer {
            Ok((_, entries)) if entries > most => Err(self.beyond(Limit::Entries(most))),
            Ok((bytes, _)) => {
                self.record.answered();
                Ok(bytes)
            }
            Err(error) => {
                self.record.answered();
                Err(self.refused(error))
            }
        };
        self.count(judged.as_ref().copied());
        judged.map(|_| ())
    }

    /// So many records have answers that nothing is wrong with; the longest is
    /// looked for where it is measured.
    pub(crate) fn all_answered(&mut self, records: usize, longest: impl FnOnce() -> usize) {
        self.record.answered();
        if let Some(usage) = &mut self.usage {
            usage.add_answers(records, longest());
        }
    }

    /// Makes an instance where there is none.
    #[cold]
    fn renew(&mut self) -> kumiki::Result<&mut Instance<TextContract>> {
        let data = TextData {
            config: self.config.clone(),
        };
        let mut fresh = self.plugin.instantiate(data)?;
        fresh.rename(&self.name);
        Ok(self.instance.insert(fresh))
    }

    /// Notes that it gave no answer.
    #[cold]
    fn failed(&mut self, error: kumiki::Error) -> Error {
        if let Some(time) = self.record.failed(&self.patience) {
            let host = self.plugin.host();
            host.observer().event(&Event::SetAside {
                plugin: &self.name,
                failures: self.record.failures,
                time,
            });
        }
        error.into()
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
            renewal: _,
            patience: _,
            record: _,
            usage: _,
            ways: _,
            batching,
        } = self;
        f.debug_struct("TextPlugin")
            .field("name", name)
            .field("version", version)
            .field("origin", &plugin.name())
            .field("way", &batching.way.name)
            .finish_non_exhaustive()
    }
}

//! From a changed source to a plugin that can be called.

use std::time::Instant;

use kumiki::inspect::Interfaces;
use kumiki::{Level, Plugin};
use kumiki_build::{Built, Tools};
use kumiki_text::{CallMode, CircuitBreaker, Config, TextContract, TextHost, TextPlugin};

use super::log::RoundLog;
use super::times::Times;
use crate::arguments::{BuildArguments, DevArguments};
use crate::artifacts;
use crate::commands::build;
use crate::commands::project::{self, WhenMissing};
use crate::console::{Console, escape, print_failure};
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::own_files::OwnFiles;
use crate::requests::admit_one;

/// Builds the project and loads its component, again and again.
pub(super) struct Builds<'a> {
    pub(super) log: RoundLog,
    console: &'a Console,
    arguments: BuildArguments,
    tools: Tools,
    host: TextHost,
    grants: RunGrants,
    own: OwnFiles,
    config: Config,
    max_metadata: Option<usize>,
    /// What the next build does if the toolchain is missing.
    when_missing: WhenMissing,
    /// Whether an earlier build worked.
    is_built: bool,
}

/// A plugin that has been started once.
pub(super) struct Loaded {
    plugin: Plugin<TextContract>,
    config: Config,
    max_metadata: Option<usize>,
}

/// Why there is no plugin after a change.
pub(super) enum NoPlugin {
    Failure(Failure),
    /// The plugin itself did not load or start.
    Plugin(kumiki_text::Error),
}

impl NoPlugin {
    pub(super) fn show(&self, console: &Console) {
        match self {
            Self::Failure(failure) => print_failure(failure),
            Self::Plugin(error) => console.plugin_error("", error),
        }
    }
}

impl From<Failure> for NoPlugin {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<kumiki::Error> for NoPlugin {
    fn from(error: kumiki::Error) -> Self {
        Self::Plugin(error.into())
    }
}

impl From<kumiki_text::Error> for NoPlugin {
    fn from(error: kumiki_text::Error) -> Self {
        Self::Plugin(error)
    }
}

impl<'a> Builds<'a> {
    pub(super) fn new(
        arguments: &DevArguments,
        console: &'a Console,
        level: Level,
    ) -> Result<Self, Failure> {
        let log = RoundLog::new(console, level);
        let limits = arguments.limits.resolve()?;
        let grants = RunGrants::read(&arguments.grants)?.opened()?;
        for name in RunGrants::unset_variables(&arguments.grants) {
            let notice =
                format!("`--allow-env {name}`: the variable is not set, and plugins do not see it");
            console.notice(escape(&notice));
        }
        let own = OwnFiles::of_dev(arguments);
        // Checked again with the grants of each build; these are the same for all.
        own.check(&grants.of(&arguments.folder, None))?;
        let cache = artifacts::cache(console);
        let host: TextHost = artifacts::host(cache, arguments.compile.command()?)
            .limits(limits.host)
            .budget(arguments.memory.budget())
            .observer(log.clone())
            .build()?;
        let build = BuildArguments {
            folder: arguments.folder.clone(),
            output: None,
            install: false,
            size: false,
            debug: arguments.debug,
            thin: false,
            watch: true,
        };
        Ok(Self {
            log,
            console,
            when_missing: WhenMissing::at_start(&build),
            arguments: build,
            tools: project::tools()?,
            host,
            grants,
            own,
            config: arguments.config.iter().cloned().collect(),
            max_metadata: limits.max_metadata,
            is_built: false,
        })
    }

    /// Builds the project and loads its component. Returns none if it is no text plugin;
    /// then what was built has been shown.
    pub(super) fn next(&mut self, times: &mut Times) -> Result<Option<Loaded>, NoPlugin> {
        // The user is asked before the first build only.
        let later = self.when_missing.later();
        let when_missing = std::mem::replace(&mut self.when_missing, later);
        let outcome = build::once(&self.arguments, &self.tools, when_missing, self.console)?;
        times.build = Some(outcome.time);
        let is_first = !std::mem::replace(&mut self.is_built, true);
        if is_first {
            self.console.notice(escape(&outcome.summary()));
        }
        let built = outcome.built;
        let start = Instant::now();
        if !self.is_text_plugin(&built)? {
            if is_first {
                self.console.notice(
                    "its contract is not `myapp:text-processor`: `kumiki dev` runs only text \
                     plugins, and builds this one after each change",
                );
            }
            written("what was built", build::report(&built))?;
            return Ok(None);
        }
        let loaded = self.load(&built)?;
        times.load = Some(start.elapsed());
        Ok(Some(loaded))
    }

    fn is_text_plugin(&self, built: &Built) -> Result<bool, NoPlugin> {
        let bytes = self.host.read(&built.path)?;
        let exports = Interfaces::of("", &bytes)?.exports;
        Ok(CallMode::among(&exports).next().is_some())
    }

    fn load(&mut self, built: &Built) -> Result<Loaded, NoPlugin> {
        let path = &built.path;
        let admitted = admit_one(&self.host, path, &self.grants, &self.own, self.console)?;
        // The answer to a question holds until the end of the program: each build is
        // another component.
        self.grants.keep(admitted.grants());
        self.console.spinner(&format!("loading {}", path.display()));
        let plugin = admitted.load(&self.host);
        self.console.done();
        let loaded = Loaded {
            plugin: plugin?,
            config: self.config.clone(),
            max_metadata: self.max_metadata,
        };
        loaded.start(&Config::default())?;
        Ok(loaded)
    }
}

impl Loaded {
    /// A new instance. The values of `config` take precedence over those of the command
    /// line.
    pub(super) fn start(&self, config: &Config) -> kumiki_text::Result<TextPlugin> {
        let plugin = TextPlugin::new(self.plugin.clone(), self.config.merge(config))?;
        // The round counts failures itself.
        let plugin = plugin.with_circuit_breaker(CircuitBreaker::disabled());
        Ok(match self.max_metadata {
            Some(entries) => plugin.with_max_metadata(entries),
            None => plugin,
        })
    }
}

//! The guest `reach`, which runs the command in its input, and an observer of its
//! denials.

use std::path::Path;
use std::sync::{Arc, Mutex};

use kumiki::{Cache, Denial, Event, Grants, Limits, Observer, Plugin};
use kumiki_text::{Config, TextContract, TextHost, TextPlugin};
use libtest_mimic::Failed;
use test_components::guests::artifacts;

/// An instance of the guest with grants.
pub(crate) struct Reach(pub(crate) TextPlugin);

impl Reach {
    pub(crate) fn new(path: &Path, grants: Grants) -> Result<Self, Failed> {
        let host = TextHost::builder()
            .grants(grants)
            .cache(Cache::open(artifacts())?)
            .build()?;
        Ok(Self(TextPlugin::load(&host, path, Config::default())?))
    }

    pub(crate) fn answer(&mut self, command: &str) -> Result<String, Failed> {
        Ok(self.0.process(command)?.output)
    }

    pub(crate) fn expect(&mut self, cases: &[(&str, &str)]) -> Result<(), Failed> {
        for (command, expected) in cases {
            let answer = self.answer(command)?;
            if answer != *expected {
                return Err(format!("`{command}` gave `{answer}`, not `{expected}`").into());
            }
        }
        Ok(())
    }
}

/// The guest, compiled once for all grants, with an observer of its denials.
pub(crate) struct Watched {
    plugin: Plugin<TextContract>,
    pub(crate) denials: Denials,
}

impl Watched {
    pub(crate) fn new(path: &Path, limits: Limits) -> Result<Self, Failed> {
        let denials = Denials::default();
        let host = TextHost::builder()
            .limits(limits)
            .observer(denials.clone())
            .cache(Cache::open(artifacts())?)
            .build()?;
        let plugin = host.load(path)?;
        Ok(Self { plugin, denials })
    }

    pub(crate) fn with(&self, grants: &Grants) -> Result<Reach, Failed> {
        let plugin = self.plugin.with_grants(grants)?;
        Ok(Reach(TextPlugin::new(plugin, Config::default())?))
    }
}

/// Records denials: the grant that would allow the access, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Denials(Arc<Mutex<Vec<String>>>);

impl Denials {
    /// Takes the denials since the last call of this function.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("the lock is not poisoned"))
    }
}

impl Observer for Denials {
    fn event(&self, event: &Event<'_>) {
        if let Event::Denied { denial, .. } = event {
            let mut denied = self.0.lock().expect("the lock is not poisoned");
            denied.push(match denial {
                Denial::Network(grant) => grant.to_string(),
                Denial::Change(grant) => grant.to_string(),
                Denial::WayOut { folder, path } => format!("{path} out of {folder}"),
                other => format!("{other:?}"),
            });
        }
    }
}

//! `reach`, a guest in Rust that tries what its input says, and what is heard of
//! what it was denied.

use std::path::Path;
use std::sync::{Arc, Mutex};

use kumiki::{Denial, Event, Grants, Limits, Observer};
use kumiki_text::{Config, TextHost, TextPlugin};
use libtest_mimic::Failed;

/// A guest with grants, and what it answers.
pub(crate) struct Reach(pub(crate) TextPlugin);

impl Reach {
    pub(crate) fn new(path: &Path, grants: Grants) -> Result<Self, Failed> {
        Self::watched(path, grants, Limits::default()).map(|(reach, _)| reach)
    }

    /// The same, with what is heard of it.
    pub(crate) fn watched(
        path: &Path,
        grants: Grants,
        limits: Limits,
    ) -> Result<(Self, Denials), Failed> {
        let denials = Denials::default();
        let host = TextHost::builder()
            .grants(grants)
            .limits(limits)
            .observer(denials.clone())
            .build()?;
        let plugin = TextPlugin::load(&host, path, Config::default())?;
        Ok((Self(plugin), denials))
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

/// Remembers what was denied: the grant that would have allowed it, where there
/// is one.
#[derive(Clone, Default)]
pub(crate) struct Denials(Arc<Mutex<Vec<String>>>);

impl Denials {
    /// What was heard since it was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("nobody panicked"))
    }
}

impl Observer for Denials {
    fn event(&self, event: &Event<'_>) {
        if let Event::Denied { denial, .. } = event {
            let mut denied = self.0.lock().expect("nobody panicked");
            denied.push(match denial {
                Denial::Network(grant) => grant.to_string(),
                Denial::Change(grant) => grant.to_string(),
                Denial::WayOut { folder, path } => format!("{path} out of {folder}"),
                other => format!("{other:?}"),
            });
        }
    }
}

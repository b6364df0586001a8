//! What the compiler gives: a component, or its artifact.

use std::borrow::Cow;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::machine_code;

/// A component that was compiled just now.
pub(crate) enum Compiled {
    /// In this process.
    Component(Component),
    /// In another one, that this process started for it.
    Artifact(Vec<u8>),
}

impl From<Component> for Compiled {
    fn from(component: Component) -> Self {
        Self::Component(component)
    }
}

impl Compiled {
    /// The artifact.
    pub(super) fn bytes(&self) -> wasmtime::Result<Cow<'_, [u8]>> {
        match self {
            Self::Component(component) => component.serialize().map(Cow::Owned),
            Self::Artifact(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// The component, for an engine of the configuration that it was compiled
    /// for.
    pub(crate) fn into_component(self, engine: &Engine) -> wasmtime::Result<Component> {
        match self {
            Self::Component(component) => Ok(component),
            Self::Artifact(bytes) => machine_code::load(engine, &bytes),
        }
    }
}

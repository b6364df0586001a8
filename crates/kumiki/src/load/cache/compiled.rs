//! What the compiler gives: a component, or its artifact.

use std::borrow::Cow;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::machine_code;

/// A component that was compiled just now, and what is known of it.
pub(crate) struct Compiled {
    code: Code,
    /// Bytes that the host keeps for the core instances of one instance, about.
    pub(crate) setup: usize,
}

enum Code {
    /// Compiled in this process.
    Component(Component),
    /// Compiled in another one, that this process started for it.
    Artifact(Vec<u8>),
}

impl Compiled {
    /// A component that was compiled in this process.
    pub(crate) fn component(component: Component, setup: usize) -> Self {
        let code = Code::Component(component);
        Self { code, setup }
    }

    /// What another process compiled.
    pub(crate) fn artifact(artifact: Vec<u8>, setup: usize) -> Self {
        let code = Code::Artifact(artifact);
        Self { code, setup }
    }

    /// The artifact.
    pub(super) fn bytes(&self) -> wasmtime::Result<Cow<'_, [u8]>> {
        match &self.code {
            Code::Component(component) => component.serialize().map(Cow::Owned),
            Code::Artifact(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// The component, for an engine of the configuration that it was compiled
    /// for.
    pub(crate) fn into_component(self, engine: &Engine) -> wasmtime::Result<Component> {
        match self.code {
            Code::Component(component) => Ok(component),
            Code::Artifact(bytes) => machine_code::load(engine, &bytes),
        }
    }
}

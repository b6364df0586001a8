//! The compiler's result: a component, or its artifact.

use std::borrow::Cow;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::machine_code;

/// A component that was just compiled.
pub(crate) struct Compiled {
    code: Code,
    /// The approximate number of bytes that the host keeps for the core instances of one
    /// instance.
    pub(crate) host_bytes: usize,
}

enum Code {
    /// Compiled in this process.
    Component(Component),
    /// Compiled in a child process.
    Artifact(Vec<u8>),
}

impl Compiled {
    /// Creates a result from a component that was compiled in this process.
    pub(crate) fn component(component: Component, host_bytes: usize) -> Self {
        let code = Code::Component(component);
        Self { code, host_bytes }
    }

    /// Creates a result from an artifact that a child process compiled.
    pub(crate) fn artifact(artifact: Vec<u8>, host_bytes: usize) -> Self {
        let code = Code::Artifact(artifact);
        Self { code, host_bytes }
    }

    /// Returns the artifact's bytes.
    pub(super) fn bytes(&self) -> wasmtime::Result<Cow<'_, [u8]>> {
        match &self.code {
            Code::Component(component) => component.serialize().map(Cow::Owned),
            Code::Artifact(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// Returns the component; `engine` must have the configuration that it was compiled
    /// for.
    pub(crate) fn into_component(self, engine: &Engine) -> wasmtime::Result<Component> {
        match self.code {
            Code::Component(component) => Ok(component),
            Code::Artifact(bytes) => machine_code::load(engine, &bytes),
        }
    }
}

//! `wasi:http` without the feature `http`: nothing is linked.

use std::sync::Arc;

use wasmtime::component::Linker;

use super::descriptors::DescriptorBudget;
use super::network::Guard;

pub(super) const INTERFACES: [&str; 0] = [];

pub(super) const INTERFACES_0_3: [&str; 0] = [];

/// What a store's data needs for `wasi:http`: nothing.
pub(crate) trait HttpView {}

impl<T> HttpView for T {}

pub(crate) struct HttpState;

impl HttpState {
    pub(crate) fn new(_: &Guard, _: &Arc<DescriptorBudget>) -> Self {
        Self
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(crate) fn link<T>(_: &mut Linker<T>) -> wasmtime::Result<()> {
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(crate) fn link_0_3<T>(_: &mut Linker<T>) -> wasmtime::Result<()> {
    Ok(())
}

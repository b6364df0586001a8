//! A contract with its host functions linked, shared by all its plugins.

use std::sync::Arc;

use super::contract::Contract;
use super::linked::Linked;
use crate::load::Loader;
use crate::observer::Observer;
use crate::wasi::Granted;
use crate::{Budget, Engine, Limits};

/// Loads plugins of one contract and holds what they share: the engine, the
/// linked host functions, the limits, the observer. Cheap to clone; a clone is
/// the same host. Lives as long as any of its plugins.
pub struct Host<C: Contract> {
    pub(super) inner: Arc<Inner<C>>,
}

pub(super) struct Inner<C: Contract> {
    pub(super) loader: Loader,
    pub(super) linked: Linked<C>,
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    /// The time limit in ticks of the epoch clock.
    pub(super) ticks: u64,
    pub(super) observer: Arc<dyn Observer>,
    /// The grants of plugins that have none of their own.
    pub(super) granted: Arc<Granted>,
}

impl<C: Contract> Clone for Host<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<C: Contract> Host<C> {
    /// Returns the engine that runs this host's plugins.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.inner.linked.engine()
    }

    /// Returns the observer of this host's plugins.
    #[must_use]
    pub fn observer(&self) -> &dyn Observer {
        &*self.inner.observer
    }

    /// Returns the resource limits of each plugin.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }
}

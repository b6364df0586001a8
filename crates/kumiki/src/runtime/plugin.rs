//! A component: checked, compiled and linked. Immutable.

use std::sync::Arc;

use wasmtime::component::Component;

use super::contract::Contract;
use super::host::Host;
use super::linked::{Placement, Prepared};
use crate::wasi::Granted;
use crate::{Grants, PermissionRequests, Result};

/// A loaded plugin, ready to be instantiated. Created by [`Host::load`]; immutable,
/// cheap to clone, and shareable between threads.
pub struct Plugin<C: Contract> {
    inner: Arc<Inner<C>>,
    granted: Arc<Granted>,
    /// What it requests and is not granted.
    missing: Arc<PermissionRequests>,
}

struct Inner<C: Contract> {
    host: Host<C>,
    name: Arc<str>,
    prepared: Prepared<C>,
    /// Bytes that the host keeps for the core instances of one instance, about.
    host_bytes: usize,
    requests: PermissionRequests,
}

impl<C: Contract> Clone for Plugin<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            granted: self.granted.clone(),
            missing: self.missing.clone(),
        }
    }
}

impl<C: Contract> std::fmt::Debug for Plugin<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.inner.name)
            .finish_non_exhaustive()
    }
}

impl<C: Contract> Plugin<C> {
    pub(super) fn new(
        host: Host<C>,
        name: &str,
        prepared: Prepared<C>,
        host_bytes: usize,
        requests: PermissionRequests,
    ) -> Self {
        let granted = Arc::new(host.inner.granted.for_another());
        Self {
            missing: Arc::new(requests.missing_from(granted.grants())),
            granted,
            inner: Arc::new(Inner {
                host,
                name: name.into(),
                prepared,
                host_bytes,
                requests,
            }),
        }
    }

    /// Returns the name it was loaded under: its path, or the name passed with its bytes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the host that loaded it.
    #[must_use]
    pub fn host(&self) -> &Host<C> {
        &self.inner.host
    }

    /// Returns its requests, granted or not.
    #[must_use]
    pub fn requests(&self) -> &PermissionRequests {
        &self.inner.requests
    }

    /// Returns the same plugin with its own grants instead of its host's, without
    /// compiling it again. Existing instances keep their grants.
    ///
    /// # Errors
    /// As for [`Grants::check`].
    pub fn with_grants(&self, grants: &Grants) -> Result<Self> {
        Ok(Self {
            inner: self.inner.clone(),
            granted: Arc::new(Granted::open(grants)?.of_the_plugin(&self.granted)),
            missing: Arc::new(self.inner.requests.missing_from(grants)),
        })
    }

    /// Returns whether it imports asynchronous functions (`async func` in its WIT): then
    /// [`Instance::call`](crate::Instance::call) fails, and the other functions for calls
    /// must be used.
    #[must_use]
    pub fn is_asynchronous(&self) -> bool {
        self.inner.prepared.is_asynchronous()
    }

    /// What it requests and is not granted.
    pub(super) fn missing(&self) -> &PermissionRequests {
        &self.missing
    }

    /// Chooses where to create an instance: in a pool slot or outside the pool.
    pub(super) fn placement(&self) -> Placement<'_, C> {
        let host = &self.inner.host.inner;
        self.inner.prepared.placement(&host.linked, &*host.observer)
    }

    /// Bytes that the host keeps for the core instances of one instance, about.
    pub(super) fn host_bytes(&self) -> usize {
        self.inner.host_bytes
    }

    /// The component, for the host's engine with slots or without.
    pub(super) fn component(&self) -> &Component {
        self.inner.prepared.component()
    }

    pub(crate) fn granted(&self) -> &Arc<Granted> {
        &self.granted
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.inner.name
    }
}

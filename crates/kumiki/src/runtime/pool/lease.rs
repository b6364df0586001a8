//! Objects that are lent to one thread at a time, up to a maximum.

use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// A pool of objects. Cheap to clone; clones share the pool.
///
/// Last in, first out, because the memory of the last returned object is still in the
/// processor's caches.
pub struct LeasePool<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    max: usize,
    timeout: Duration,
    state: Mutex<State<T>>,
    /// Notified when an object is returned or ends.
    returned: Condvar,
    /// Notified at the same time if tasks wait: a task cannot wait on a `Condvar`.
    returned_to_tasks: Notify,
    is_reusable: Box<dyn Fn(&T) -> bool + Send + Sync>,
}

struct State<T> {
    free: Vec<T>,
    /// Objects that are free, lent, or being created.
    live: usize,
    /// Tasks that wait for an object.
    waiting_tasks: usize,
}

impl<T> Clone for LeasePool<T> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> LeasePool<T> {
    /// Creates an empty pool of at most `max` objects, and at least one. An object that
    /// is not reusable when it is returned is dropped.
    pub fn new(
        max: usize,
        timeout: Duration,
        is_reusable: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                max: max.max(1),
                timeout,
                state: Mutex::new(State {
                    free: Vec::new(),
                    live: 0,
                    waiting_tasks: 0,
                }),
                returned: Condvar::new(),
                returned_to_tasks: Notify::new(),
                is_reusable: Box::new(is_reusable),
            }),
        }
    }

    /// Returns the maximum number of objects.
    #[must_use]
    pub fn max(&self) -> usize {
        self.shared.max
    }

    /// Returns the number of live objects, lent or not.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.state().live
    }

    /// Takes a free object, or creates one with `create`. Waits while all are lent.
    ///
    /// # Errors
    /// `None` if none is returned in time; the error of `create`.
    pub fn take<E>(&self, create: impl FnOnce() -> Result<T, E>) -> Result<Option<Lease<T>>, E> {
        let Some(mut lease) = self.wait() else {
            return Ok(None);
        };
        if lease.object.is_none() {
            lease.object = Some(create()?);
        }
        Ok(Some(lease))
    }

    /// Like [`LeasePool::take`], in a task.
    ///
    /// # Errors
    /// As for [`LeasePool::take`].
    ///
    /// # Panics
    /// If it must wait outside of a tokio runtime with timers.
    pub async fn take_async<E>(
        &self,
        create: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Option<Lease<T>>, E> {
        let lease = match self.try_take() {
            Some(lease) => Some(lease),
            None => timeout(self.shared.timeout, self.wait_in_task()).await.ok(),
        };
        let Some(mut lease) = lease else {
            return Ok(None);
        };
        if lease.object.is_none() {
            lease.object = Some(create().await?);
        }
        Ok(Some(lease))
    }

    /// Takes an object, or the right to create one.
    fn try_take(&self) -> Option<Lease<T>> {
        let mut state = self.shared.state();
        self.lease(&mut state)
    }

    fn lease(&self, state: &mut State<T>) -> Option<Lease<T>> {
        let object = state.free.pop();
        if object.is_none() {
            if state.live >= self.shared.max {
                return None;
            }
            // Counted now: dropping the lease uncounts it if the object is not created.
            state.live += 1;
        }
        Some(Lease {
            object,
            shared: self.shared.clone(),
        })
    }

    async fn wait_in_task(&self) -> Lease<T> {
        let _waiting = WaitingTask::new(&self.shared);
        loop {
            let mut returned = pin!(self.shared.returned_to_tasks.notified());
            // From here on, no notification is lost.
            returned.as_mut().enable();
            if let Some(lease) = self.try_take() {
                return lease;
            }
            returned.await;
        }
    }

    fn wait(&self) -> Option<Lease<T>> {
        let Shared {
            timeout, returned, ..
        } = &*self.shared;
        let start = Instant::now();
        let mut state = self.shared.state();
        loop {
            if let Some(lease) = self.lease(&mut state) {
                return Some(lease);
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return None;
            }
            let waited = returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Counts a task that waits, until it is dropped.
struct WaitingTask<'a, T>(&'a Shared<T>);

impl<'a, T> WaitingTask<'a, T> {
    fn new(shared: &'a Shared<T>) -> Self {
        shared.state().waiting_tasks += 1;
        Self(shared)
    }
}

impl<T> Drop for WaitingTask<'_, T> {
    fn drop(&mut self) {
        self.0.state().waiting_tasks -= 1;
    }
}

impl<T> Shared<T> {
    /// Locks the state. No code that can panic runs while it is locked.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state after an object was returned or ended, and wakes a waiting caller.
    fn release(&self, change: impl FnOnce(&mut State<T>)) {
        let mut state = self.state();
        change(&mut state);
        let tasks = state.waiting_tasks;
        drop(state);
        self.returned.notify_one();
        if tasks > 0 {
            self.returned_to_tasks.notify_one();
        }
    }
}

/// An object taken from a pool, returned to it on drop.
///
/// An object that is not reusable or that a panic drops is not returned.
pub struct Lease<T> {
    /// `Some` from its creation until it is dropped.
    object: Option<T>,
    shared: Arc<Shared<T>>,
}

/// Uncounts an object on drop, even if dropping the object panics, and wakes a waiting
/// caller, which may create one.
struct UncountOnDrop<'a, T>(&'a Shared<T>);

impl<T> Drop for UncountOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.release(|state| state.live -= 1);
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.object {
            Some(object) => object,
            None => unreachable!("only `drop` takes it out"),
        }
    }
}

impl<T> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.object {
            Some(object) => object,
            None => unreachable!("only `drop` takes it out"),
        }
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        let keeps = |object: &T| !thread::panicking() && (self.shared.is_reusable)(object);
        match self.object.take() {
            Some(object) if keeps(&object) => {
                self.shared.release(|state| state.free.push(object));
            }
            ended => {
                // Frees what the object holds before the next one is created.
                let _uncount = UncountOnDrop(&*self.shared);
                drop(ended);
            }
        }
    }
}

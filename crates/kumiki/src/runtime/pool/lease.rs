//! Objects that are lent to one thread at a time, up to a maximum.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

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
    is_reusable: Box<dyn Fn(&T) -> bool + Send + Sync>,
}

struct State<T> {
    free: Vec<T>,
    /// Objects that are free, lent, or being created.
    live: usize,
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
                }),
                returned: Condvar::new(),
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
        let free = match self.wait() {
            Wait::Free(object) => Some(object),
            Wait::Create => None,
            Wait::TimedOut => return Ok(None),
        };
        // The object is already counted: dropping `lease` uncounts it if `create` fails
        // or panics.
        let mut lease = Lease {
            object: free,
            shared: self.shared.clone(),
        };
        if lease.object.is_none() {
            lease.object = Some(create()?);
        }
        Ok(Some(lease))
    }

    fn wait(&self) -> Wait<T> {
        let Shared {
            max,
            timeout,
            returned,
            ..
        } = &*self.shared;
        let start = Instant::now();
        let mut state = self.shared.state();
        loop {
            if let Some(object) = state.free.pop() {
                return Wait::Free(object);
            }
            if state.live < *max {
                state.live += 1;
                return Wait::Create;
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Wait::TimedOut;
            }
            let waited = returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What a caller gets.
enum Wait<T> {
    Free(T),
    /// It may create an object, which is already counted.
    Create,
    TimedOut,
}

impl<T> Shared<T> {
    /// Locks the state. No code that can panic runs while it is locked.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object taken from a pool, returned to it on drop.
///
/// An object that is not reusable or that a panic drops is not returned.
pub struct Lease<T> {
    /// `Some` until it is dropped.
    object: Option<T>,
    shared: Arc<Shared<T>>,
}

/// Uncounts an object on drop, even if dropping the object panics, and wakes a waiting
/// caller, which may create one.
struct UncountOnDrop<'a, T>(&'a Shared<T>);

impl<T> Drop for UncountOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.state().live -= 1;
        self.0.returned.notify_one();
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
                self.shared.state().free.push(object);
                self.shared.returned.notify_one();
            }
            ended => {
                // Frees what the object holds before the next one is created.
                let _uncount = UncountOnDrop(&*self.shared);
                drop(ended);
            }
        }
    }
}

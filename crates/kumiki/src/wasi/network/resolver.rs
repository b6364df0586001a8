//! Looks up host names with the system's resolver, on threads of its own.
//!
//! A lookup cannot be interrupted, so the number of concurrent lookups is limited per
//! plugin and per process. Concurrent lookups of the same name share one answer, and
//! answers are cached. Nothing here times out: the call's deadline ends a wait.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Maximum concurrent lookups of the process.
const MAX_THREADS: usize = 16;

/// Maximum concurrent lookups of one plugin.
const MAX_PER_PLUGIN: usize = 4;

/// Maximum cached answers.
const MAX_CACHED: usize = 1000;

/// How long an answer with addresses is cached.
const FOUND_LIFETIME: Duration = Duration::from_secs(30);

/// How long a failure is cached.
const FAILURE_LIFETIME: Duration = Duration::from_secs(5);

/// Maximum addresses of one name; further ones are dropped.
const MAX_ADDRESSES: usize = 64;

/// How long an idle thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

static SYSTEM: LazyLock<Arc<Resolver>> = LazyLock::new(|| Resolver::new(query_system));

/// Why a name has no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The name cannot be resolved.
    Unknown,
    /// No lookup could be started.
    Unavailable,
}

type Answer = Result<Arc<[IpAddr]>, Failure>;

/// The number of lookups of one plugin that run or are next in the queue.
#[derive(Debug, Default)]
pub(crate) struct LookupQuota(AtomicUsize);

impl LookupQuota {
    fn take(&self) -> bool {
        let increment = |taken: usize| (taken < MAX_PER_PLUGIN).then_some(taken + 1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, increment);
        taken.is_ok()
    }

    fn release(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A lookup that runs or is complete.
#[derive(Debug)]
pub(crate) struct Lookup(watch::Receiver<Option<Answer>>);

impl Lookup {
    /// Returns the answer, if it is available.
    pub(crate) fn try_answer(&self) -> Option<Answer> {
        self.0.borrow().clone()
    }

    /// Waits for the answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        match self.0.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or(Err(Failure::Unavailable)),
            Err(_) => Err(Failure::Unavailable),
        }
    }
}

/// Looks up a name for a plugin, or joins a lookup of it that runs already.
pub(crate) fn look_up(name: &str, quota: &Arc<LookupQuota>) -> Lookup {
    SYSTEM.look_up(name, quota)
}

/// Queries the system's resolver, which uses its configuration and hosts file.
fn query_system(name: &str) -> Answer {
    let found = (name, 0).to_socket_addrs().map_err(|_| Failure::Unknown)?;
    let addresses = found.map(|address| address.ip().to_canonical());
    let addresses: Arc<[IpAddr]> = addresses.take(MAX_ADDRESSES).collect();
    match addresses.is_empty() {
        true => Err(Failure::Unknown),
        false => Ok(addresses),
    }
}

struct Resolver {
    query: fn(&str) -> Answer,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    cached: HashMap<String, CachedAnswer>,
    /// Lookups that run or are queued.
    pending: HashMap<String, PendingLookup>,
    /// Names that are looked up next; each counts to its plugin's quota.
    next: VecDeque<String>,
    /// Names that wait for their plugin's quota.
    waiting: VecDeque<String>,
    threads: usize,
    idle: usize,
}

struct CachedAnswer {
    answer: Answer,
    until: Instant,
}

struct PendingLookup {
    /// The quota that it counts to.
    quota: Arc<LookupQuota>,
    answer: watch::Sender<Option<Answer>>,
}

impl Resolver {
    fn new(query: fn(&str) -> Answer) -> Arc<Self> {
        Arc::new(Self {
            query,
            state: Mutex::default(),
            work: Condvar::new(),
        })
    }

    fn look_up(self: &Arc<Self>, name: &str, quota: &Arc<LookupQuota>) -> Lookup {
        let mut state = self.lock();
        if let Some(cached) = state.cached.get(name)
            && cached.until > Instant::now()
        {
            return Lookup(watch::channel(Some(cached.answer.clone())).1);
        }
        let State {
            pending,
            next,
            waiting,
            ..
        } = &mut *state;
        if let Some(pending) = pending.get_mut(name) {
            let lookup = Lookup(pending.answer.subscribe());
            // One plugin must not wait for the quota of another.
            if let Some(at) = waiting.iter().position(|waiting| waiting == name)
                && quota.take()
            {
                pending.quota = quota.clone();
                waiting.remove(at);
                next.push_back(name.into());
                self.ensure_thread(state);
            }
            return lookup;
        }
        let (answer, lookup) = watch::channel(None);
        let quota = quota.clone();
        let queue = match quota.take() {
            true => next,
            false => waiting,
        };
        queue.push_back(name.into());
        pending.insert(name.into(), PendingLookup { quota, answer });
        self.ensure_thread(state);
        Lookup(lookup)
    }

    /// Wakes or starts a thread for the queued names.
    fn ensure_thread(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.next.len() <= state.idle || state.threads >= MAX_THREADS {
            drop(state);
            self.work.notify_one();
            return;
        }
        let resolver = self.clone();
        let thread = thread::Builder::new().name("kumiki-lookup".into());
        match thread.spawn(move || resolver.serve()) {
            Ok(_) => state.threads += 1,
            // The existing threads do it later.
            Err(_) if state.threads > 0 => {}
            Err(_) => {
                // Dropping a sender makes the lookup fail with `Unavailable`.
                for name in std::mem::take(&mut state.next) {
                    if let Some(pending) = state.pending.remove(&name) {
                        pending.quota.release();
                    }
                }
                state.waiting.clear();
                state.pending.clear();
            }
        }
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(name) = state.take() {
                drop(state);
                let answer = (self.query)(&name);
                state = self.lock();
                state.cache(&name, &answer);
                if let Some(pending) = state.finish(&name) {
                    pending.answer.send_replace(Some(answer));
                }
                continue;
            }
            state.idle += 1;
            let waited = self.work.wait_timeout(state, IDLE);
            let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.next.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Ignores poisoning: nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the next name to look up, and drops names that no caller waits for any more.
    fn take(&mut self) -> Option<String> {
        while let Some(name) = self.next.pop_front() {
            if self.is_wanted(&name) {
                return Some(name);
            }
            self.finish(&name);
        }
        None
    }

    /// Removes a lookup that counted to a quota, and moves waiting names into the queue if
    /// their quota allows it.
    fn finish(&mut self, name: &str) -> Option<PendingLookup> {
        let finished = self.pending.remove(name)?;
        finished.quota.release();
        for name in std::mem::take(&mut self.waiting) {
            if !self.is_wanted(&name) {
                self.pending.remove(&name);
            } else if self.pending.get(&name).is_some_and(|it| it.quota.take()) {
                self.next.push_back(name);
            } else {
                self.waiting.push_back(name);
            }
        }
        Some(finished)
    }

    fn is_wanted(&self, name: &str) -> bool {
        let pending = self.pending.get(name);
        pending.is_some_and(|pending| pending.answer.receiver_count() > 0)
    }

    fn cache(&mut self, name: &str, answer: &Answer) {
        let now = Instant::now();
        if self.cached.len() >= MAX_CACHED {
            self.cached.retain(|_, cached| cached.until > now);
        }
        if self.cached.len() >= MAX_CACHED {
            let oldest = self.cached.iter().min_by_key(|(_, cached)| cached.until);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.cached.remove(&oldest);
            }
        }
        let lifetime = match answer {
            Ok(_) => FOUND_LIFETIME,
            Err(_) => FAILURE_LIFETIME,
        };
        let cached = CachedAnswer {
            answer: answer.clone(),
            until: now + lifetime,
        };
        self.cached.insert(name.into(), cached);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use wasmtime_wasi::runtime::in_tokio;

    use super::*;

    static QUERIES: AtomicUsize = AtomicUsize::new(0);
    static RELEASED: AtomicBool = AtomicBool::new(false);

    /// Queries for names that start with `slow` wait until the test sets [`RELEASED`].
    fn query(name: &str) -> Answer {
        QUERIES.fetch_add(1, Ordering::SeqCst);
        while name.starts_with("slow") && !RELEASED.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        match name.starts_with("none") {
            true => Err(Failure::Unknown),
            false => Ok([IpAddr::from([192, 0, 2, 1])].into()),
        }
    }

    fn answer(resolver: &Arc<Resolver>, name: &str, quota: &Arc<LookupQuota>) -> Answer {
        in_tokio(async { resolver.look_up(name, quota).answer().await })
    }

    #[test]
    fn lookups_are_shared_limited_and_cached() {
        let resolver = Resolver::new(query);
        let (quota, other) = (Arc::default(), Arc::default());
        assert_eq!(answer(&resolver, "none", &quota), Err(Failure::Unknown));
        for _ in 0..100 {
            assert!(answer(&resolver, "quick", &quota).is_ok());
            assert!(answer(&resolver, "none", &quota).is_err());
        }
        assert_eq!(QUERIES.load(Ordering::SeqCst), 2);
        // A thousand dropped lookups of one name start at most one query.
        for _ in 0..1000 {
            drop(resolver.look_up("slow", &quota));
        }
        let waiting: Vec<_> = (0..MAX_PER_PLUGIN + 3)
            .map(|number| resolver.look_up(&format!("slow{number}"), &quota))
            .collect();
        assert!(waiting.iter().all(|lookup| lookup.try_answer().is_none()));
        // Another plugin does not wait for them.
        assert!(answer(&resolver, "other", &other).is_ok());
        assert!(QUERIES.load(Ordering::SeqCst) <= 3 + MAX_PER_PLUGIN);
        RELEASED.store(true, Ordering::SeqCst);
        for mut lookup in waiting {
            assert!(in_tokio(lookup.answer()).is_ok());
        }
        assert_eq!(quota.0.load(Ordering::SeqCst), 0);
        assert!(resolver.lock().pending.is_empty());
    }

    #[test]
    fn cache_has_a_maximum_size() {
        let mut state = State::default();
        for number in 0..MAX_CACHED + 10 {
            state.cache(&format!("name{number}"), &Err(Failure::Unknown));
        }
        assert_eq!(state.cached.len(), MAX_CACHED);
        let newest = format!("name{}", MAX_CACHED + 9);
        assert!(state.cached.contains_key(&newest));
    }

    #[test]
    fn system_resolves_localhost() {
        let loopback = query_system("localhost").unwrap();
        assert!(loopback.iter().all(IpAddr::is_loopback), "{loopback:?}");
        assert_eq!(query_system("no-such.invalid"), Err(Failure::Unknown));
    }
}

//! Which addresses a name has: the system is asked, on threads of its own.
//!
//! A lookup cannot be interrupted, so the number of those under way is bounded
//! for each plugin and for the process. Whoever asks for a name that is being
//! looked up already waits for the same answer, and answers are kept for a
//! while. Nothing here ends a wait: the call's deadline does.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The most lookups of the process that are under way at a time.
const THREADS: usize = 16;

/// The most lookups of one plugin that are under way at a time.
const BY_PLUGIN: usize = 4;

/// The most answers that are kept.
const CACHED_ANSWERS: usize = 1000;

/// How long an answer is kept, and how long it is that there was none.
const FOUND: Duration = Duration::from_secs(30);
const NOT_FOUND: Duration = Duration::from_secs(5);

/// The most addresses of one name.
const ADDRESSES: usize = 64;

/// How long a thread stays when there is nothing to look up.
const IDLE: Duration = Duration::from_secs(10);

static SYSTEM: LazyLock<Arc<Resolver>> = LazyLock::new(|| Resolver::new(ask_the_system));

/// Why a name has no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody knows the name.
    Unknown,
    /// Nobody could be asked.
    Unavailable,
}

type Answer = Result<Arc<[IpAddr]>, Failure>;

/// The lookups of one plugin that are under way, or next.
#[derive(Debug, Default)]
pub(crate) struct LookupQuota(AtomicUsize);

impl LookupQuota {
    fn take(&self) -> bool {
        let more = |taken: usize| (taken < BY_PLUGIN).then_some(taken + 1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok()
    }

    fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that is there or on its way.
#[derive(Debug)]
pub(crate) struct Lookup(watch::Receiver<Option<Answer>>);

impl Lookup {
    /// The answer, if it is there.
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

/// Begins to look a name up for a plugin, if nobody has yet.
pub(crate) fn look_up(name: &str, share: &Arc<LookupQuota>) -> Lookup {
    SYSTEM.look_up(name, share)
}

/// As the system does it, with its files of hosts and its configuration.
fn ask_the_system(name: &str) -> Answer {
    let found = (name, 0).to_socket_addrs().map_err(|_| Failure::Unknown)?;
    let addresses = found.map(|address| address.ip().to_canonical());
    let addresses: Arc<[IpAddr]> = addresses.take(ADDRESSES).collect();
    match addresses.is_empty() {
        true => Err(Failure::Unknown),
        false => Ok(addresses),
    }
}

struct Resolver {
    ask: fn(&str) -> Answer,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    kept: HashMap<String, CachedAnswer>,
    /// What is being looked up, or waits for it.
    asked: HashMap<String, PendingLookup>,
    /// What is next, by name; each has its part of a share.
    next: VecDeque<String>,
    /// What waits for a part of a share.
    waiting: VecDeque<String>,
    threads: usize,
    idle: usize,
}

struct CachedAnswer {
    answer: Answer,
    until: Instant,
}

struct PendingLookup {
    /// Whose share it counts to.
    share: Arc<LookupQuota>,
    answer: watch::Sender<Option<Answer>>,
}

impl Resolver {
    fn new(ask: fn(&str) -> Answer) -> Arc<Self> {
        Arc::new(Self {
            ask,
            state: Mutex::default(),
            work: Condvar::new(),
        })
    }

    fn look_up(self: &Arc<Self>, name: &str, share: &Arc<LookupQuota>) -> Lookup {
        let mut state = self.lock();
        if let Some(kept) = state.kept.get(name)
            && kept.until > Instant::now()
        {
            return Lookup(watch::channel(Some(kept.answer.clone())).1);
        }
        let State {
            asked,
            next,
            waiting,
            ..
        } = &mut *state;
        if let Some(asked) = asked.get_mut(name) {
            let lookup = Lookup(asked.answer.subscribe());
            // One plugin must not wait for the share of another.
            if let Some(at) = waiting.iter().position(|waiting| waiting == name)
                && share.take()
            {
                asked.share = share.clone();
                waiting.remove(at);
                next.push_back(name.into());
                self.staff(state);
            }
            return lookup;
        }
        let (answer, lookup) = watch::channel(None);
        let share = share.clone();
        let queue = match share.take() {
            true => next,
            false => waiting,
        };
        queue.push_back(name.into());
        asked.insert(name.into(), PendingLookup { share, answer });
        self.staff(state);
        Lookup(lookup)
    }

    /// Sees to it that there is a thread for what is queued.
    fn staff(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.next.len() <= state.idle || state.threads >= THREADS {
            drop(state);
            self.work.notify_one();
            return;
        }
        let resolver = self.clone();
        let thread = thread::Builder::new().name("kumiki-lookup".into());
        match thread.spawn(move || resolver.serve()) {
            Ok(_) => state.threads += 1,
            // Whoever is there does it in turn.
            Err(_) if state.threads > 0 => {}
            Err(_) => {
                // Dropping a sender tells that nobody could be asked.
                for name in std::mem::take(&mut state.next) {
                    if let Some(asked) = state.asked.remove(&name) {
                        asked.share.give_back();
                    }
                }
                state.waiting.clear();
                state.asked.clear();
            }
        }
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(name) = state.take() {
                drop(state);
                let answer = (self.ask)(&name);
                state = self.lock();
                state.keep(&name, &answer);
                if let Some(asked) = state.end(&name) {
                    asked.answer.send_replace(Some(answer));
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

    /// Nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The next name to look up. What nobody waits for any more is not.
    fn take(&mut self) -> Option<String> {
        while let Some(name) = self.next.pop_front() {
            if self.is_wanted(&name) {
                return Some(name);
            }
            self.end(&name);
        }
        None
    }

    /// Ends what had a part of a share, which is free for what waits for it.
    fn end(&mut self, name: &str) -> Option<PendingLookup> {
        let asked = self.asked.remove(name)?;
        asked.share.give_back();
        for name in std::mem::take(&mut self.waiting) {
            if !self.is_wanted(&name) {
                self.asked.remove(&name);
            } else if self.asked.get(&name).is_some_and(|it| it.share.take()) {
                self.next.push_back(name);
            } else {
                self.waiting.push_back(name);
            }
        }
        Some(asked)
    }

    fn is_wanted(&self, name: &str) -> bool {
        let asked = self.asked.get(name);
        asked.is_some_and(|asked| asked.answer.receiver_count() > 0)
    }

    fn keep(&mut self, name: &str, answer: &Answer) {
        let now = Instant::now();
        if self.kept.len() >= CACHED_ANSWERS {
            self.kept.retain(|_, kept| kept.until > now);
        }
        if self.kept.len() >= CACHED_ANSWERS {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.until);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.kept.remove(&oldest);
            }
        }
        let time = match answer {
            Ok(_) => FOUND,
            Err(_) => NOT_FOUND,
        };
        let kept = CachedAnswer {
            answer: answer.clone(),
            until: now + time,
        };
        self.kept.insert(name.into(), kept);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use wasmtime_wasi::runtime::in_tokio;

    use super::*;

    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static RELEASED: AtomicBool = AtomicBool::new(false);

    /// Names that begin with `slow` wait for the test.
    fn ask(name: &str) -> Answer {
        ASKED.fetch_add(1, Ordering::SeqCst);
        while name.starts_with("slow") && !RELEASED.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        match name.starts_with("none") {
            true => Err(Failure::Unknown),
            false => Ok([IpAddr::from([192, 0, 2, 1])].into()),
        }
    }

    fn answer(resolver: &Arc<Resolver>, name: &str, share: &Arc<LookupQuota>) -> Answer {
        in_tokio(async { resolver.look_up(name, share).answer().await })
    }

    #[test]
    fn lookups_are_shared_bounded_and_kept() {
        let resolver = Resolver::new(ask);
        let (share, other) = (Arc::default(), Arc::default());
        assert_eq!(answer(&resolver, "none", &share), Err(Failure::Unknown));
        for _ in 0..100 {
            assert!(answer(&resolver, "quick", &share).is_ok());
            assert!(answer(&resolver, "none", &share).is_err());
        }
        assert_eq!(ASKED.load(Ordering::SeqCst), 2);
        // PendingLookup for and given up a thousand times, it is under way once.
        for _ in 0..1000 {
            drop(resolver.look_up("slow", &share));
        }
        let waiting: Vec<_> = (0..BY_PLUGIN + 3)
            .map(|number| resolver.look_up(&format!("slow{number}"), &share))
            .collect();
        assert!(waiting.iter().all(|lookup| lookup.try_answer().is_none()));
        // Another plugin is answered meanwhile.
        assert!(answer(&resolver, "other", &other).is_ok());
        assert!(ASKED.load(Ordering::SeqCst) <= 3 + BY_PLUGIN);
        RELEASED.store(true, Ordering::SeqCst);
        for mut lookup in waiting {
            assert!(in_tokio(lookup.answer()).is_ok());
        }
        assert_eq!(share.0.load(Ordering::SeqCst), 0);
        assert!(resolver.lock().asked.is_empty());
    }

    #[test]
    fn no_more_answers_are_kept_than_there_is_room_for() {
        let mut state = State::default();
        for number in 0..CACHED_ANSWERS + 10 {
            state.keep(&format!("name{number}"), &Err(Failure::Unknown));
        }
        assert_eq!(state.kept.len(), CACHED_ANSWERS);
        assert!(
            state
                .kept
                .contains_key(&format!("name{}", CACHED_ANSWERS + 9))
        );
    }

    #[test]
    fn the_system_knows_this_machine() {
        let loopback = ask_the_system("localhost").unwrap();
        assert!(loopback.iter().all(IpAddr::is_loopback), "{loopback:?}");
        assert_eq!(ask_the_system("no-such.invalid"), Err(Failure::Unknown));
    }
}

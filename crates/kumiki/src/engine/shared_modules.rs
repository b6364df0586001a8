//! Core modules that components of one engine share: each is compiled or mapped once per
//! process, for as long as a plugin uses it.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use wasmtime::Module;

/// The BLAKE3 hash of all bytes of a core module. Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ModuleHash(blake3::Hash);

impl ModuleHash {
    pub(crate) fn of(module: &[u8]) -> Self {
        Self(blake3::hash(module))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the name under which a component imports the module instead of containing
    /// it.
    pub(crate) fn import_name(self) -> String {
        // Each word of such a name starts with a letter.
        format!("kumiki-shared-module-x{self}")
    }
}

impl From<[u8; 32]> for ModuleHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Display for ModuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl FromStr for ModuleHash {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A core module that components import instead of containing it.
pub(crate) struct SharedModule {
    pub(crate) hash: ModuleHash,
    pub(crate) module: Module,
}

/// The shared modules of one engine that are in use.
#[derive(Default)]
pub(crate) struct SharedModules {
    entries: Mutex<HashMap<ModuleHash, Arc<Entry>>>,
}

/// The lock is held while the module is compiled or mapped, so that this happens once.
type Entry = Mutex<Weak<SharedModule>>;

impl SharedModules {
    /// Returns the module with this hash if it is in use; otherwise calls `make`, which
    /// must return the module with this hash, for this engine. Concurrent calls for the
    /// same hash wait for the first one.
    pub(crate) fn get_or_make<E>(
        &self,
        hash: ModuleHash,
        make: impl FnOnce() -> Result<Module, E>,
    ) -> Result<Arc<SharedModule>, E> {
        let entry = self.entry(hash);
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = entry.upgrade() {
            return Ok(module);
        }
        let module = Arc::new(SharedModule {
            hash,
            module: make()?,
        });
        *entry = Arc::downgrade(&module);
        Ok(module)
    }

    fn entry(&self, hash: ModuleHash) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&hash) {
            return entry.clone();
        }
        // Strangers' modules must not accumulate.
        entries.retain(|_, entry| is_used(entry));
        entries.entry(hash).or_default().clone()
    }
}

/// Returns whether a plugin uses the module, or a thread is about to make it.
fn is_used(entry: &Arc<Entry>) -> bool {
    let is_made = || entry.lock().is_ok_and(|module| module.strong_count() > 0);
    Arc::strong_count(entry) > 1 || is_made()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::{Engine, EngineConfig};

    fn module() -> Module {
        let engine = Engine::shared(&EngineConfig::default().with_slots(0)).unwrap();
        Module::new(engine.as_wasmtime(), b"\0asm\x01\0\0\0").unwrap()
    }

    #[test]
    fn module_is_made_once_while_it_is_used() {
        let (shared, made) = (SharedModules::default(), AtomicUsize::new(0));
        let hash = ModuleHash::of(b"module");
        let get = || {
            let make = || {
                made.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(module())
            };
            let Ok(module) = shared.get_or_make(hash, make);
            module
        };
        let all = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(get)).collect();
            let threads = threads.into_iter();
            threads
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(all.iter().all(|module| Arc::ptr_eq(module, &all[0])));
        assert_eq!(made.load(Ordering::Relaxed), 1);
        drop(all);
        drop(get());
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn module_that_cannot_be_made_is_made_by_the_next_call() {
        let shared = SharedModules::default();
        let hash = ModuleHash::of(b"module");
        assert_eq!(shared.get_or_make(hash, || Err("no")).err(), Some("no"));
        assert!(shared.get_or_make(hash, || Ok::<_, &str>(module())).is_ok());
    }

    #[test]
    fn modules_out_of_use_are_forgotten() {
        let shared = SharedModules::default();
        let make = |name: u8| {
            let make = || Ok::<_, Infallible>(module());
            let Ok(module) = shared.get_or_make(ModuleHash::of(&[name]), make);
            module
        };
        let used = make(0);
        for name in 1..100 {
            drop(make(name));
        }
        assert!(shared.entries.lock().unwrap().len() <= 2);
        assert!(Arc::ptr_eq(&used, &make(0)));
    }

    #[test]
    fn hash_round_trips() {
        let hash = ModuleHash::of(b"module");
        assert_eq!(hash.to_string().parse::<ModuleHash>().unwrap(), hash);
        assert!("abc".parse::<ModuleHash>().is_err());
    }
}

//! The well-behaved plugin that runs beside every row and must never fail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kumiki_text::{Config, TextHost, TextPlugin};

use crate::guests::counter;

/// A key and a value in its configuration, which no other plugin may read.
pub(crate) const SECRET: (&str, &str) = ("secret", "the neighbour's own");

/// The maximum time until its next result: twice its time limit.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A plugin that counts its calls. A thread calls it repeatedly. If its instance were
/// replaced, the count would start over.
pub(crate) struct Neighbour {
    answered: Arc<AtomicU64>,
    failed: Arc<Mutex<Option<String>>>,
}

impl Neighbour {
    /// Starts it on the engine that the hostile plugins use.
    pub(crate) fn start() -> Self {
        let host = TextHost::new().expect("a host");
        let plugin = host
            .load_bytes("neighbour.wasm", &counter().build())
            .expect("the neighbour loads");
        let config = Config::from_iter([SECRET]);
        let mut plugin = TextPlugin::new(plugin, config).expect("the neighbour starts");
        let neighbour = Self {
            answered: Arc::default(),
            failed: Arc::default(),
        };
        let (answered, failed) = (neighbour.answered.clone(), neighbour.failed.clone());
        thread::spawn(move || {
            for count in 1.. {
                match plugin.process("next") {
                    Ok(result) if result.output == count.to_string() => {
                        answered.store(count, Ordering::Release);
                    }
                    other => {
                        let fact = format!("the neighbour's call {count} gave {other:?}");
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(fact);
                        return;
                    }
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        neighbour
    }

    /// Waits for its next result.
    pub(crate) fn answers(&self) -> Result<(), String> {
        let (start, before) = (Instant::now(), self.answered.load(Ordering::Acquire));
        while self.answered.load(Ordering::Acquire) == before {
            let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(fact) = &*failed {
                return Err(fact.clone());
            }
            drop(failed);
            if start.elapsed() > TIMEOUT {
                return Err(format!("the neighbour has not answered for {TIMEOUT:?}"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

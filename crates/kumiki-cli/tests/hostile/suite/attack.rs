//! One attack of a guest on the real host.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kumiki::{Grants, Limits, LogRecord, Observer};
use kumiki_text::{Config, Error, TextHost, TextPlugin};

use super::outcome::{Expected, Seen};
use super::to_text;

/// The time limit of a guest that runs forever.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
/// The time limit of a guest that ends by itself: long enough for a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(5);
/// The memory limit of a guest, and its transfer limit of a call, in bytes.
const MEMORY: usize = 64 << 20;
const TRANSFER: usize = 16 << 20;
/// The log limits of a call.
const LOG_RECORDS: usize = 100;
const LOG_BYTES: usize = 64 << 10;
/// The maximum length of the error that may be logged beyond them.
const LAST_ERROR: usize = 4 << 10;

/// A resource that must outlive a grant, such as a temporary folder.
pub(super) type Resources = Box<dyn Any + Send>;

/// A guest that attacks when its input is `attack`, and the expected outcome.
pub(crate) struct Attacker {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) limits: Limits,
    pub(crate) grants: Grants,
    pub(crate) expected: Expected,
    pub(super) _resources: Option<Resources>,
}

/// Small limits, with this time limit.
pub(super) fn limits(time: Duration) -> Limits {
    Limits::default()
        .with_time(time)
        .with_memory(MEMORY)
        .with_transfer(TRANSFER)
        .with_log(LOG_RECORDS, LOG_BYTES)
}

/// Loads a plugin and creates an instance.
pub(crate) fn load(
    name: &str,
    bytes: &[u8],
    limits: Limits,
    grants: Grants,
) -> Result<TextPlugin, Error> {
    let host = TextHost::builder().limits(limits).grants(grants).build()?;
    let plugin = host.load_bytes(name, bytes)?;
    TextPlugin::new(plugin, Config::default())
}

/// Loads a guest with small limits, makes it attack, and calls it once more.
pub(super) fn attempt(bytes: &[u8], time: Duration) -> Result<Seen, String> {
    let log = LogCounter::default();
    let host = TextHost::builder()
        .limits(limits(time))
        .observer(log.clone());
    let host = host.build().map_err(to_text)?;
    let loaded = host
        .load_bytes("hostile.wasm", bytes)
        .map_err(Error::from)
        .and_then(|plugin| TextPlugin::new(plugin, Config::default()));
    let mut plugin = match loaded {
        Ok(plugin) => plugin,
        Err(error) => return Ok(error.into()),
    };
    let seen = attack(&mut plugin)?;
    log.is_bounded()?;
    Ok(seen)
}

/// Makes a plugin attack, and calls it once more. The second call must succeed.
pub(crate) fn attack(plugin: &mut TextPlugin) -> Result<Seen, String> {
    let seen = match plugin.process("attack") {
        Ok(result) if result.output == "attack" => Seen::answer(),
        Ok(result) => {
            let output: String = result.output.chars().take(100).collect();
            return Err(format!("the attack succeeded with `{output}`"));
        }
        Err(error) => error.into(),
    };
    let start = Instant::now();
    match plugin.process("well") {
        Ok(result) if result.output == "well" => Ok(seen),
        other => Err(format!(
            "the call after `{}` gave {other:?} after {:?}",
            seen.outcome,
            start.elapsed()
        )),
    }
}

/// Counts the log records of a plugin.
#[derive(Clone, Default)]
struct LogCounter {
    records: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

impl Observer for LogCounter {
    fn log(&self, record: &LogRecord<'_>) {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(record.message.len(), Ordering::Relaxed);
    }
}

impl LogCounter {
    /// Fails if more was logged than the limits of one call allow, plus one notice that
    /// they were reached and one error.
    fn is_bounded(&self) -> Result<(), String> {
        let records = self.records.load(Ordering::Relaxed);
        let bytes = self.bytes.load(Ordering::Relaxed);
        if records > LOG_RECORDS + 2 || bytes > LOG_BYTES + LAST_ERROR + 200 {
            return Err(format!("{records} records of {bytes} bytes were logged"));
        }
        Ok(())
    }
}

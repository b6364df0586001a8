//! A filter of events as an Extism plugin, with the rule `mask` of the guest
//! `event-filter-rust`. An Extism plugin exports no resources, so it has one filter.

use std::sync::Mutex;

use extism_pdk::{Error, FnResult, Json, host_fn, info, plugin_fn};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Event {
    source: String,
    severity: u8,
    message: String,
}

#[derive(Serialize)]
enum Verdict {
    Keep,
    Replace(Event),
}

#[host_fn]
extern "ExtismHost" {
    fn uptime() -> u64;
}

/// The words to mask.
static WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[plugin_fn]
pub fn create(rules: String) -> FnResult<()> {
    let mut words = WORDS.lock().map_err(|_| Error::msg("poisoned"))?;
    for rule in rules.lines() {
        let word = rule.strip_prefix("mask ");
        words.push(
            word.ok_or_else(|| Error::msg(format!("no rule: `{rule}`")))?
                .to_owned(),
        );
    }
    Ok(())
}

#[plugin_fn]
pub fn judge(Json(mut event): Json<Event>) -> FnResult<Json<Verdict>> {
    let seconds = unsafe { uptime()? };
    info!("an event at {seconds} s");
    let words = WORDS.lock().map_err(|_| Error::msg("poisoned"))?;
    let masked = |message: String, word: &String| message.replace(word, "***");
    let message = words.iter().fold(event.message.clone(), masked);
    if message == event.message {
        return Ok(Json(Verdict::Keep));
    }
    event.message = message;
    Ok(Json(Verdict::Replace(event)))
}

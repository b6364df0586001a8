//! Rows: host functions that panic.

use std::panic::{self, AssertUnwindSafe};

use kumiki::{LogRecord, Observer};
use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::ECHO;

use crate::suite::{Case, to_text};

/// Panics at every log record.
struct Panicking;

impl Observer for Panicking {
    fn log(&self, _record: &LogRecord<'_>) {
        panic::resume_unwind(Box::new("the observer"));
    }
}

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::check(
        "a host function that panics during a call",
        interrupted,
    )]
}

/// The guest traps if the interrupted instance is called again.
fn interrupted() -> Result<(), String> {
    let guest = test_components::TextPlugin::new("hostile")
        .global("interrupted")
        .process(&format!(
            "(if (global.get $interrupted) (then unreachable))
             (if (i32.eq (local.get $length) (i32.const 6)) (then
                (global.set $interrupted (i32.const 1))
                (call $log (i32.const 3) (i32.const 0) (i32.const 1))))
             {ECHO}"
        ));
    let host = TextHost::builder().observer(Panicking).build();
    let host = host.map_err(to_text)?;
    let plugin = host.load_bytes("p.wasm", &guest.build());
    let plugin = plugin.map_err(to_text)?;
    let plugin = TextPlugin::new(plugin, Config::default());
    let mut plugin = plugin.map_err(to_text)?;
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| plugin.process("attack")));
    if panicked.is_ok() {
        return Err("the observer's panic was lost".to_owned());
    }
    match plugin.process("well") {
        Ok(result) if result.output == "well" => Ok(()),
        other => Err(format!("the instance was called again: {other:?}")),
    }
}

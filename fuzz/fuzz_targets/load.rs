//! Loads and calls any bytes as a plugin, within small limits: they are read, checked,
//! compiled, linked, instantiated and called. Nothing may panic, and each refusal must
//! have a message.

#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use kumiki::{Limit, Limits};
use kumiki_text::{Config, Error, TextHost, TextPlugin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let checked = host().check("fuzz", bytes);
    match host().load_bytes("fuzz", bytes) {
        Ok(plugin) => {
            assert!(checked.is_ok(), "the check refuses a plugin that loads");
            match TextPlugin::new(plugin, Config::default()) {
                Ok(mut plugin) => call(&mut plugin),
                Err(error) => assert_explained(&error),
            }
        }
        Err(error) => {
            if let Err(checked) = checked {
                assert_eq!(error.to_string(), checked.to_string());
            }
            assert_explained(&error.into());
        }
    }
});

/// Processes two records; the first must not affect the second.
fn call(plugin: &mut TextPlugin) {
    for record in ["Hello, 木!", ""] {
        match plugin.process(record) {
            Ok(result) => assert!(result.output.len() <= host().limits().transfer),
            Err(error) => assert_explained(&error),
        }
    }
}

/// Checks that an error has a message, and that a time limit has its duration.
fn assert_explained(error: &Error) {
    assert!(!error.to_string().is_empty());
    if let Error::Host(error) = error {
        let _ = (error.hint(), error.backtrace());
        if let kumiki::Error::Limit { limit, .. } = error {
            assert_ne!(*limit, Limit::Time(Duration::ZERO));
        }
    }
}

fn host() -> &'static TextHost {
    static HOST: OnceLock<TextHost> = OnceLock::new();
    HOST.get_or_init(|| {
        let limits = Limits::default()
            .with_time(Duration::from_millis(100))
            .with_memory(16 << 20)
            .with_transfer(1 << 20)
            .with_table_elements(10_000)
            .with_core_instances(100)
            .with_component(64 << 10);
        let host = TextHost::builder().limits(limits).build();
        host.expect("the host starts")
    })
}

//! Any bytes as a plugin, all the way: read, checked, compiled, linked,
//! instantiated and called, within small limits. Nothing may panic, and what
//! is refused must be refused in words.

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
            assert!(checked.is_ok(), "loaded what the check refuses");
            match TextPlugin::new(plugin, Config::default()) {
                Ok(mut plugin) => call(&mut plugin),
                Err(error) => said(&error),
            }
        }
        Err(error) => {
            if let Err(checked) = checked {
                assert_eq!(error.to_string(), checked.to_string());
            }
            said(&error.into());
        }
    }
});

/// Two records: what the first has done must not harm the second.
fn call(plugin: &mut TextPlugin) {
    for record in ["Hello, 木!", ""] {
        match plugin.process(record) {
            Ok(result) => assert!(result.output.len() <= host().limits().transfer),
            Err(error) => said(&error),
        }
    }
}

/// An error has words, and those of time are kept.
fn said(error: &Error) {
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

//! Upper-cases text as an author writes it who knows nothing of the host: with
//! std, which imports WASI for the environment, the clock and printing. Such a
//! component must load unchanged, with nothing granted.

use std::time::SystemTime;

use exports::myapp::text_processor::plugin::{Guest, ProcessError, ProcessResult};
use myapp::text_processor::types::KeyValue;

wit_bindgen::generate!({
    path: "../../../wit/text-processor",
    world: "text-plugin",
});

struct Upper;

impl Guest for Upper {
    fn get_name() -> String {
        env!("CARGO_PKG_NAME").to_owned()
    }

    fn get_version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn process(input: String) -> Result<ProcessResult, ProcessError> {
        if input.is_empty() {
            return Err(ProcessError::InvalidInput);
        }
        println!("{} bytes on standard output", input.len());
        eprintln!("{} bytes on standard error", input.len());
        let clock_works = SystemTime::now() > SystemTime::UNIX_EPOCH;

        Ok(ProcessResult {
            output: input.to_uppercase(),
            metadata: vec![
                key_value("transform", "uppercase".to_owned()),
                key_value(
                    "environment_variables",
                    std::env::vars().count().to_string(),
                ),
                key_value("clock_works", clock_works.to_string()),
                key_value(
                    "file_readable",
                    std::fs::read("/etc/hostname").is_ok().to_string(),
                ),
            ],
        })
    }
}

fn key_value(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value,
    }
}

export!(Upper);

//! Trims text and replaces every run of (ASCII) white space with one space.

mod panics;

use exports::myapp::text_processor::{batch, plugin};
use myapp::text_processor::host_api::{LogLevel, log};
use myapp::text_processor::types::{KeyValue, ProcessError, ProcessResult};

wit_bindgen::generate!({
    path: "wit",
    world: "text-plugin-batch",
});

struct Plugin;

impl plugin::Guest for Plugin {
    fn get_name() -> String {
        env!("CARGO_PKG_NAME").to_owned()
    }

    fn get_version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn process(input: String) -> Result<ProcessResult, ProcessError> {
        let words: Vec<&str> = input.split_ascii_whitespace().collect();
        if words.is_empty() {
            // Return an error to the caller; a panic is logged and ends the
            // instance.
            return Err(ProcessError::InvalidInput);
        }
        log(LogLevel::Debug, &format!("{} words", words.len()));
        Ok(ProcessResult {
            output: words.join(" "),
            metadata: vec![KeyValue {
                key: "words".to_owned(),
                value: words.len().to_string(),
            }],
        })
    }
}

/// Processes many records in one call, which is faster.
impl batch::Guest for Plugin {
    fn process_batch(inputs: Vec<String>) -> Vec<Result<ProcessResult, ProcessError>> {
        inputs.into_iter().map(<Self as plugin::Guest>::process).collect()
    }
}

export!(Plugin);

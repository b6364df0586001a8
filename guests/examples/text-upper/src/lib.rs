//! Upper-cases text: the example plugin in Rust.
//!
//! A character is a Unicode scalar value; `original_length` counts bytes.

use exports::myapp::text_processor::plugin::{Guest, ProcessError, ProcessResult};
use myapp::text_processor::host_api::{LogLevel, log};
use myapp::text_processor::types::KeyValue;

wit_bindgen::generate!({
    path: "../../../wit/text-processor",
    world: "text-plugin",
});

struct TextUpper;

impl Guest for TextUpper {
    fn get_name() -> String {
        "text-upper".to_owned()
    }

    fn get_version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn process(input: String) -> Result<ProcessResult, ProcessError> {
        if input.is_empty() {
            log(LogLevel::Warn, "Empty input received");
            return Err(ProcessError::InvalidInput);
        }

        // std takes ASCII in vectors and only the rest one by one.
        let output = input.to_uppercase();
        let characters = input.chars().count();
        log(
            LogLevel::Info,
            &format!("Processed {characters} characters"),
        );

        Ok(ProcessResult {
            output,
            metadata: vec![
                key_value("original_length", input.len().to_string()),
                key_value("transform", "uppercase".to_owned()),
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

export!(TextUpper);

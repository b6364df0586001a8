//! What the Rust SDK adds, for the host's tests: `panic TEXT` panics, `config
//! KEY` looks it up, all else is upper-cased.

use kumiki_plugin::{Output, Plugin, ProcessError, config, info};

struct Sdk;

impl Plugin for Sdk {
    const NAME: &'static str = "sdk-rust";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn process(input: &str) -> Result<Output, ProcessError> {
        match input.split_once(' ').unwrap_or((input, "")) {
            ("panic", text) => panic!("{text}"),
            ("config", key) => config(key)
                .map(Output::new)
                .ok_or(ProcessError::UnsupportedFormat),
            ("", _) => Err(ProcessError::InvalidInput),
            _ => {
                info!("{} bytes", input.len());
                Ok(Output::new(input.to_uppercase()).with("bytes", input.len()))
            }
        }
    }
}

kumiki_plugin::export!(Sdk);

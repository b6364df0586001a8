//! What the ways of many records cost and answer, for the host's tests and
//! benchmarks. Upper-cases, with nothing around it; `refuse` and `panic` do
//! so, and `WORD=VALUE …` comes back with these as metadata.

use kumiki_plugin::{Output, Plugin, ProcessError};

struct Batch;

impl Plugin for Batch {
    const NAME: &'static str = "batch-rust";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn process(input: &str) -> Result<Output, ProcessError> {
        match input {
            "refuse" => Err(ProcessError::UnsupportedFormat),
            "panic" => panic!("on purpose"),
            _ if input.contains('=') => {
                let output = Output::new(input.to_uppercase());
                let entries = input.split_whitespace();
                let entries = entries.filter_map(|entry| entry.split_once('='));
                Ok(entries.fold(output, |output, (key, value)| output.with(key, value)))
            }
            _ => Ok(Output::new(input.to_uppercase())),
        }
    }
}

kumiki_plugin::export!(Batch);

//! Tidies texts: trims each line, replaces every run of (ASCII) white space with one
//! space, and leaves out blank lines.

mod panics;
#[allow(dead_code, reason = "there are more ways to read than a plugin needs")]
mod stream;

use exports::myapp::text_processor::{plugin, streaming};
use myapp::text_processor::host_api::{LogLevel, log};
use myapp::text_processor::types::{KeyValue, ProcessError, ProcessResult};
use stream::{Input, Output};
use wit_bindgen::{FutureReader, StreamReader};

wit_bindgen::generate!({
    path: "wit",
    world: "text-plugin-stream",
});

struct Plugin;

/// Transforms a whole text of any length.
async fn transform(mut input: Input, mut output: Output) -> Result<(), ProcessError> {
    let mut count = 0;
    // One or many lines at once, and only whole ones.
    while let Some(lines) = input.read_lines().await {
        let mut tidied = String::with_capacity(lines.len() + 1);
        for line in lines.lines() {
            for (index, word) in line.split_ascii_whitespace().enumerate() {
                tidied += if index > 0 { " " } else { "" };
                tidied += word;
            }
            if !(tidied.is_empty() || tidied.ends_with('\n')) {
                tidied += "\n";
                count += 1;
            }
        }
        // If nobody reads the output any more, the function ends here.
        output.write_all(tidied).await;
    }
    log(LogLevel::Debug, &format!("{count} lines"));
    Ok(())
}

impl streaming::Guest for Plugin {
    async fn transform(
        input: StreamReader<u8>,
    ) -> (StreamReader<u8>, FutureReader<Result<(), ProcessError>>) {
        let (writer, output) = wit_stream::new();
        let (end, outcome) = wit_future::new(|| Err(ProcessError::InternalError));
        wit_bindgen::spawn_local(async move {
            let result = stream::run(writer, async |output| {
                transform(Input::new(input), output).await
            });
            let _ = end.write(result.await).await;
        });
        (output, outcome)
    }
}

impl plugin::Guest for Plugin {
    fn get_name() -> String {
        env!("CARGO_PKG_NAME").to_owned()
    }

    fn get_version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    /// Processes one record.
    fn process(input: String) -> Result<ProcessResult, ProcessError> {
        let words: Vec<&str> = input.split_ascii_whitespace().collect();
        if words.is_empty() {
            // Return an error to the caller; a panic is logged and ends the
            // instance.
            return Err(ProcessError::InvalidInput);
        }
        Ok(ProcessResult {
            output: words.join(" "),
            metadata: vec![KeyValue {
                key: "words".to_owned(),
                value: words.len().to_string(),
            }],
        })
    }
}

export!(Plugin);

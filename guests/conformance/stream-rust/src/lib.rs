//! The guest in Rust of the language matrix of streams; guests/README.md lists
//! its modes.

use kumiki_plugin::{Input, Output, Plugin, ProcessError, StreamOutput, Streaming, config};

struct Modes;

impl Plugin for Modes {
    const NAME: &'static str = "stream";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn process(input: &str) -> Result<Output, ProcessError> {
        Ok(Output::new(upper(input.to_owned())))
    }
}

/// `str::to_uppercase`, without the standard library's loop for ASCII: on WebAssembly, that
/// takes four times as long.
fn upper(mut text: String) -> String {
    let bits = text.bytes().fold(0, |bits, byte| bits | byte);
    match bits < 0x80 {
        true => {
            text.make_ascii_uppercase();
            text
        }
        false => text.to_uppercase(),
    }
}

impl Streaming for Modes {
    async fn transform(mut input: Input, mut output: StreamOutput) -> Result<(), ProcessError> {
        match config("mode").unwrap_or_default().as_str() {
            "pass" => {
                while let Some(chunk) = input.read().await {
                    output.write_all(chunk).await;
                }
            }
            "" | "upper" => {
                while let Some(text) = input.read_text().await {
                    output.write_all(upper(text)).await;
                }
            }
            "lines" => {
                let mut number = 0;
                while let Some(lines) = input.read_lines().await {
                    let mut numbered = String::with_capacity(lines.len() * 2);
                    for line in lines.split_inclusive('\n') {
                        number += 1;
                        numbered += &format!("{number} {line}");
                    }
                    output.write_all(numbered).await;
                }
            }
            "error first" => return Err(ProcessError::UnsupportedFormat),
            "error later" => {
                output.write_all("some").await;
                return Err(ProcessError::UnsupportedFormat);
            }
            "first word" => output.write_all("word").await,
            "endless" => loop {
                output.write_all("endless ".repeat(8192)).await;
            },
            "trap later" => {
                output.write_all("some").await;
                panic!("on purpose");
            }
            mode => panic!("no such mode: {mode}"),
        }
        Ok(())
    }
}

kumiki_plugin::export!(Modes);
kumiki_plugin::export_streaming!(Modes);

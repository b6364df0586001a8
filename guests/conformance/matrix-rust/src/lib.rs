//! The language matrix's guest in Rust; guests/README.md lists its commands.

use kumiki_plugin::{LogLevel, Output, Plugin, ProcessError, config, log};

struct Matrix;

impl Plugin for Matrix {
    const NAME: &'static str = "matrix";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn process(input: &str) -> Result<Output, ProcessError> {
        let (command, rest) = split(input);
        match command {
            "echo" => Ok(Output::new(rest)),
            "upper" => Ok(Output::new(rest.to_uppercase())),
            "error" => match rest {
                "invalid-input" => Err(ProcessError::InvalidInput),
                "unsupported-format" => Err(ProcessError::UnsupportedFormat),
                "internal-error" => Err(ProcessError::InternalError),
                _ => Ok(unknown(input)),
            },
            "log" => {
                let (name, message) = split(rest);
                let Some(level) = level(name) else {
                    return Ok(unknown(input));
                };
                log(level, message);
                Ok(Output::default())
            }
            "config" => Ok(match config(rest) {
                Some(value) => Output::new(value),
                None => Output::default().with("absent", rest),
            }),
            "metadata" => Ok((0..number(rest)).fold(Output::default(), |output, index| {
                output.with(format!("鍵-{index}"), format!("{index} 😀"))
            })),
            "repeat" => {
                let (count, text) = split(rest);
                Ok(Output::new(text.repeat(number(count))))
            }
            "trap" => panic!("on purpose"),
            _ => Ok(unknown(input)),
        }
    }
}

/// The first word and what stands behind the space after it.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn level(name: &str) -> Option<LogLevel> {
    match name {
        "debug" => Some(LogLevel::Debug),
        "info" => Some(LogLevel::Info),
        "warn" => Some(LogLevel::Warn),
        "error" => Some(LogLevel::Error),
        _ => None,
    }
}

/// No right answer of any command.
fn unknown(input: &str) -> Output {
    Output::default().with("unknown", input)
}

kumiki_plugin::export!(Matrix);

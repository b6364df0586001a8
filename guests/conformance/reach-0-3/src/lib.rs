//! Does what the guest `reach` does, through WASI 0.3: reaches on command for what it may
//! not have been granted. The output is what came of it, in the words of `reach`.

mod files;
mod network;
mod request;

use wasip3::cli::{environment, stdout};
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::random::random;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/text-processor",
        world: "text-plugin-concurrent",
    });
}

use bindings::exports::myapp::text_processor::{concurrent, plugin};
use bindings::myapp::text_processor::types::{ProcessError, ProcessResult};

struct Reach;

bindings::export!(Reach with_types_in bindings);

/// What came of a command, or the kind of its error.
type Outcome = Result<String, String>;

impl plugin::Guest for Reach {
    fn get_name() -> String {
        "reach".into()
    }

    fn get_version() -> String {
        "0.1.0".into()
    }

    fn process(_: String) -> Result<ProcessResult, ProcessError> {
        // It could not wait.
        Err(ProcessError::InternalError)
    }
}

impl concurrent::Guest for Reach {
    async fn process_concurrent(input: String) -> Result<ProcessResult, ProcessError> {
        let words: Vec<_> = input.split(' ').collect();
        let answer = obey(&words).await.ok_or(ProcessError::InvalidInput)?;
        Ok(ProcessResult {
            output: answer.unwrap_or_else(|kind| format!("error: {kind}")),
            metadata: Vec::new(),
        })
    }
}

/// Runs one command. Returns `None` if there is no such command.
async fn obey(words: &[&str]) -> Option<Outcome> {
    Some(match words {
        ["read", path] => files::read(path).await,
        ["write", path, text] => files::write(path, text).await,
        ["append", path, text] => files::append(path, text).await,
        ["truncate", path] => files::truncate(path).await,
        ["remove", path] => files::remove(path).await,
        ["clear", path] => files::clear(path).await,
        ["list", path] => files::list(path).await,
        ["make", path] => files::make(path).await,
        ["rename", from, to] => files::rename(from, to).await,
        ["link", from, to] => files::link(from, to).await,
        ["symlink", target, link] => files::symlink(target, link).await,
        ["env", name] => Ok(variable(name)),
        ["envs"] => Ok(joined(variables().into_iter().map(|(name, _)| name))),
        ["args"] => Ok(joined(environment::get_arguments().into_iter())),
        ["connect", address] => network::connect(address).await,
        ["send", address] => network::send(address).await,
        ["listen", address] => network::listen(address),
        ["resolve", name] => network::resolve(name).await,
        ["get", url] => request::fetch(url, None, None).await,
        ["get", url, nanoseconds] => request::fetch(url, None, nanoseconds.parse().ok()).await,
        ["post", url, text] => request::fetch(url, Some(text), None).await,
        ["now"] => Ok(now().to_string()),
        ["elapsed"] => Ok(elapsed().to_string()),
        ["random"] => Ok(random::get_random_u64().to_string()),
        ["say", text] => say(text).await,
        ["wait", nanoseconds] => wait(nanoseconds).await,
        _ => return None,
    })
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join("|")
}

fn variables() -> Vec<(String, String)> {
    environment::get_environment()
}

fn variable(name: &str) -> String {
    let mut variables = variables().into_iter();
    let found = variables.find(|(other, _)| other == name);
    found.map_or_else(|| "unset".into(), |(_, value)| value)
}

/// Nanoseconds since 1970.
fn now() -> i128 {
    let now = system_clock::now();
    i128::from(now.seconds) * 1_000_000_000 + i128::from(now.nanoseconds)
}

/// Nanoseconds between the first two different readings of a clock, or 0 when a million
/// are the same.
fn elapsed() -> u64 {
    let start = monotonic_clock::now();
    (0..1_000_000)
        .map(|_| monotonic_clock::now() - start)
        .find(|elapsed| *elapsed > 0)
        .unwrap_or(0)
}

async fn wait(nanoseconds: &str) -> Outcome {
    let nanoseconds = nanoseconds.parse().map_err(|_| "InvalidInput".to_owned())?;
    monotonic_clock::wait_for(nanoseconds).await;
    Ok("done".into())
}

/// Writes a line to standard output.
async fn say(text: &str) -> Outcome {
    let (mut writer, reader) = wasip3::wit_stream::new();
    let written = stdout::write_via_stream(reader);
    writer.write_all(format!("{text}\n").into_bytes()).await;
    drop(writer);
    match written.await {
        Ok(()) => Ok("done".into()),
        Err(code) => Err(format!("{code:?}")),
    }
}

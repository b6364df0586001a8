//! The child process, which compiles.

use std::io::{self, Read};
use std::process::ExitCode;

use super::protocol::{Answer, Request};
use crate::error::is_out_of_memory;
use crate::{EngineConfig, Sandbox};

/// As [`CompileCommand::serve`](super::CompileCommand::serve).
pub(super) fn serve() -> ExitCode {
    let mut input = io::stdin().lock();
    let answer = match Request::read(&mut input) {
        Ok(request) => answer(request, &mut input),
        Err(error) => Answer::Failed(error.to_string()),
    };
    match answer.write(&mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // The parent reads no longer.
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(request: Request, input: &mut impl Read) -> Answer {
    let compiled = restrict(request)
        .and_then(|()| bytes(request, input))
        .map_err(wasmtime::Error::from)
        .and_then(|bytes| compile(request, &bytes));
    match compiled {
        Ok(artifact) => Answer::Compiled(artifact),
        Err(error) if is_out_of_memory(&error) => Answer::OutOfMemory,
        Err(error) => Answer::Failed(format!("{error:#}")),
    }
}

/// Reads the component or module.
fn bytes(request: Request, input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(request.length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == request.length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Compiles with an engine without slots: the machine code is the same, and the engine
/// reserves no address space.
fn compile(request: Request, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let config = EngineConfig::default()
        .with_fuel(request.fuel)
        .with_concurrency(request.concurrency)
        .with_slots(0);
    wasmtime::Engine::new(&config.to_wasmtime()).and_then(|engine| match request.is_module {
        true => engine.precompile_module(bytes),
        false => engine.precompile_component(bytes),
    })
}

/// Applies the request's limits to this process, and restricts it to its standard
/// streams: compiling reads and writes no file.
fn restrict(request: Request) -> io::Result<()> {
    limit(request)?;
    // An error is ignored: this process also inherits the parent's sandbox, if any.
    let _ = Sandbox::new().restrict_current_thread();
    Ok(())
}

#[cfg(unix)]
fn limit(request: Request) -> io::Result<()> {
    use std::num::NonZero;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let set = |resource, current: u64, maximum: u64| {
        let now = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(current.min(now)),
            maximum: Some(maximum.min(now)),
        };
        setrlimit(resource, limit)
    };
    // The parent enforces the time limit. If the parent is gone, this limit applies.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let seconds = request.time.as_secs().saturating_add(1);
    let seconds = seconds.saturating_mul(cores as u64);
    // At the soft limit the system sends SIGXCPU, by which the parent recognises the
    // reason; at the hard limit it sends SIGKILL.
    set(Resource::Cpu, seconds, seconds.saturating_add(5))?;
    // Not the address space: the C library reserves 64 MiB of it for each thread, and
    // uses little of that.
    set(Resource::Data, request.memory, request.memory)?;
    // Without this, running out of memory could write all of it to a core file.
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, 0, 0)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// On other systems the parent's time limit is the only limit.
#[cfg(not(unix))]
fn limit(_: Request) -> io::Result<()> {
    Ok(())
}

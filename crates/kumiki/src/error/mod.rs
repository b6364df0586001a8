//! The error type: one variant for each way that loading or calling a plugin can
//! fail. An error that the plugin itself returns is not an [`Error`]: it is a result
//! of the contract.

mod hint;
mod host_error;
mod memory;
mod thin;

use std::io;
use std::path::PathBuf;

pub use host_error::HostError;
pub(crate) use memory::is_out_of_memory;
pub use thin::ThinError;

use crate::inspect::Kind;
use crate::limits::Limit;
use crate::permissions::{GrantError, PermissionRequests};
use crate::text;

/// The result of a Kumiki function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error from loading or running a plugin; [`Error::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The plugin's file could not be read.
    #[error("cannot read plugin `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not a component.
    #[error("`{plugin}` is not a component but {found}")]
    NotAComponent {
        /// The plugin.
        plugin: String,
        /// The kind of file that was found.
        found: Kind,
    },
    /// The component is thin, and cannot be made whole here.
    #[error("cannot load the thin plugin `{plugin}`: {source}")]
    Thin {
        /// The plugin.
        plugin: String,
        /// The reason.
        source: ThinError,
    },
    /// The file has a component's header, but is not a valid component.
    #[error("`{plugin}` is not a valid component: {message} (at byte {offset:#x})")]
    Malformed {
        /// The plugin.
        plugin: String,
        /// The validator's message.
        message: String,
        /// The position of the error, in bytes from the start.
        offset: usize,
    },
    /// The component uses a WebAssembly proposal that this host disables.
    #[error(
        "`{plugin}` uses a disabled WebAssembly proposal (`{proposal}`): {message} \
         (at byte {offset:#x})"
    )]
    Proposal {
        /// The plugin.
        plugin: String,
        /// The proposal, such as `relaxed-simd`.
        proposal: String,
        /// The validator's message.
        message: String,
        /// The position of the error, in bytes from the start.
        offset: usize,
    },
    /// The component has too many parts: reading or compiling it would take
    /// more time or memory than a plugin may use.
    #[error("`{plugin}` is too large: it has {found} {what}, over the limit of {most}")]
    TooLarge {
        /// The plugin.
        plugin: String,
        /// The parts that were counted.
        what: &'static str,
        /// The count at which the component was refused.
        found: usize,
        /// The maximum.
        most: usize,
    },
    /// The component lacks an export that the contract requires.
    #[error(
        "`{plugin}` does not export `{export}: {expected}`, as the contract `{contract}` requires"
    )]
    MissingExport {
        /// The plugin.
        plugin: String,
        /// The export, `interface#function` for a function in an interface.
        export: String,
        /// Its type in the contract, as WIT.
        expected: String,
        /// Package and world of the contract.
        contract: String,
    },
    /// The component exports or imports an item of the contract with a different
    /// type.
    #[error(transparent)]
    WrongType(Box<WrongType>),
    /// The component imports an item that this host does not provide.
    #[error("`{plugin}` imports `{import}`, which this host does not provide")]
    UnknownImport {
        /// The plugin.
        plugin: String,
        /// The import, `interface#function` for a function in an interface.
        import: String,
        /// The imports that the contract provides besides WASI.
        given: Vec<String>,
    },
    /// The file has no interfaces that WIT can describe.
    #[error("`{plugin}` has no WIT: {message}")]
    NoWit {
        /// The plugin.
        plugin: String,
        /// The reason.
        message: String,
    },
    /// The component could not be compiled.
    #[error("cannot compile `{plugin}`")]
    Compile {
        /// The plugin.
        plugin: String,
        /// Wasmtime's error.
        source: wasmtime::Error,
    },
    /// The process that compiles the component
    /// ([`CompileCommand`](crate::CompileCommand)) could not be started, or did not
    /// answer.
    #[error("cannot compile `{plugin}` in a separate process: {message}")]
    CompileProcess {
        /// The plugin.
        plugin: String,
        /// The reason.
        message: String,
    },
    /// The component's imports could not be linked, although their interfaces are
    /// known: it imports a WASI function that this host does not have.
    #[error("cannot link `{plugin}`")]
    Link {
        /// The plugin.
        plugin: String,
        /// Wasmtime's error.
        source: wasmtime::Error,
    },
    /// The component could not be instantiated: it needs more than its limits allow,
    /// or this machine has no memory left.
    #[error("cannot instantiate `{plugin}`")]
    Instantiate {
        /// The plugin.
        plugin: String,
        /// Wasmtime's error.
        source: wasmtime::Error,
    },
    /// The guest trapped: it violated a rule of WebAssembly, aborted
    /// (`unreachable`, a panic), or returned a value that is invalid for its type.
    #[error("`{plugin}` trapped in `{function}`: {message}")]
    Trap {
        /// The plugin.
        plugin: String,
        /// The function that was called, or `instantiate`.
        function: String,
        /// The cause of the trap.
        message: String,
        /// The guest's backtrace, innermost frame first, one line per frame; empty if
        /// none was captured.
        backtrace: String,
        /// The trap code, if the guest violated a rule of WebAssembly.
        code: Option<wasmtime::Trap>,
        /// The host function's error, if one ended the call. It keeps the embedder's
        /// error type.
        source: Option<HostError>,
    },
    /// The closure that makes the call returned its own error. The instance stays
    /// usable.
    #[error("the caller of `{function}` in `{plugin}` failed")]
    Call {
        /// The plugin.
        plugin: String,
        /// The function that was called.
        function: String,
        /// The closure's own error.
        source: wasmtime::Error,
    },
    /// The call exceeded a limit.
    #[error("`{plugin}` exceeded its limit in `{function}`: {limit}")]
    Limit {
        /// The plugin.
        plugin: String,
        /// The function that was called, or `instantiate`.
        function: String,
        /// The limit, with its value.
        limit: Limit,
    },
    /// An earlier trap or limit ended this instance.
    #[error("this instance of `{plugin}` was ended by an earlier trap or limit")]
    Poisoned {
        /// The plugin.
        plugin: String,
    },
    /// A function of a plugin that imports asynchronous functions was called with
    /// [`Instance::call`](crate::Instance::call). The instance stays usable.
    #[error(
        "`{function}` of `{plugin}` cannot be called synchronously: the plugin imports asynchronous functions"
    )]
    SynchronousCall {
        /// The plugin.
        plugin: String,
        /// The function.
        function: String,
    },
    /// All instances of a [`Pool`](crate::Pool) stayed in use until the wait timed
    /// out.
    #[error("all {max_instances} instances of `{plugin}` are in use")]
    PoolTimeout {
        /// The plugin.
        plugin: String,
        /// The maximum number of instances.
        max_instances: usize,
    },
    /// The component exports no function with this name, or several.
    #[error(
        "`{plugin}` exports {} function `{function}`",
        if *is_ambiguous { "more than one" } else { "no" }
    )]
    NoFunction {
        /// The plugin.
        plugin: String,
        /// The name.
        function: String,
        /// Whether several functions have this name.
        is_ambiguous: bool,
        /// The functions with this name, otherwise all exported functions.
        candidates: Vec<String>,
    },
    /// The values or the text of a dynamic call do not fit the function. The guest was
    /// not called.
    #[error("cannot call `{function}` of `{plugin}`: {message}")]
    Arguments {
        /// The plugin.
        plugin: String,
        /// The function.
        function: String,
        /// What does not fit.
        message: String,
        /// The function's type in WIT, if the function was found.
        signature: Option<String>,
    },
    /// The contract itself is invalid: its WIT does not parse, lacks the named
    /// world, or its functions do not link.
    #[error("invalid contract: {message}")]
    Contract {
        /// What is wrong with it.
        message: String,
    },
    /// A grant does not parse, or names something that does not exist.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A grants file could not be read or parsed.
    #[error("`{}`{}: {message}", path.display(), line.map_or(String::new(), |line| format!(", line {line}")))]
    GrantsFile {
        /// The file.
        path: PathBuf,
        /// The line of the error, counted from 1, if it is in one line.
        line: Option<usize>,
        /// What is wrong, and what is accepted.
        message: String,
    },
    /// The component's requests could not be parsed.
    #[error("cannot read the requests of `{plugin}`: {message}")]
    PermissionRequests {
        /// The plugin.
        plugin: String,
        /// What is wrong, and what is accepted.
        message: String,
    },
    /// The plugin requests something that it is not granted, so it is not started.
    #[error(
        "`{plugin}` requests access that is not granted: {}",
        one_line(missing)
    )]
    Ungranted {
        /// The plugin.
        plugin: String,
        /// The requests that are not granted.
        missing: PermissionRequests,
    },
    /// A folder cannot be used as the compile cache.
    #[error("cannot use `{}` as the compile cache: {message}", folder.display())]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        message: String,
        /// How to fix it.
        hint: &'static str,
    },
    /// The system supports a sandbox, but could not restrict this process.
    #[error("cannot restrict this process: {message}")]
    Sandbox {
        /// The system's error.
        message: String,
    },
    /// The engine could not be created on this machine.
    #[error("cannot start the WebAssembly engine")]
    Engine {
        /// Wasmtime's error.
        source: wasmtime::Error,
    },
    /// A host of an [asynchronous](crate::AsyncContract) contract has an
    /// [`Engine`](crate::Engine) whose slots have no stacks.
    #[error("an asynchronous contract needs an engine whose slots have stacks")]
    NoAsyncStacks,
    /// A contract with asynchronous host functions got an engine without
    /// [`EngineConfig::concurrency`](crate::EngineConfig::concurrency).
    #[error("the contract imports asynchronous functions, and the engine has no concurrency")]
    NoConcurrency,
    /// An asynchronous call was made outside of a tokio runtime.
    #[error("cannot call `{plugin}` asynchronously outside of a tokio runtime")]
    NoRuntime {
        /// The plugin.
        plugin: String,
    },
    /// A host has a limit of fuel, and an [`Engine`](crate::Engine) that does not count
    /// it.
    #[error("a limit of {fuel} fuel needs an engine that counts fuel")]
    FuelNotCounted {
        /// The limit.
        fuel: u64,
    },
}

/// An export or import whose type differs from the contract's. [`Error`] boxes it, so
/// that this rare variant does not enlarge every result.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{plugin}` {side}s `{name}` as `{found}`, where the contract `{contract}` has `{expected}`"
)]
#[non_exhaustive]
pub struct WrongType {
    /// The plugin.
    pub plugin: String,
    /// `export` or `import`.
    pub side: &'static str,
    /// The export or import, `interface#function` for a function in an
    /// interface.
    pub name: String,
    /// Its type in the contract, as WIT.
    pub expected: String,
    /// Its type in the component, as WIT.
    pub found: String,
    /// Package and world of the contract.
    pub contract: String,
}

impl Error {
    pub(crate) fn malformed(plugin: &str, source: &wasmparser::BinaryReaderError) -> Self {
        Self::Malformed {
            plugin: plugin.into(),
            message: text::message(source.message()),
            offset: source.offset(),
        }
    }

    pub(crate) fn proposal(
        plugin: &str,
        proposal: String,
        source: &wasmparser::BinaryReaderError,
    ) -> Self {
        Self::Proposal {
            plugin: plugin.into(),
            proposal,
            message: text::message(source.message()),
            offset: source.offset(),
        }
    }

    /// Sanitizes `source`, because it quotes the component's names.
    pub(crate) fn compile(plugin: &str, source: wasmtime::Error) -> Self {
        Self::Compile {
            plugin: plugin.into(),
            source: text::source(source),
        }
    }

    /// Sanitizes `source`, as [`Error::compile`] does.
    pub(crate) fn link(plugin: &str, source: wasmtime::Error) -> Self {
        Self::Link {
            plugin: plugin.into(),
            source: text::source(source),
        }
    }

    /// Returns the guest's backtrace at a trap, innermost frame first, one line per frame.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        match self {
            Self::Trap { backtrace, .. } if !backtrace.is_empty() => Some(backtrace),
            _ => None,
        }
    }
}

/// Sanitizes the requests: their text comes from the plugin.
fn one_line(requests: &PermissionRequests) -> String {
    text::message(&requests.to_string().replace('\n', ", "))
}

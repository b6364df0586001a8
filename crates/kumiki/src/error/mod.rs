//! Everything that can go wrong between a file and a plugin's answer, each as
//! a variant of its own. What the plugin itself answers, its own errors
//! included, is no error here: it belongs to the contract.

mod hint;
mod host_error;
mod memory;

use std::io;
use std::path::PathBuf;

pub use host_error::HostError;
pub(crate) use memory::is_out_of_memory;

use crate::inspect::Kind;
use crate::limits::Limit;
use crate::permissions::{GrantError, Requests};
use crate::text;

/// The result of a Kumiki function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, in which plugin, and (through [`Error::hint`]) how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The plugin's file could not be read.
    #[error("cannot read plugin `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are something else than a component.
    #[error("`{plugin}` is not a component but {found}")]
    NotAComponent {
        /// The plugin.
        plugin: String,
        /// What it is instead.
        found: Kind,
    },
    /// The bytes start as a component and break its rules further on.
    #[error("`{plugin}` is not a valid component: {message} (at byte {offset:#x})")]
    Malformed {
        /// The plugin.
        plugin: String,
        /// What the validator said.
        message: String,
        /// Where, in bytes from the beginning.
        offset: usize,
    },
    /// The component uses a proposal of WebAssembly that is switched off here.
    #[error(
        "`{plugin}` uses a proposal of WebAssembly that is switched off (`{proposal}`): {message} \
         (at byte {offset:#x})"
    )]
    Proposal {
        /// The plugin.
        plugin: String,
        /// The proposal, such as `relaxed-simd`.
        proposal: String,
        /// What the validator said.
        message: String,
        /// Where, in bytes from the beginning.
        offset: usize,
    },
    /// The component is made of so much that reading or compiling it would take
    /// more time or memory than any plugin may.
    #[error("`{plugin}` is too large: it has {found} {what}, over {most}")]
    TooLarge {
        /// The plugin.
        plugin: String,
        /// What there is too much of.
        what: &'static str,
        /// How much was found until it was refused.
        found: usize,
        /// How much is the most.
        most: usize,
    },
    /// The component lacks an export of the contract.
    #[error(
        "`{plugin}` does not export `{export}: {expected}`, as the contract `{contract}` demands"
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
    /// The component exports or imports something of the contract with
    /// another type.
    #[error(transparent)]
    WrongType(Box<WrongType>),
    /// The component imports what this host does not give.
    #[error("`{plugin}` imports `{import}`, which this host does not give")]
    UnknownImport {
        /// The plugin.
        plugin: String,
        /// The import, `interface#function` for a function in an interface.
        import: String,
        /// What the contract gives, beside WASI 0.2.
        given: Vec<String>,
    },
    /// The component fits, but is made for the Component Model's asynchronous
    /// calls, which came with WASI 0.3.
    #[error("`{plugin}` uses the asynchronous calls of WASI 0.3, which this host does not have")]
    Asynchronous {
        /// The plugin.
        plugin: String,
    },
    /// The file has no interfaces that WIT could describe.
    #[error("`{plugin}` has no WIT: {message}")]
    NoWit {
        /// The plugin.
        plugin: String,
        /// Why not.
        message: String,
    },
    /// The component could not be compiled.
    #[error("cannot compile `{plugin}`")]
    Compile {
        /// The plugin.
        plugin: String,
        /// What wasmtime said.
        source: wasmtime::Error,
    },
    /// The component was to be compiled in a process of its own
    /// ([`CompileCommand`](crate::CompileCommand)), which could not be started,
    /// or gave no answer.
    #[error("cannot compile `{plugin}` in a process of its own: {message}")]
    CompileProcess {
        /// The plugin.
        plugin: String,
        /// Why not.
        message: String,
    },
    /// The component's imports could not be linked, though their names are
    /// known: a function of WASI that this host does not have.
    #[error("cannot link `{plugin}`")]
    Link {
        /// The plugin.
        plugin: String,
        /// What wasmtime said.
        source: wasmtime::Error,
    },
    /// No instance could be made: the component needs more than it may have,
    /// or this machine has no room.
    #[error("cannot instantiate `{plugin}`")]
    Instantiate {
        /// The plugin.
        plugin: String,
        /// What wasmtime said.
        source: wasmtime::Error,
    },
    /// The guest trapped: it broke a rule of WebAssembly, gave up by itself
    /// (`unreachable`, a panic), or returned what is no value of its type.
    #[error("`{plugin}` trapped in `{function}`: {message}")]
    Trap {
        /// The plugin.
        plugin: String,
        /// The function that was called, or `instantiate`.
        function: String,
        /// Why it ended.
        message: String,
        /// The guest's stack, innermost frame first, a line each; empty where
        /// none was captured.
        backtrace: String,
        /// Which rule it broke, where it was a rule of WebAssembly.
        code: Option<wasmtime::Trap>,
        /// What a host function returned, where that ended the call: an error with a
        /// type of the embedder's.
        source: Option<HostError>,
    },
    /// The closure that makes a call returned an error of its own. The instance is as
    /// good as before.
    #[error("the caller of `{function}` in `{plugin}` failed")]
    Call {
        /// The plugin.
        plugin: String,
        /// The function that was called.
        function: String,
        /// The closure's own error.
        source: wasmtime::Error,
    },
    /// The call used more than it may.
    #[error("`{plugin}` exceeded its limit in `{function}`: {limit}")]
    Limit {
        /// The plugin.
        plugin: String,
        /// The function that was called, or `instantiate`.
        function: String,
        /// The limit, with its value.
        limit: Limit,
    },
    /// An earlier trap or limit has ended this instance.
    #[error("this instance of `{plugin}` was ended by an earlier trap or limit")]
    Poisoned {
        /// The plugin.
        plugin: String,
    },
    /// All instances of a [`Pool`](crate::Pool) were in use, for as long as it
    /// waits.
    #[error("all {most} instances of `{plugin}` are in use")]
    Busy {
        /// The plugin.
        plugin: String,
        /// How many there may be.
        most: usize,
    },
    /// The contract itself is faulty: its WIT does not parse, has no such
    /// world, or its functions do not link.
    #[error("faulty contract: {message}")]
    Contract {
        /// What is wrong with it.
        message: String,
    },
    /// A grant does not parse, or is of something that is not there.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A file of grants could not be read or understood.
    #[error("`{}`{}: {message}", path.display(), line.map_or(String::new(), |line| format!(", line {line}")))]
    GrantsFile {
        /// The file.
        path: PathBuf,
        /// The line that the fault is in, from 1, where it is in one.
        line: Option<usize>,
        /// What is wrong, and what is accepted.
        message: String,
    },
    /// The component says in a way that cannot be read what it requests.
    #[error("cannot tell what `{plugin}` requests: {message}")]
    Requests {
        /// The plugin.
        plugin: String,
        /// What is wrong, and what is accepted.
        message: String,
    },
    /// The plugin requests what it is not granted, and so is not started.
    #[error("`{plugin}` requests what it is not granted: {}", one_line(missing))]
    Ungranted {
        /// The plugin.
        plugin: String,
        /// What it is not granted.
        missing: Requests,
    },
    /// A folder cannot be used as a cache of artifacts.
    #[error("cannot keep artifacts in `{}`: {message}", folder.display())]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        message: String,
        /// What a person can do about it.
        hint: &'static str,
    },
    /// The system has a sandbox and does not restrict this process to one.
    #[error("cannot restrict this process: {message}")]
    Sandbox {
        /// What the system said.
        message: String,
    },
    /// No engine could be made on this machine.
    #[error("cannot start the WebAssembly engine")]
    Engine {
        /// What wasmtime said.
        source: wasmtime::Error,
    },
}

/// An export or import of another type than the contract's; boxed, so that the
/// rarest error is not what every result makes room for.
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

    /// `source` quotes the component's names.
    pub(crate) fn compile(plugin: &str, source: wasmtime::Error) -> Self {
        Self::Compile {
            plugin: plugin.into(),
            source: text::source(source),
        }
    }

    /// As [`Error::compile`].
    pub(crate) fn link(plugin: &str, source: wasmtime::Error) -> Self {
        Self::Link {
            plugin: plugin.into(),
            source: text::source(source),
        }
    }

    /// The guest's stack at a trap, innermost frame first, a line each.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        match self {
            Self::Trap { backtrace, .. } if !backtrace.is_empty() => Some(backtrace),
            _ => None,
        }
    }
}

/// Requests are a plugin's own words.
fn one_line(requests: &Requests) -> String {
    text::message(&requests.to_string().replace('\n', ", "))
}

//! Everything that can go wrong between a file and a plugin's answer, each as
//! a variant of its own. What the plugin itself answers, its own errors
//! included, is no error here: it belongs to the contract.

use std::io;
use std::path::PathBuf;

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

    /// What a person can do about it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                "name a `.wasm` file, or load the folder's plugins one by one".into()
            }
            Self::NotAComponent { found, .. } => kind_hint(*found)?.into(),
            Self::Malformed { .. } => {
                "build the plugin again; if it came over a network, fetch it again".into()
            }
            Self::Proposal { .. } => {
                "build it without this proposal, which no compiler uses unless it is told to".into()
            }
            Self::TooLarge { .. } => {
                "build it optimised, and keep tables of data out of the code".into()
            }
            Self::MissingExport { contract, .. } => {
                format!("build the plugin against the WIT of `{contract}`")
            }
            Self::WrongType(wrong) => {
                format!("build the plugin against the WIT of `{}`", wrong.contract)
            }
            Self::UnknownImport { import, .. } if import.starts_with("wasi:") => {
                "this host gives the interfaces of WASI 0.2; build the plugin for `wasm32-wasip2`"
                    .into()
            }
            Self::UnknownImport { given, .. } if given.is_empty() => {
                "this contract gives WASI 0.2 and nothing else".into()
            }
            Self::UnknownImport { given, .. } => {
                format!("this contract gives `{}`, and WASI 0.2", given.join("`, `"))
            }
            Self::Asynchronous { .. } => {
                "build it with synchronous functions, for WASI 0.2: in Rust without `async` in \
                 `wit_bindgen::generate!`, for `wasm32-wasip2`"
                    .into()
            }
            Self::Grant(error) => error.hint.into(),
            Self::GrantsFile { line: None, .. } => {
                "name a file of grants that is there, such as `kumiki-grants.toml`".into()
            }
            Self::GrantsFile { .. } => {
                "`dirs`, `env`, `args`, `net`, `clocks` and `random` stand in `[all]` or in \
                 `[plugin.NAME]`"
                    .into()
            }
            Self::CompileProcess { .. } => {
                "`HostBuilder::compile_with` names the program; a host without one compiles in \
                 its own process"
                    .into()
            }
            Self::Cache { hint, .. } => (*hint).into(),
            Self::Sandbox { .. } => {
                "the second wall is optional: a program may do without `Sandbox`".into()
            }
            Self::Requests { .. } => {
                "build the plugin again with a `kumiki` of this version, or bring this one up to \
                 date"
                    .into()
            }
            Self::Ungranted { .. } => {
                "grant it with `Plugin::with_grants`; `Requests::grants_beside` makes the grants"
                    .into()
            }
            Self::Instantiate { source, .. } if is_out_of_memory(source) => {
                "raise `ulimit -v`, for an instance needs 4 GiB of address space; where that is \
                 unlimited, let fewer live at once, or raise `vm.max_map_count`"
                    .into()
            }
            Self::Busy { .. } => {
                "raise `PoolConfig::most` or `PoolConfig::wait`, or try again later".into()
            }
            Self::Poisoned { .. } => "make a new instance of the plugin".into(),
            Self::Limit { limit, .. } => match limit {
                Limit::Time(_) => "raise `Limits::time` if the plugin is meant to take so long",
                Limit::Memory(_) => "raise `Limits::memory` if the plugin is meant to hold so much",
                Limit::Transfer(_) => {
                    "raise `Limits::transfer` if the plugin is meant to return so much"
                }
                Limit::Output(_) => {
                    "raise `Limits::output` if results are meant to be so large, or hand over \
                     fewer records at a time"
                }
                Limit::TableElements(_) => {
                    "raise `Limits::table_elements` if the plugin is meant to have so many"
                }
                Limit::CoreInstances(_) => {
                    "raise `Limits::core_instances` if the plugin is meant to have so many"
                }
                Limit::Handles(_) => {
                    "raise `Limits::handles` if the plugin is meant to hold so many"
                }
                Limit::Descriptors(_) => {
                    "raise `Limits::descriptors` if the plugin is meant to have so many open"
                }
                Limit::Entries(_) => {
                    "raise `Limits::entries` if the plugin is meant to return so many"
                }
                Limit::Random(_) => {
                    "raise `Limits::random` if the plugin is meant to ask for so many"
                }
                Limit::Component(_) => {
                    "raise `Limits::component` if the plugin is meant to be so large"
                }
                Limit::Fuel(_) => "raise `Limits::fuel` if the plugin is meant to run so long",
                Limit::TotalMemory(_) => {
                    "let fewer instances live at once, lower `Limits::memory`, or give the host a \
                     larger `Budget`"
                }
                Limit::CompileMemory(_) => {
                    "raise `CompileCommand::with_memory` if the plugin is meant to be so large"
                }
                Limit::CompileTime(_) => {
                    "raise `CompileCommand::with_time` if the plugin is meant to be so large"
                }
            }
            .into(),
            _ => return None,
        })
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

/// Whether the system had no memory, no address space or no mapping left.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    let cause = error.root_cause().to_string();
    cause.contains(&io::Error::from_raw_os_error(12).to_string())
}

fn kind_hint(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::CoreModule => {
            "make a component of it: build for `wasm32-wasip2`, or run `wasm-tools component new`"
        }
        Kind::WitPackage => "this is the contract, not a plugin: build a plugin from it",
        Kind::Artifact => {
            "give the `.wasm` it was compiled from; machine code from elsewhere is never loaded"
        }
        Kind::NativeBinary => "build the plugin for WebAssembly, target `wasm32-wasip2`",
        Kind::Truncated => "build the plugin again; if it came over a network, fetch it again",
        Kind::UnknownVersion => "build the plugin with current tools",
        Kind::WebAssemblyText => "turn it into its binary form: `wasm-tools parse`",
        Kind::WitText => "this is a contract's source, not a plugin: build a plugin from it",
        Kind::Component | Kind::Text | Kind::Empty | Kind::Unknown => {
            "a plugin is a WebAssembly component, usually a `.wasm` file"
        }
    })
}

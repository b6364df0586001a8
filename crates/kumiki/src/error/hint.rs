//! Hints on how to fix an error.

use std::io;

use super::{Error, memory::is_out_of_memory};
use crate::inspect::Kind;
use crate::limits::Limit;

impl Error {
    /// Returns a one-line hint on how to fix the error, without a `hint:` prefix.
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
                "build the plugin for `wasm32-wasip2`; this host provides WASI 0.2".into()
            }
            Self::UnknownImport { given, .. } if given.is_empty() => {
                "this contract provides only WASI 0.2".into()
            }
            Self::UnknownImport { given, .. } => {
                format!(
                    "this contract provides `{}` and WASI 0.2",
                    given.join("`, `")
                )
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
            Self::PermissionRequests { .. } => {
                "build the plugin again with a `kumiki` of this version, or bring this one up to \
                 date"
                    .into()
            }
            Self::Ungranted { .. } => {
                "grant it with `Plugin::with_grants`; `PermissionRequests::grants_beside` makes the grants"
                    .into()
            }
            Self::Instantiate { source, .. } if is_out_of_memory(source) => {
                "raise `ulimit -v`, for an instance needs 4 GiB of address space; where that is \
                 unlimited, let fewer live at once, or raise `vm.max_map_count`"
                    .into()
            }
            Self::PoolTimeout { .. } => {
                "raise `PoolConfig::max_instances` or `PoolConfig::timeout`, or try again later".into()
            }
            Self::FuelNotCounted { .. } => {
                "create the engine with `EngineConfig::with_fuel(true)`".into()
            }
            Self::Poisoned { .. } => "make a new instance of the plugin".into(),
            Self::Limit { limit, .. } => limit_hint(*limit).into(),
            _ => return None,
        })
    }
}

fn limit_hint(limit: Limit) -> &'static str {
    match limit {
        Limit::Time(_) => "raise `Limits::time` if the plugin is meant to take so long",
        Limit::Memory(_) => "raise `Limits::memory` if the plugin is meant to hold so much",
        Limit::Transfer(_) => "raise `Limits::transfer` if the plugin is meant to return so much",
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
        Limit::Handles(_) => "raise `Limits::handles` if the plugin is meant to hold so many",
        Limit::Descriptors(_) => {
            "raise `Limits::descriptors` if the plugin is meant to have so many open"
        }
        Limit::Http(_) => {
            "this limit is fixed: a plugin that drops requests and headers when it is done \
                     with them does not reach it"
        }
        Limit::Random(_) => "raise `Limits::random` if the plugin is meant to ask for so many",
        Limit::Component(_) => "raise `Limits::component` if the plugin is meant to be so large",
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

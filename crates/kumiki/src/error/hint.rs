//! Hints on how to fix an error.

use std::io;

use super::{Error, ThinError, memory::is_out_of_memory};
use crate::inspect::Kind;
use crate::limits::Limit;

/// Maximum number of functions that a hint names.
const CANDIDATES: usize = 20;

impl Error {
    /// Returns a one-line hint on how to fix the error, without a `hint:` prefix.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                "specify a `.wasm` file, or load the folder's plugins one by one".into()
            }
            Self::Thin {
                source: ThinError::MissingRuntime(_),
                ..
            } => "load a whole plugin with the same runtime once, prepare the machine with \
                  `kumiki cache warm --runtimes js,python`, or use the whole plugin: \
                  `kumiki fat` makes it where the runtime is known"
                .into(),
            Self::Thin { .. } => "make the plugin thin again, or download it again".into(),
            Self::NotAComponent { found, .. } => kind_hint(*found)?.into(),
            Self::Malformed { .. } => {
                "rebuild the plugin; if it came over a network, download it again".into()
            }
            Self::Proposal { .. } => {
                "build it without this proposal; compilers use it only if a flag enables it".into()
            }
            Self::TooLarge { .. } => {
                "build it with optimisations, and keep data tables out of the code".into()
            }
            Self::MissingExport { contract, .. } => {
                format!("build the plugin against the WIT of `{contract}`")
            }
            Self::WrongType(wrong) => {
                format!("build the plugin against the WIT of `{}`", wrong.contract)
            }
            Self::UnknownImport { import, .. }
                if cfg!(not(feature = "http")) && import.starts_with("wasi:http/") =>
            {
                "build the host with the feature `http` of the crate `kumiki`".into()
            }
            Self::UnknownImport { import, .. } if import.starts_with("wasi:") => {
                "build the plugin for `wasm32-wasip2`; this host provides WASI 0.2 and 0.3".into()
            }
            Self::UnknownImport { given, .. } if given.is_empty() => {
                "this contract provides only WASI 0.2 and 0.3".into()
            }
            Self::UnknownImport { given, .. } => {
                format!(
                    "this contract provides `{}` and WASI 0.2 and 0.3",
                    given.join("`, `")
                )
            }
            Self::Grant(error) => error.hint.into(),
            Self::GrantsFile { line: None, .. } => {
                "specify an existing grants file, such as `kumiki-grants.toml`".into()
            }
            Self::GrantsFile { .. } => {
                "put `dirs`, `env`, `args`, `net`, `clocks` and `random` in `[all]` or in \
                 `[plugin.NAME]`"
                    .into()
            }
            Self::CompileProcess { .. } => {
                "check the program given to `HostBuilder::compile_with`; without one, a host \
                 compiles in its own process"
                    .into()
            }
            Self::Cache { hint, .. } => (*hint).into(),
            Self::Sandbox { .. } => "run without `Sandbox`: it is optional".into(),
            Self::PermissionRequests { .. } => {
                "rebuild the plugin with this version of `kumiki`, or update `kumiki`".into()
            }
            Self::Ungranted { .. } => {
                "grant it with `Plugin::with_grants`; `PermissionRequests::grants_beside` returns \
                 the grants"
                    .into()
            }
            Self::Instantiate { source, .. } if is_out_of_memory(source) => {
                "raise `ulimit -v`, because an instance needs 4 GiB of address space; if it is \
                 unlimited, run fewer instances at a time, or raise `vm.max_map_count`"
                    .into()
            }
            Self::PoolTimeout { .. } => {
                "raise `PoolConfig::max_instances` or `PoolConfig::timeout`, or try again later"
                    .into()
            }
            Self::NoFunction { candidates, .. } if candidates.is_empty() => {
                "the component exports no functions".into()
            }
            Self::NoFunction {
                candidates,
                is_ambiguous,
                ..
            } => {
                let shown = candidates.iter().take(CANDIDATES);
                let shown: Vec<_> = shown.map(|path| format!("`{path}`")).collect();
                let more = if candidates.len() > CANDIDATES {
                    ", …"
                } else {
                    ""
                };
                let what = if *is_ambiguous {
                    "name one of them"
                } else {
                    "it exports"
                };
                format!("{what}: {}{more}", shown.join(", "))
            }
            Self::Arguments {
                signature: Some(signature),
                ..
            } => format!("its type is `{signature}`"),
            Self::Arguments { .. } => {
                "write a call in WAVE: a name and arguments, such as `process(\"text\")`".into()
            }
            Self::NoAsyncStacks => {
                "create the engine with `EngineConfig::with_async_stacks(true)`".into()
            }
            Self::NoConcurrency => {
                "create the engine with `EngineConfig::with_concurrency(true)`".into()
            }
            Self::NoRuntime { .. } => {
                "call it in a task of a tokio runtime with timers and IO (`enable_all`)".into()
            }
            Self::FuelNotCounted { .. } => {
                "create the engine with `EngineConfig::with_fuel(true)`".into()
            }
            Self::SynchronousCall { .. } => {
                "use `Instance::call_concurrent_blocking`, or give the contract `async: true` and \
                 use `Instance::call_async`"
                    .into()
            }
            Self::Poisoned { .. } => "create a new instance of the plugin".into(),
            Self::Limit { limit, .. } => limit_hint(*limit).into(),
            _ => return None,
        })
    }
}

fn limit_hint(limit: Limit) -> &'static str {
    match limit {
        Limit::Time(_) => "raise `Limits::time` if the plugin is meant to take this long",
        Limit::Memory(_) => "raise `Limits::memory` if the plugin is meant to use this much",
        Limit::Transfer(_) => "raise `Limits::transfer` if the plugin is meant to return this much",
        Limit::Output(_) => {
            "raise `Limits::output` if results are meant to be this large, or process fewer \
             records at a time"
        }
        Limit::TableElements(_) => {
            "raise `Limits::table_elements` if the plugin is meant to have this many"
        }
        Limit::CoreInstances(_) => {
            "raise `Limits::core_instances` if the plugin is meant to have this many"
        }
        Limit::Handles(_) => "raise `Limits::handles` if the plugin is meant to hold this many",
        Limit::Descriptors(_) => {
            "raise `Limits::descriptors` if the plugin is meant to have this many open"
        }
        Limit::Http(_) => {
            "drop requests and headers in the plugin as soon as they are no longer needed; this \
             limit is fixed"
        }
        Limit::Random(_) => "raise `Limits::random` if the plugin is meant to request this many",
        Limit::Component(_) => "raise `Limits::component` if the plugin is meant to be this large",
        Limit::Fuel(_) => "raise `Limits::fuel` if the plugin is meant to run this long",
        Limit::TotalTime(_) => "raise `Limits::total_time` if the call is meant to take this long",
        Limit::StreamOutput(_) => {
            "raise `Limits::stream_output` if the output is meant to be this large"
        }
        Limit::StreamGrowth(_) => {
            "raise `Limits::stream_growth` if the output is meant to be so much larger"
        }
        Limit::TotalMemory(_) => {
            "run fewer instances at a time, lower `Limits::memory`, or give the host a larger \
             `Budget`"
        }
        Limit::CompileMemory(_) => {
            "raise `CompileCommand::with_memory` if the plugin is meant to be this large"
        }
        Limit::CompileTime(_) => {
            "raise `CompileCommand::with_time` if the plugin is meant to be this large"
        }
    }
}

fn kind_hint(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::CoreModule => {
            "turn it into a component: build for `wasm32-wasip2`, or run `wasm-tools component new`"
        }
        Kind::WitPackage => "build a plugin from it: it is a contract, not a plugin",
        Kind::Artifact => {
            "use the `.wasm` file that it was compiled from; only artifacts in the compile cache \
             are loaded"
        }
        Kind::NativeBinary => "build the plugin for WebAssembly, target `wasm32-wasip2`",
        Kind::Truncated => "rebuild the plugin; if it came over a network, download it again",
        Kind::UnknownVersion => "build the plugin with current tools",
        Kind::WebAssemblyText => "convert it to the binary format: `wasm-tools parse`",
        Kind::WitText => "build a plugin from it: it is the source of a contract, not a plugin",
        Kind::Component | Kind::Text | Kind::Empty | Kind::Unknown => {
            "a plugin is a WebAssembly component, usually a `.wasm` file"
        }
    })
}

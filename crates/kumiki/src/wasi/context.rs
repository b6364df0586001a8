//! WASI 0.2 for plugins that import it, with what [`Grants`](crate::Grants) say
//! and nothing else; standard input is empty. What a guest writes to its
//! standard output and error goes into the log.
//!
//! Compilers make guests import WASI whether or not their author needs it (a
//! Rust panic wants standard error, a JavaScript engine wants a clock), so the
//! interfaces are linked for every contract. A plugin that never calls them
//! never pays: the context is made at the first call.

use std::sync::Arc;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::log_meter::LogMeter;
use crate::observer::{Level, Observer};
use crate::runtime::state::log;
use crate::wasi::descriptors::{Budget, Permit, Refused};
use crate::wasi::files::{self, Files};
use crate::wasi::folders::Folders;
use crate::wasi::granted::Granted;
use crate::wasi::http::{self, Outgoing};
use crate::wasi::network::{Guard, Lookups, Sockets, link_lookups, link_sockets};
use crate::wasi::waiting::Deadline;
use crate::{HostState, Limits};

/// The version of WASI that this host gives: that of wasmtime's own WIT. Earlier
/// ones of 0.2 are compatible with it.
pub const WASI_VERSION: &str = "0.2.12";

/// The interfaces that [`link`] gives, by name without version.
const INTERFACES: [&str; 29] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Whether an interface, its version cut to what decides compatibility, is
/// one that [`link`] gives.
pub(crate) fn is_linked(compatible_name: &str) -> bool {
    compatible_name
        .strip_suffix("@0.2")
        .is_some_and(|name| INTERFACES.contains(&name))
}

pub(crate) fn link<D: Send + 'static>(linker: &mut Linker<HostState<D>>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    link_lookups(linker, |state| state.wasi.lookups())?;
    link_sockets(linker)?;
    files::link(linker, |state| state.wasi.files(state.deadline))?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_sync(linker)?;
    http::link(linker)?;
    crate::wasi::waiting::link(linker)
}

/// The WASI side of one instance; empty until the guest first calls into it.
pub(crate) struct Wasi {
    contexts: Option<Box<Contexts>>,
    output: LogStream,
    handles: usize,
    descriptors: usize,
    random: usize,
    granted: Arc<Granted>,
}

struct Contexts {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outgoing: Outgoing,
    guard: Guard,
    folders: Folders,
    sockets: Sockets,
    budget: Arc<Budget>,
    granted: Arc<Granted>,
}

impl Drop for Contexts {
    fn drop(&mut self) {
        // Closing a file may have to be waited for, which nobody does here.
        if self.budget.held() > 0 {
            let table = std::mem::replace(&mut self.table, ResourceTable::new());
            let sockets = std::mem::take(&mut self.sockets);
            self.granted.threads().discard((table, sockets));
        }
    }
}

impl Wasi {
    pub(crate) fn new(
        plugin: &Arc<str>,
        observer: &Arc<dyn Observer>,
        meter: &Arc<LogMeter>,
        limits: &Limits,
        granted: Arc<Granted>,
    ) -> Self {
        let output = LogStream {
            plugin: plugin.clone(),
            observer: observer.clone(),
            meter: meter.clone(),
        };
        Self {
            contexts: None,
            output,
            handles: limits.handles,
            descriptors: limits.descriptors,
            random: limits.random,
            granted,
        }
    }

    pub(crate) fn rename(&mut self, plugin: &Arc<str>) {
        self.output.plugin.clone_from(plugin);
    }

    fn contexts(&mut self) -> &mut Contexts {
        let Self {
            contexts,
            output,
            handles,
            descriptors,
            random,
            granted,
        } = self;
        let make = || {
            let mut wasi = WasiCtx::builder();
            wasi.stdout(output.clone()).stderr(output.clone());
            let guard = granted.guard(&output.plugin, &output.observer);
            wasi.max_random_size(*random as u64);
            let mut table = ResourceTable::new();
            table.set_max_capacity(*handles);
            let budget = Budget::new(*descriptors);
            let mut http = WasiHttpCtx::new();
            http.set_field_size_limit(http::FIELDS);
            Box::new(Contexts {
                table,
                wasi: granted.context(&mut wasi, &guard),
                http,
                outgoing: Outgoing::new(guard.clone(), budget.clone()),
                guard,
                folders: granted.folders(),
                sockets: Sockets::default(),
                budget,
                granted: granted.clone(),
            })
        };
        contexts.get_or_insert_with(make)
    }
}

impl Wasi {
    fn lookups(&mut self) -> Lookups<'_> {
        let contexts = self.contexts();
        Lookups {
            guard: &contexts.guard,
            sockets: WasiSocketsCtxView {
                ctx: contexts.wasi.sockets(),
                table: &mut contexts.table,
            },
        }
    }

    fn files(&mut self, deadline: Deadline) -> Files<'_> {
        let contexts = self.contexts();
        Files {
            table: &mut contexts.table,
            guard: &contexts.guard,
            folders: &mut contexts.folders,
            budget: &contexts.budget,
            threads: contexts.granted.threads(),
            clocks: contexts.granted.clocks(),
            deadline,
        }
    }

    pub(crate) fn sockets(&mut self) -> &mut Sockets {
        &mut self.contexts().sockets
    }

    /// Takes a descriptor for a socket; none where there are no sockets, which is
    /// told.
    pub(crate) fn take_socket(&mut self) -> Option<Result<Permit, Refused>> {
        let contexts = self.contexts();
        contexts.sockets.asked_for(&contexts.guard);
        let granted = contexts.guard.grants_anything();
        granted.then(|| contexts.budget.take(1))
    }
}

impl<D: Send> WasiView for HostState<D> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let contexts = self.wasi.contexts();
        WasiCtxView {
            ctx: &mut contexts.wasi,
            table: &mut contexts.table,
        }
    }
}

impl<D: Send> WasiHttpView for HostState<D> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let contexts = self.wasi.contexts();
        WasiHttpCtxView {
            hooks: &mut contexts.outgoing,
            table: &mut contexts.table,
            ctx: &mut contexts.http,
        }
    }
}

/// What a guest may write at once to its standard output or error.
const WRITE: usize = 64 * 1024;

/// Standard output and error of a guest: each write becomes a log record, at
/// level debug because the contract's own way to log is another.
#[derive(Clone)]
struct LogStream {
    plugin: Arc<str>,
    observer: Arc<dyn Observer>,
    meter: Arc<LogMeter>,
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    // Only WASI 0.3 asks for it, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE {
            return Err(files::not_permitted(bytes.len(), WRITE));
        }
        let text = String::from_utf8_lossy(&bytes);
        for message in text.lines().filter(|line| !line.trim().is_empty()) {
            let (observer, plugin) = (&*self.observer, &*self.plugin);
            log(&self.meter, observer, plugin, Level::Debug, message);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(WRITE)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::*;
    use crate::{Engine, EngineConfig};

    /// Whether an import of this interface with this item links, and why not.
    fn link_with(interface: &str, item: &str) -> Result<(), String> {
        let engine = Engine::shared(&EngineConfig::default()).unwrap();
        let mut linker = Linker::<HostState<()>>::new(engine.as_wasmtime());
        link(&mut linker).unwrap();
        let text = format!("(component (import \"{interface}@0.2.0\" (instance {item})))");
        let component =
            Component::from_binary(engine.as_wasmtime(), &test_components::parse(&text)).unwrap();
        linker
            .instantiate_pre(&component)
            .map(drop)
            .map_err(|error| format!("{error:#}"))
    }

    /// Something that only the real interface has: a resource, or a function.
    fn item_of(interface: &str) -> &'static str {
        match interface {
            "wasi:cli/environment" => "get-arguments",
            "wasi:cli/exit" => "exit",
            "wasi:cli/stderr" => "get-stderr",
            "wasi:cli/stdin" => "get-stdin",
            "wasi:cli/stdout" => "get-stdout",
            "wasi:cli/terminal-input" => "terminal-input!",
            "wasi:cli/terminal-output" => "terminal-output!",
            "wasi:cli/terminal-stderr" => "get-terminal-stderr",
            "wasi:cli/terminal-stdin" => "get-terminal-stdin",
            "wasi:cli/terminal-stdout" => "get-terminal-stdout",
            "wasi:clocks/monotonic-clock" => "now",
            "wasi:clocks/wall-clock" => "now",
            "wasi:filesystem/preopens" => "get-directories",
            "wasi:filesystem/types" => "descriptor!",
            "wasi:http/outgoing-handler" => "handle",
            "wasi:http/types" => "fields!",
            "wasi:io/error" => "error!",
            "wasi:io/poll" => "pollable!",
            "wasi:io/streams" => "input-stream!",
            "wasi:random/insecure" => "get-insecure-random-u64",
            "wasi:random/insecure-seed" => "insecure-seed",
            "wasi:random/random" => "get-random-u64",
            "wasi:sockets/instance-network" => "instance-network",
            "wasi:sockets/ip-name-lookup" => "resolve-addresses",
            "wasi:sockets/network" => "network!",
            "wasi:sockets/tcp" => "tcp-socket!",
            "wasi:sockets/tcp-create-socket" => "create-tcp-socket",
            "wasi:sockets/udp" => "udp-socket!",
            "wasi:sockets/udp-create-socket" => "create-udp-socket",
            other => panic!("`{other}` has no item here"),
        }
    }

    #[test]
    fn every_interface_in_the_list_is_linked() {
        for interface in INTERFACES {
            match item_of(interface).strip_suffix('!') {
                Some(resource) => {
                    let item = format!("(export \"{resource}\" (type (sub resource)))");
                    assert_eq!(link_with(interface, &item), Ok(()), "{interface}");
                }
                None => {
                    // A function that is there, with a type that is not.
                    let function = item_of(interface);
                    let item = format!("(export \"{function}\" (func (param \"x\" f32)))");
                    let error = link_with(interface, &item).unwrap_err();
                    assert!(error.contains("type mismatch"), "{interface}: {error}");
                }
            }
        }
        let error = link_with("wasi:io/nothing", "(export \"f\" (func))").unwrap_err();
        assert!(!error.contains("type mismatch"), "{error}");
    }

    /// `exit-with-code` came with 0.2.12; the next version will bring something
    /// else to look for.
    #[test]
    fn the_version_is_what_it_says() {
        assert_eq!(WASI_VERSION, "0.2.12");
        let item = "(export \"exit-with-code\" (func (param \"status-code\" u8)))";
        assert_eq!(link_with("wasi:cli/exit", item), Ok(()));
    }

    #[test]
    fn only_version_0_2_is_linked() {
        for (name, linked) in [
            ("wasi:io/poll@0.2", true),
            ("wasi:io/poll@0.3", false),
            ("wasi:io/poll", false),
            ("wasi:io/nothing@0.2", false),
            ("example:io/poll@0.2", false),
        ] {
            assert_eq!(is_linked(name), linked, "{name}");
        }
    }
}

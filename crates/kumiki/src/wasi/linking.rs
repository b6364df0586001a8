//! Links WASI, for every contract and plugin.

use wasmtime::component::Linker;
use wasmtime_wasi::p3;

use super::context::HasWasi;
use super::network::{link_lookups, link_lookups_0_3, link_sockets, link_sockets_0_3};
use super::waiting::Waits;
use super::{clock_waits, files, http, waiting};

/// Links the interfaces in [`INTERFACES`](super::interfaces::INTERFACES), and `wasi:http`.
/// `waits` decides only how a function waits, not what it may do.
pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>, waits: Waits) -> wasmtime::Result<()> {
    match waits {
        Waits::Blocking => wasmtime_wasi::p2::add_to_linker_sync(linker)?,
        Waits::Async => wasmtime_wasi::p2::add_to_linker_async(linker)?,
    }
    link_lookups(linker, |state| state.wasi().lookups())?;
    link_sockets(linker, waits)?;
    files::link(linker, waits)?;
    http::link(linker)?;
    waiting::link(linker, waits)
}

/// Links WASI 0.3, for components that use asynchronous functions, beside 0.2: with the same
/// state, grants and limits. The functions wait as futures of the call.
pub(crate) fn link_0_3<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p3::cli::add_to_linker(linker)?;
    p3::clocks::add_to_linker(linker)?;
    p3::random::add_to_linker(linker)?;
    link_sockets_0_3(linker)?;
    link_lookups_0_3(linker, |state| state.wasi().lookups())?;
    files::link_0_3(linker)?;
    http::link_0_3(linker)?;
    clock_waits::link(linker)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use test_components::TextPlugin;
    use test_components::wasi_0_3::Guest;
    use wasmtime::component::Component;

    use super::super::interfaces::{INTERFACES, INTERFACES_0_3, is_linked};
    use super::super::test_instances::{concurrent_pre, pre, store};
    use super::super::version::{WASI_0_3_VERSION, WASI_VERSION};
    use super::*;
    use crate::{Engine, EngineConfig, StoreData};

    /// Links an import of this interface with this item.
    fn link_with(interface: &str, item: &str) -> Result<(), String> {
        let engine = Engine::shared(&EngineConfig::default()).unwrap();
        let mut linker = Linker::<StoreData>::new(engine.as_wasmtime());
        link(&mut linker, Waits::Blocking).unwrap();
        let text = format!("(component (import \"{interface}@0.2.0\" (instance {item})))");
        let component =
            Component::from_binary(engine.as_wasmtime(), &test_components::parse(&text)).unwrap();
        linker
            .instantiate_pre(&component)
            .map(drop)
            .map_err(|error| format!("{error:#}"))
    }

    /// An item that only the real interface has: a function, or a resource marked with `!`.
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
            other => panic!("no item is listed for `{other}`"),
        }
    }

    #[test]
    fn all_listed_interfaces_are_linked() {
        for interface in INTERFACES.into_iter().chain(http::INTERFACES) {
            match item_of(interface).strip_suffix('!') {
                Some(resource) => {
                    let item = format!("(export \"{resource}\" (type (sub resource)))");
                    assert_eq!(link_with(interface, &item), Ok(()), "{interface}");
                }
                None => {
                    // An existing function with another type.
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

    /// Imports every function of WASI.
    fn import_all() -> Vec<u8> {
        let is_linked = |function: &test_components::wasi::Function| {
            cfg!(feature = "http") || !function.interface.starts_with("wasi:http/")
        };
        let functions = test_components::wasi::functions().into_iter();
        let numbered = functions.filter(is_linked).enumerate();
        let plugin = numbered.fold(TextPlugin::new("all"), |plugin, (number, function)| {
            plugin.import(&function.import(&format!("$wasi{number}")))
        });
        plugin.with_all_of_wasi().build()
    }

    /// Each function is linked with its type, and an interface of 0.3 is listed if it has
    /// functions.
    #[test]
    fn all_functions_of_0_3_are_linked_and_listed() {
        let functions = test_components::wasi_0_3::functions().into_iter();
        let functions = functions.filter(|function| {
            cfg!(feature = "http") || !function.interface.starts_with("wasi:http/")
        });
        let mut guest = Guest::new();
        for (number, function) in functions.enumerate() {
            assert!(
                is_linked(&format!("{}@0.3", function.interface)),
                "{function:?}"
            );
            guest = guest.import(
                &function.interface,
                &function.name,
                &format!("$wasi{number}"),
            );
        }
        concurrent_pre(&guest.run("(i64.const 0)")).unwrap();
        // Nothing is listed that is not linked.
        for interface in INTERFACES_0_3.into_iter().chain(http::INTERFACES_0_3) {
            let has_functions = guest.imports().contains(&format!("\"{interface}@0.3.0\""));
            assert!(
                has_functions || interface.ends_with("/types"),
                "{interface}"
            );
        }
    }

    #[test]
    fn later_versions_of_0_3_are_linked() {
        let import = |version: &str| {
            let clock = "(instance (export \"now\" (func (result u64))))";
            let name = format!("wasi:clocks/monotonic-clock@{version}");
            concurrent_pre(&test_components::parse(&format!(
                "(component (import \"{name}\" {clock}))"
            )))
        };
        for version in [WASI_0_3_VERSION, "0.3.2"] {
            import(version).unwrap();
        }
        assert!(import("0.3.0-rc-2026-01-01").is_err());
        assert!(import("0.4.0").is_err());
    }

    /// wasmtime-wasi's bindings link functions that wait for asynchronous calls. None of
    /// them may remain for blocking calls.
    #[test]
    fn blocking_functions_need_no_asynchronous_call() {
        let component = import_all();
        let instantiate = |waits| {
            let mut store = store(&Arc::default());
            pre(waits, &component).instantiate(&mut store).map(drop)
        };
        instantiate(Waits::Blocking).unwrap();
        assert!(instantiate(Waits::Async).is_err());
    }

    /// 0.2.12 added `exit-with-code`. With the next version, check for an addition of that
    /// version.
    #[test]
    fn linked_version_is_wasi_version() {
        assert_eq!(WASI_VERSION, "0.2.12");
        let item = "(export \"exit-with-code\" (func (param \"status-code\" u8)))";
        assert_eq!(link_with("wasi:cli/exit", item), Ok(()));
    }

    #[test]
    fn only_versions_0_2_and_0_3_are_linked() {
        for (name, linked) in [
            ("wasi:io/poll@0.2", true),
            ("wasi:io/poll@0.3", false),
            ("wasi:clocks/system-clock@0.3", true),
            ("wasi:clocks/system-clock@0.2", false),
            ("wasi:clocks/system-clock@0.4", false),
            ("example:clocks/types@0.3", false),
            ("wasi:io/poll", false),
            ("wasi:io/nothing@0.2", false),
            ("example:io/poll@0.2", false),
        ] {
            assert_eq!(is_linked(name), linked, "{name}");
        }
    }
}

//! `kumiki call`: calls functions of a component of any world.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use kumiki::wasmtime::component::{Instance as Exports, InstancePre, Linker};
use kumiki::{Any, Contract, Host, Plugin, StoreData, wasmtime};
use kumiki_text::{Config, TextContract, TextData};

use crate::arguments::CallArguments;
use crate::artifacts;
use crate::console::{Console, escape};
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::loading::find_one;
use crate::own_files::OwnFiles;
use crate::requests::admit_one;
use crate::sandbox::ProcessSandbox;

pub(crate) fn call(arguments: &CallArguments) -> Result<ExitCode, Failure> {
    kumiki::raise_descriptor_limit();
    let path = &find_one(&arguments.file)?;
    if let Err(error) = std::fs::metadata(path) {
        let hint = "check the path, relative to the current folder";
        return Err(Failure::path("file", path, &error, hint));
    }
    let console = Console::new(arguments.quiet, arguments.verbose);
    let plugin = load(arguments, path, &console)?;
    if arguments.calls.is_empty() {
        return list(&plugin);
    }
    let config: Config = arguments.config.iter().cloned().collect();
    let mut instance = plugin.instantiate(TextData { config })?;
    let mut failed = false;
    for call in &arguments.calls {
        let result = match instance.call_wave(call) {
            Ok(result) => result,
            Err(error) if is_usage(&error) => {
                let hint = error.hint().unwrap_or_default();
                return Err(Failure::usage(error.to_string(), hint));
            }
            Err(error) => {
                console.plugin_error("", &error.into());
                return Ok(ExitCode::FAILURE);
            }
        };
        failed |= result == "err" || result.starts_with("err(");
        written("the result", writeln!(io::stdout(), "{}", escape(&result)))?;
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn load(
    arguments: &CallArguments,
    path: &Path,
    console: &Console,
) -> Result<Plugin<AnyWorld>, Failure> {
    let cache = artifacts::cache(console);
    let compile = arguments.process.compile.command()?;
    let host: Host<AnyWorld> = artifacts::host(cache.clone(), compile)
        .limits(arguments.limits.resolve()?.host)
        .budget(arguments.process.budget())
        .observer(console.clone())
        .build()?;
    let grants = RunGrants::read(&arguments.grants)?.opened()?;
    let own = OwnFiles::of_call(arguments);
    let admitted = admit_one(&host, path, &grants, &own, console)?;
    let loading = ProcessSandbox::new(!arguments.process.no_sandbox)
        .read([path])
        .grants([admitted.grants()])
        .before_loading(cache.as_ref(), console)?;
    console.spinner(&format!("loading {}", path.display()));
    let plugin = admitted.load(&host);
    console.done();
    let plugin = plugin?;
    loading.before_plugins_run()?;
    Ok(plugin)
}

/// Prints the exported functions.
fn list(plugin: &Plugin<AnyWorld>) -> Result<ExitCode, Failure> {
    let functions = plugin.functions();
    if functions.is_empty() {
        return Err(Failure::failed(format!(
            "`{}` exports no functions",
            plugin.name()
        )));
    }
    let mut out = io::stdout().lock();
    let lines = functions
        .iter()
        .try_for_each(|function| writeln!(out, "{}", escape(&function.to_string())));
    written("the functions", lines)?;
    Ok(ExitCode::SUCCESS)
}

/// A call that does not fit the component is a usage error.
fn is_usage(error: &kumiki::Error) -> bool {
    matches!(
        error,
        kumiki::Error::NoFunction { .. } | kumiki::Error::Arguments { .. }
    )
}

/// Components of any world. Those that import the text contract's functions get them.
struct AnyWorld;

impl Contract for AnyWorld {
    const WIT: &'static str = Any::WIT;
    const WORLD: &'static str = Any::WORLD;
    const ANY_WORLD: bool = true;

    type Data = TextData;
    type Pre = InstancePre<StoreData>;
    type Bindings = Exports;

    fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
        TextContract::link(linker)
    }

    fn pre(pre: InstancePre<StoreData>) -> wasmtime::Result<Self::Pre> {
        Ok(pre)
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<StoreData>,
    ) -> wasmtime::Result<Exports> {
        pre.instantiate(store)
    }

    async fn instantiate_concurrent(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate_async(store).await
    }
}

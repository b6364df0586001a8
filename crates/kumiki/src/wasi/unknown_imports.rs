//! Imports of components of any world that the linker does not have: functions that log,
//! and functions that trap.

use std::future::ready;

use wasmtime::bail;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, Val};

use super::interfaces::is_linked;
use crate::StoreData;
use crate::inspect::compatible_name;
use crate::observer::Level;

/// Links each import that the linker does not have: a function `log` of a level and a
/// message logs, every other function traps.
///
/// wasmtime's `define_unknown_imports_as_traps` compares names exactly, and so takes a
/// compatible version of a linked interface, such as 0.2.0 of WASI, for an unknown one.
pub(crate) fn link_unknown_imports(
    linker: &mut Linker<StoreData>,
    component: &Component,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (name, item) in component.component_type().imports(engine) {
        if is_linked(&compatible_name(name)) {
            continue;
        }
        match item.ty {
            ComponentItem::ComponentInstance(interface) => {
                let mut instance = linker.instance(name)?;
                for (item_name, item) in interface.exports(engine) {
                    link_item(&mut instance, Some(name), item_name, &item.ty);
                }
            }
            item => link_item(&mut linker.root(), None, name, &item),
        }
    }
    Ok(())
}

/// Links one item, unless the linker has it: then it cannot be defined again.
fn link_item(
    linker: &mut LinkerInstance<'_, StoreData>,
    interface: Option<&str>,
    name: &str,
    item: &ComponentItem,
) {
    let path = interface.map_or_else(|| name.to_owned(), |it| format!("{it}#{name}"));
    match item {
        ComponentItem::ComponentFunc(ty) if name == "log" && is_log(ty) => {
            drop(linker.func_new(name, |store, _, values, _| {
                log(store.data(), values);
                Ok(())
            }));
        }
        ComponentItem::ComponentFunc(ty) if ty.async_() => {
            drop(
                linker.func_new_concurrent(name, move |_, _, _, _| Box::pin(ready(unknown(&path)))),
            );
        }
        ComponentItem::ComponentFunc(_) => {
            drop(linker.func_new(name, move |_, _, _, _| unknown(&path)));
        }
        ComponentItem::Resource(_) => {
            drop(linker.resource(name, ResourceType::host::<()>(), |_, _| Ok(())));
        }
        _ => {}
    }
}

/// The error of a call of a function that the host does not provide.
fn unknown(path: &str) -> wasmtime::Result<()> {
    bail!("it called `{path}`, which this host does not provide")
}

/// Returns whether a function has the type of a log: a level, an enum with the case
/// `error`, and a message. The generated projects of `kumiki new` log panics through it.
fn is_log(ty: &ComponentFunc) -> bool {
    let mut parameters = ty.params().map(|(_, ty)| ty);
    let (level, message) = (parameters.next(), parameters.next());
    let is_level = |ty| matches!(ty, Type::Enum(level) if level.names().any(|it| it == "error"));
    level.is_some_and(is_level)
        && matches!(message, Some(Type::String))
        && parameters.next().is_none()
        && ty.results().len() == 0
}

fn log(data: &StoreData, values: &[Val]) {
    let [Val::Enum(level), Val::String(message)] = values else {
        return;
    };
    let level = match &**level {
        "error" | "critical" | "fatal" => Level::Error,
        "warn" | "warning" => Level::Warn,
        "debug" | "trace" => Level::Debug,
        _ => Level::Info,
    };
    data.wasi.log(level, message);
}

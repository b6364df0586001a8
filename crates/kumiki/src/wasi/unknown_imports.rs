//! Imports of components of any world that the linker does not have: functions that trap.

use wasmtime::bail;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use super::interfaces::is_linked;
use crate::inspect::compatible_name;

/// Links a function that traps for each import that the linker does not have.
///
/// wasmtime's `define_unknown_imports_as_traps` compares names exactly, and so takes a
/// compatible version of a linked interface, such as 0.2.0 of WASI, for an unknown one.
pub(crate) fn link_unknown_imports<T: 'static>(
    linker: &mut Linker<T>,
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
fn link_item<T: 'static>(
    linker: &mut LinkerInstance<'_, T>,
    interface: Option<&str>,
    name: &str,
    item: &ComponentItem,
) {
    let path = interface.map_or_else(|| name.to_owned(), |it| format!("{it}#{name}"));
    match item {
        ComponentItem::ComponentFunc(_) => drop(linker.func_new(name, move |_, _, _, _| {
            bail!("unknown import: `{path}` has not been defined")
        })),
        ComponentItem::Resource(_) => {
            drop(linker.resource(name, ResourceType::host::<()>(), |_, _| Ok(())));
        }
        _ => {}
    }
}

//! What is put around the author's module, so that every engine treats its
//! results and errors alike.
//!
//! It is appended, never prepended: the author's lines keep their numbers in
//! every message.

use std::collections::BTreeMap;

use serde_json::json;
use wit_parser::{InterfaceId, Resolve, Type, TypeDefKind, WorldId, WorldItem};

use crate::error::Error;
use crate::log::{Log, follow};
use crate::project::Project;

const WRAPPER: &str = include_str!("wrapper.js");

/// The author's module with the wrapper behind it.
pub(super) fn wrap(source: &str, project: &Project) -> Result<String, Error> {
    let (resolve, world) = project.resolve()?;
    Ok(append(source, &resolve, world))
}

fn append(source: &str, resolve: &Resolve, world: WorldId) -> String {
    let mut wrapped = format!("{source}\n\n{WRAPPER}");
    let log = Log::of(resolve, world).and_then(|log| resolve.id_of(log.interface));
    if let Some(interface) = &log {
        wrapped.push_str(&format!(
            "import {{ log as kumikiLog }} from {};\n",
            json!(interface)
        ));
    }
    let log = if log.is_some() {
        "kumikiLog"
    } else {
        "undefined"
    };
    for (name, functions) in exported_interfaces(resolve, world) {
        let functions = json!(functions);
        // A module may export it under this name and call it otherwise.
        wrapped.push_str(&format!(
            "kumikiWrap(typeof {name} === \"undefined\" ? undefined : {name}, {functions}, {log});\n"
        ));
    }
    wrapped
}

/// The interfaces that the module exports as objects: their names in JavaScript
/// and their functions', with whether each can fail.
fn exported_interfaces(resolve: &Resolve, world: WorldId) -> Vec<(String, BTreeMap<String, bool>)> {
    let exports = resolve.worlds[world].exports.values();
    let interfaces = exports.filter_map(|item| match item {
        WorldItem::Interface { id, .. } => Some(*id),
        _ => None,
    });
    interfaces
        .filter_map(|id| {
            let name = resolve.interfaces[id].name.as_deref()?;
            Some((camel_case(name), functions(resolve, id)))
        })
        .collect()
}

fn functions(resolve: &Resolve, id: InterfaceId) -> BTreeMap<String, bool> {
    let functions = resolve.interfaces[id].functions.iter();
    // Methods of resources belong to classes, which have ways of their own.
    let free = functions.filter(|(name, _)| !name.starts_with('['));
    free.map(|(name, function)| {
        let fallible = match function.result {
            Some(Type::Id(id)) => {
                matches!(
                    resolve.types[follow(resolve, id)].kind,
                    TypeDefKind::Result(_)
                )
            }
            _ => false,
        };
        (camel_case(name), fallible)
    })
    .collect()
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_lowercase();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(&letters.as_str().to_lowercase());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(wit: &str, world: &str) -> String {
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        let wrapped = append("author();", &resolve, world);
        assert!(wrapped.starts_with("author();\n"));
        wrapped.split_once(WRAPPER).unwrap().1.to_owned()
    }

    #[test]
    fn the_contract_is_wrapped_with_its_log() {
        let wit = include_str!("../../../../../wit/text-processor/world.wit");
        assert_eq!(
            appended(wit, "text-plugin"),
            "import { log as kumikiLog } from \"myapp:text-processor/host-api\";\n\
             kumikiWrap(typeof plugin === \"undefined\" ? undefined : plugin, \
             {\"getName\":false,\"getVersion\":false,\"process\":true}, kumikiLog);\n"
        );
    }

    #[test]
    fn a_contract_without_a_log_is_wrapped_without() {
        let wit = "package a:b; interface my-api { resource r { f: func(); } \
                   do-it: func() -> result; log: func(); } \
                   world w { import my-api; export my-api; export run: func(); }";
        assert_eq!(
            appended(wit, "w"),
            "kumikiWrap(typeof myApi === \"undefined\" ? undefined : myApi, \
             {\"doIt\":true,\"log\":false}, undefined);\n"
        );
    }
}

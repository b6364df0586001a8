//! A component's interfaces as WIT text.

use std::collections::HashSet;
use std::panic;

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::Types;
use wasmparser::{Parser, ValidPayload, Validator, WasmFeatures};
use wit_component::WitPrinter;
use wit_parser::decoding::{DecodedWasm, decode};

use super::{Interfaces, Kind};
use crate::{Error, Result};

/// The WIT of a component or a WIT package, printed so that wit-parser reads it
/// back: one package after the other, the component's own world first.
pub(super) fn print(plugin: &str, bytes: &[u8]) -> Result<String> {
    let no_wit = |message: String| Error::NoWit {
        plugin: plugin.into(),
        message: message.replace('\n', ": "),
    };
    match Kind::of(bytes) {
        Kind::Component | Kind::WitPackage => {}
        other => return Err(no_wit(format!("it is {other}"))),
    }
    if let Some(name) = function_named_otherwise(bytes) {
        return Err(no_wit(format!("no function of WIT is called `{name}`")));
    }
    // wit-parser takes some rules for granted that only its own encoder keeps.
    // What else there may be of them must not end the program.
    panic::catch_unwind(|| text(bytes))
        .unwrap_or_else(|_| Err("it has what no WIT describes".into()))
        .map_err(no_wit)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let decoded = decode(bytes).map_err(|error| format!("{error:#}"))?;
    let (package, resolve) = match &decoded {
        DecodedWasm::WitPackage(resolve, package) => (*package, resolve),
        DecodedWasm::Component(resolve, world) => {
            let package = resolve.worlds[*world].package;
            (package.ok_or("its world has no package")?, resolve)
        }
    };
    let others = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = others.filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer
        .print(resolve, package, &others)
        .map_err(|error| format!("{error:#}"))?;
    Ok(printer.output.to_string())
}

/// A function that is imported or exported under a name that WebAssembly allows
/// it and WIT does not: an interface's, a URL, a hash. wit-parser would panic.
fn function_named_otherwise(bytes: &[u8]) -> Option<String> {
    let types = types(bytes)?;
    let types = types.as_ref();
    let names = Interfaces::of("", bytes).ok()?;
    let imports = names.imports.iter().map(|name| {
        let item = types.component_item_for_import(name);
        (name.as_str(), item)
    });
    let exports = names.exports.iter().map(|name| {
        let item = types.component_item_for_export(name);
        (name.as_str(), item)
    });
    let mut waiting: Vec<_> = imports
        .chain(exports)
        .filter_map(|(name, item)| Some((name, item?.ty)))
        .collect();
    let mut seen = HashSet::new();
    while let Some((name, entity)) = waiting.pop() {
        let inside = match entity {
            ComponentEntityType::Func(_) if name.contains([':', '/', '=']) => {
                return Some(name.to_owned());
            }
            ComponentEntityType::Instance(id) => ComponentAnyTypeId::Instance(id),
            ComponentEntityType::Component(id) => ComponentAnyTypeId::Component(id),
            ComponentEntityType::Type { referenced, .. } => referenced,
            _ => continue,
        };
        if !seen.insert(inside) {
            continue;
        }
        match inside {
            ComponentAnyTypeId::Instance(id) => {
                let exports = types[id].exports.iter();
                waiting.extend(exports.map(|(name, item)| (name.as_str(), item.ty)));
            }
            ComponentAnyTypeId::Component(id) => {
                let (imports, exports) = (&types[id].imports, &types[id].exports);
                let items = imports.iter().chain(exports);
                waiting.extend(items.map(|(name, item)| (name.as_str(), item.ty)));
            }
            _ => {}
        }
    }
    None
}

/// The types of the outermost component, if all but the bodies of its
/// functions is valid.
fn types(bytes: &[u8]) -> Option<Types> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut types = None;
    for payload in Parser::new(0).parse_all(bytes) {
        if let ValidPayload::End(found) = validator.payload(&payload.ok()?).ok()? {
            types = Some(found);
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_wit_describes_has_none() {
        for text in [
            r#"(import "a:b/c" (func))"#,
            r#"(import "i" (instance (export "a:b/c" (func))))"#,
            r#"(import "a:b/c@1.0.0" (instance (export "a:b/c" (func))))"#,
            r#"(type (component (export "f" (func)) (export "a:b/d" (func)))) (export "t" (type 0))"#,
            r#"(import "url=<https://a>" (func))"#,
        ] {
            let bytes = test_components::parse(&format!("(component {text})"));
            let error = print("p", &bytes).unwrap_err().to_string();
            assert!(
                error.contains("no function of WIT is called"),
                "{text}: {error}"
            );
        }
        let fine = test_components::parse(r#"(component (import "a" (func)))"#);
        assert!(print("p", &fine).is_ok());
    }
}

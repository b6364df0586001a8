//! Generates the code around the author's module that makes StarlingMonkey treat
//! results and errors as QuickJS does.

use std::collections::BTreeMap;
use std::path::Path;

use heck::ToLowerCamelCase as _;
use serde_json::json;
use wit_parser::{Resolve, WorldId};

use super::super::batch::Single;
use super::super::world::{Export, Thrown, exported, free_functions};
use crate::log::Log;

/// Maps positions to the author's files; also used by the driver.
pub(super) const POSITIONS: &str = include_str!("positions.js");
const WRAPPER: &str = include_str!("wrapper.js");

/// Generates the module that imports the author's module from `entry` and
/// exports what the world requires.
pub(super) fn wrapper(entry: &Path, resolve: &Resolve, world: WorldId) -> String {
    format!("{POSITIONS}\n{WRAPPER}\n{}", exports(entry, resolve, world))
}

fn exports(entry: &Path, resolve: &Resolve, world: WorldId) -> String {
    let mut lines = String::new();
    let log = Log::of(resolve, world).and_then(|log| resolve.id_of(log.interface));
    if let Some(interface) = &log {
        lines += &format!("import {{ log }} from {};\n", json!(interface));
    } else {
        lines += "const log = undefined;\n";
    }
    let entry = json!(format!("./{}", entry.display()).replace('\\', "/"));
    for (index, export) in exported(resolve, world).into_iter().enumerate() {
        let author = format!("author{index}");
        let single = match export {
            Export::Interface(_, id) => Single::of(resolve, world, id),
            Export::Function(..) => None,
        };
        let (name, value) = wrapped(resolve, export, &author, single.as_ref());
        let import = match single {
            // Importing the whole module does not fail if a name is missing.
            Some(_) => format!("* as {author}"),
            None => format!("{{ {name} as {author} }}"),
        };
        lines += &format!("import {import} from {entry};\n");
        // Use a separate name: the export's may be a keyword.
        lines += &format!("const export{index} = {value};\n");
        lines += &format!("export {{ export{index} as {name} }};\n");
    }
    lines
}

/// The name of an export and the expression that wraps the author's value. If
/// there is a `single`, the value may be missing, and `author` is the whole
/// module.
fn wrapped(
    resolve: &Resolve,
    export: Export<'_>,
    author: &str,
    single: Option<&Single>,
) -> (String, String) {
    let (name, id) = match export {
        Export::Interface(name, id) => (name, id),
        Export::Function(name, function) => {
            let thrown = json!(Thrown::by(resolve, function));
            let value = format!("wrapFunction({}, {author}, {thrown}, log)", json!(name));
            return (name, value);
        }
    };
    let functions: BTreeMap<_, _> = free_functions(resolve, id)
        .map(|function| {
            let name = function.name.to_lower_camel_case();
            (name, Thrown::by(resolve, function))
        })
        .collect();
    let (shown, functions) = (json!(name), json!(functions));
    let own = |author| format!("wrapInterface({shown}, {author}, {functions}, log)");
    let value = match single {
        None => own(author),
        Some(Single {
            export,
            function,
            many,
        }) => format!(
            "{author}.{name} ? {} : {{ {many}: batchOf((input) => export{export}.{function}(input)) }}",
            own(&format!("{author}.{name}"))
        ),
    };
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports_of(wit: &str, world: &str) -> String {
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        exports("plugin.js".as_ref(), &resolve, world)
    }

    #[test]
    fn contract_with_a_log_passes_it_to_the_wrapper() {
        let wit = include_str!("../../../../../../wit/text-processor/world.wit");
        assert_eq!(
            exports_of(wit, "text-plugin"),
            "import { log } from \"myapp:text-processor/host-api\";\n\
             import { plugin as author0 } from \"./plugin.js\";\n\
             const export0 = wrapInterface(\"plugin\", author0, \
             {\"getName\":false,\"getVersion\":false,\"process\":[\"invalid-input\",\
             \"unsupported-format\",\"internal-error\"]}, log);\n\
             export { export0 as plugin };\n"
        );
    }

    #[test]
    fn missing_batch_is_derived_from_the_single_function() {
        let wit = concat!(
            include_str!("../../../../../../wit/text-processor/world.wit"),
            include_str!("../../../../../../wit/text-processor/batch.wit"),
        );
        let exports = exports_of(wit, "text-plugin-batch");
        let (_, batch) = exports
            .split_once("export { export0 as plugin };\n")
            .unwrap();
        assert_eq!(
            batch,
            "import * as author1 from \"./plugin.js\";\n\
             const export1 = author1.batch \
             ? wrapInterface(\"batch\", author1.batch, {\"processBatch\":false}, log) \
             : { processBatch: batchOf((input) => export0.process(input)) };\n\
             export { export1 as batch };\n"
        );
    }

    #[test]
    fn errors_that_are_strings_are_marked() {
        let wit = "package a:b; interface i { type e = string; f: func() -> result<_, e>; } \
                   world w { export i; export g: func() -> result<u8, string>; }";
        let exports = exports_of(wit, "w");
        for expected in [
            "wrapInterface(\"i\", author1, {\"f\":\"string\"}, log)",
            "wrapFunction(\"g\", author0, \"string\", log)",
        ] {
            assert!(exports.contains(expected), "{exports}");
        }
    }

    #[test]
    fn contract_without_a_log_passes_none() {
        let wit = "package a:b; interface my-api { resource r { f: func(); } \
                   do-it: func() -> result; log: func(); } \
                   world w { import my-api; export my-api; export delete: func(); }";
        assert_eq!(
            exports_of(wit, "w"),
            "const log = undefined;\n\
             import { delete as author0 } from \"./plugin.js\";\n\
             const export0 = wrapFunction(\"delete\", author0, false, log);\n\
             export { export0 as delete };\n\
             import { myApi as author1 } from \"./plugin.js\";\n\
             const export1 = wrapInterface(\"myApi\", author1, \
             {\"doIt\":true,\"log\":false}, log);\n\
             export { export1 as myApi };\n"
        );
    }
}

//! JavaScript skeletons: an object for each exported interface, a class for
//! each resource.

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use wit_parser::{Function, Resolve, WorldId};

use crate::toolchain::javascript::{imported_functions, is_reserved, streamed};

use super::heading;
use super::names::{Exports, Resource, is_constructor, is_static, own_name, parameters};

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let Exports {
        interfaces,
        functions,
    } = Exports::of(resolve, world);
    let mut source = format!("// {}\n", heading(resolve, world));
    let own: Vec<_> = functions.iter().map(|f| f.name.as_str()).collect();
    for function in imported_functions(resolve, world) {
        source += &import(function, &own);
    }
    for interface in &interfaces {
        for resource in &interface.resources {
            source += &class(resource);
        }
        let name = interface.name.to_lower_camel_case();
        source += &format!("\nexport const {name} = {{\n");
        for resource in &interface.resources {
            source += &format!("  {},\n", resource.name.to_upper_camel_case());
        }
        let bodies = interface
            .functions
            .iter()
            .map(|f| body(f, "  ", &keyword(resolve, f, "")) + ",\n");
        source += &bodies.collect::<Vec<_>>().join("\n");
        source += "};\n";
    }
    for function in functions {
        let keyword = keyword(resolve, function, "function");
        source += &format!("\nexport {}\n", body(function, "", &keyword));
    }
    vec![("plugin.js".to_owned(), source)]
}

/// The import of a function that the world imports directly. It is renamed if
/// its name is a keyword, or that of one of the plugin's `own` functions.
fn import(function: &Function, own: &[&str]) -> String {
    let specifier = function.name.as_str();
    let name = specifier.to_lower_camel_case();
    let is_taken = is_reserved(&name) || own.contains(&specifier);
    let mark = if is_taken { "_" } else { "" };
    format!("import {name}{mark} from \"{specifier}\";\n")
}

fn class(resource: &Resource<'_>) -> String {
    let name = resource.name.to_upper_camel_case();
    let functions = resource.functions.iter();
    let bodies: Vec<_> = functions
        .map(|f| {
            let kind = if is_static(f) { "static " } else { "" };
            let kind = if f.kind.is_async() {
                &format!("{kind}async ")
            } else {
                kind
            };
            body(f, "  ", kind) + "\n"
        })
        .collect();
    format!("\nclass {name} {{\n{}}}\n", bodies.join("\n"))
}

/// What precedes the name of a function: it is asynchronous, or a generator of what it
/// streams.
fn keyword(resolve: &Resolve, function: &Function, plain: &str) -> String {
    let asynchronous = if function.kind.is_async() {
        "async"
    } else {
        ""
    };
    let generator = streamed(resolve, function).map_or("", |_| "*");
    [asynchronous, plain, generator]
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| {
            if word == "*" {
                word.to_owned()
            } else {
                format!("{word} ")
            }
        })
        .collect()
}

fn body(function: &Function, indent: &str, kind: &str) -> String {
    let name = if is_constructor(function) {
        "constructor".to_owned()
    } else {
        own_name(function).to_lower_camel_case()
    };
    let parameters: Vec<_> = parameters(function)
        .map(|name| name.to_lower_camel_case())
        .collect();
    let parameters = parameters.join(", ");
    format!(
        "{indent}{kind}{name}({parameters}) {{\n\
         {indent}  throw new Error(\"{name} is not implemented\");\n{indent}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_world_are_imported() {
        let wit = "package a:b; world w { import get-user: func() -> string; \
                   import delete: func(); import same: func(); export same: func(); }";
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some("w")).unwrap();
        let (_, source) = sources(&resolve, world).remove(0);
        let expected = "functions below.\nimport getUser from \"get-user\";\n\
                        import delete_ from \"delete\";\nimport same_ from \"same\";\n\n\
                        export function same() {";
        assert!(source.contains(expected), "{source}");
    }

    #[test]
    fn asynchronous_functions_and_generators_are_marked() {
        let wit = "package a:b; interface i {
            transform: async func(input: stream<u8>) -> tuple<stream<u8>, future<result<_, u8>>>;
            wait: async func(); }
            world w { export i; export run: async func(); export now: func(); }";
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some("w")).unwrap();
        let (_, source) = sources(&resolve, world).remove(0);
        for expected in [
            "\n  async *transform(input) {\n",
            "\n  async wait() {\n",
            "\nexport async function run() {\n",
            "\nexport function now() {\n",
        ] {
            assert!(source.contains(expected), "{source}");
        }
    }
}

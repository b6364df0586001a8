//! JavaScript skeletons: an object for each exported interface, a class for
//! each resource.

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use wit_parser::{Function, Resolve, WorldId};

use super::heading;
use super::names::{Exports, Resource, is_constructor, is_static, own_name, parameters};

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let Exports {
        interfaces,
        functions,
    } = Exports::of(resolve, world);
    let mut source = format!("// {}\n", heading(resolve, world));
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
            .map(|f| body(f, "  ", "") + ",\n");
        source += &bodies.collect::<Vec<_>>().join("\n");
        source += "};\n";
    }
    for function in functions {
        source += &format!("\nexport {}\n", body(function, "", "function "));
    }
    vec![("plugin.js".to_owned(), source)]
}

fn class(resource: &Resource<'_>) -> String {
    let name = resource.name.to_upper_camel_case();
    let functions = resource.functions.iter();
    let bodies: Vec<_> = functions
        .map(|f| {
            let kind = if is_static(f) { "static " } else { "" };
            body(f, "  ", kind) + "\n"
        })
        .collect();
    format!("\nclass {name} {{\n{}}}\n", bodies.join("\n"))
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

//! Python skeletons: a class for each exported interface, as componentize-py
//! expects, and one for each resource.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use wit_parser::{Function, Resolve, WorldId};

use super::heading;
use super::names::{Exports, is_constructor, is_static, own_name, parameters};

/// Python keywords that are valid WIT identifiers; they cannot name a
/// parameter.
const KEYWORDS: [&str; 16] = [
    "and", "as", "async", "class", "def", "del", "from", "global", "in", "is", "lambda", "not",
    "or", "pass", "raise", "with",
];

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let Exports {
        interfaces,
        functions,
    } = Exports::of(resolve, world);
    let heading = heading(resolve, world);
    let mut files = Vec::new();
    // componentize-py looks for a resource's class in a module named after the
    // interface.
    for interface in interfaces.iter().filter(|it| !it.resources.is_empty()) {
        let module = interface.name.to_snake_case();
        let imports = format!("from wit_world.exports import {module}\n");
        let classes = interface.resources.iter().map(|resource| {
            let name = resource.name.to_upper_camel_case();
            class(&name, &format!("{module}.{name}"), &resource.functions)
        });
        let classes: String = classes.collect();
        files.push((format!("{module}.py"), file(&heading, &imports, &classes)));
    }

    let (mut imports, mut classes) = (String::new(), String::new());
    for interface in interfaces.iter().filter(|it| !it.functions.is_empty()) {
        let name = interface.name.to_upper_camel_case();
        classes += &class(&name, &format!("exports.{name}"), &interface.functions);
    }
    if !functions.is_empty() {
        imports += "import wit_world\n";
        classes += &class("WitWorld", "wit_world.WitWorld", &functions);
    }
    if classes.contains("(exports.") {
        imports += "from wit_world import exports\n";
    }
    files.push(("plugin.py".to_owned(), file(&heading, &imports, &classes)));
    files
}

fn file(heading: &str, imports: &str, classes: &str) -> String {
    let imports = if imports.is_empty() {
        String::new()
    } else {
        format!("\n# Generated from the WIT by `kumiki build`.\n{imports}")
    };
    format!("\"\"\"{heading}\"\"\"\n{imports}{classes}")
}

fn class(name: &str, base: &str, functions: &[&Function]) -> String {
    let bodies: Vec<_> = functions.iter().map(|function| body(function)).collect();
    format!("\n\nclass {name}({base}):\n{}", bodies.join("\n"))
}

fn body(function: &Function) -> String {
    let name = if is_constructor(function) {
        "__init__".to_owned()
    } else {
        own_name(function).to_snake_case()
    };
    let (decorator, first) = if is_static(function) {
        ("    @classmethod\n", "cls")
    } else {
        ("", "self")
    };
    let parameters = parameters(function).map(|name| match name.to_snake_case() {
        name if KEYWORDS.contains(&name.as_str()) => format!("{name}_"),
        name => name,
    });
    let parameters: Vec<_> = std::iter::once(first.to_owned())
        .chain(parameters)
        .collect();
    let parameters = parameters.join(", ");
    let keyword = if function.kind.is_async() {
        "async def"
    } else {
        "def"
    };
    format!(
        "{decorator}    {keyword} {name}({parameters}):\n        raise NotImplementedError(\"{name}\")\n"
    )
}

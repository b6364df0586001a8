//! Go skeletons, from the stubs that wit-bindgen generates.

use wit_parser::{Resolve, WorldId};

use super::heading;
use crate::error::Error;
use crate::toolchain::go::NO_RESOURCES;
use crate::world::{exports_resource, generate};

/// Keywords, which cannot name a parameter.
const KEYWORDS: [&str; 25] = [
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Result<Vec<(String, String)>, Error> {
    if exports_resource(resolve, world) {
        return Err(Error::Skeleton(NO_RESOURCES.to_owned()));
    }
    let heading = heading(resolve, world);
    let options = wit_bindgen_go::Opts {
        format: wit_bindgen_go::Format::False,
        generate_stubs: true,
        ..Default::default()
    };
    let files = generate(&mut *options.build(), resolve.clone(), world).map_err(Error::Skeleton)?;
    let stubs: Vec<(String, String)> = files
        .iter()
        .filter_map(|(name, content)| {
            let package = name.strip_suffix("/wit_bindings.go")?;
            let is_stub = package.starts_with("export_");
            let content = String::from_utf8_lossy(content).into_owned();
            is_stub.then(|| (package.to_owned(), content))
        })
        .collect();

    // A single package is the project's folder; several are folders below it.
    let alone = stubs.len() == 1;
    let source = |(package, stub): &(String, String)| {
        let (name, path) = if alone {
            ("plugin", "plugin.go".to_owned())
        } else {
            (package.as_str(), format!("{package}/plugin.go"))
        };
        (
            path,
            format!("// {heading}\npackage {name}\n{}", body(stub)),
        )
    };
    Ok(stubs.iter().map(source).collect())
}

/// The imports and functions of a stub, formatted like gofmt.
fn body(stub: &str) -> String {
    let is_import = |line: &&str| line.ends_with('"');
    let imports: Vec<&str> = stub.lines().map(str::trim).filter(is_import).collect();
    let mut body = String::new();
    if !imports.is_empty() {
        body += &format!("\nimport (\n\t{}\n)\n", imports.join("\n\t"));
    }
    let functions = stub.lines().filter_map(|line| line.strip_prefix("func "));
    for function in functions {
        let signature = function.trim_end_matches('{').trim_end();
        let signature = parameters(signature);
        body += &format!("\nfunc {signature} {{\n\tpanic(\"not implemented\")\n}}\n");
    }
    body
}

/// Removes the leading underscores of parameters, which mark them as unused.
fn parameters(signature: &str) -> String {
    let mut parts = signature.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split(' ').next().unwrap_or(part);
        let begins = text.ends_with('(') || text.ends_with(", ");
        if !begins || KEYWORDS.contains(&name) {
            text.push('_');
        }
        text += part;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_underscores_of_parameters_are_removed() {
        for (stub, expected) in [
            ("Reset()", "Reset()"),
            (
                "Judge(_item a_b.Item, _how x) y",
                "Judge(item a_b.Item, how x) y",
            ),
            ("Find(_type string)", "Find(_type string)"),
        ] {
            assert_eq!(parameters(stub), expected);
        }
    }
}

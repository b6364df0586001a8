//! Rust skeletons, from the stubs that wit-bindgen generates for its own tests.

use wit_parser::{Resolve, WorldId};

use super::{heading, wrap};
use crate::error::Error;
use crate::world::generate;

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Result<Vec<(String, String)>, Error> {
    let options = wit_bindgen_rust::Opts {
        stubs: true,
        ..Default::default()
    };
    let heading = heading(resolve, world);
    let name = resolve.worlds[world].name.clone();
    let files = generate(&mut options.build(), resolve.clone(), world).map_err(Error::Skeleton)?;
    let bindings: String = files
        .iter()
        .map(|(_, content)| String::from_utf8_lossy(content))
        .collect();

    let mut source = format!(
        "//! {heading}\n\nwit_bindgen::generate!({{\n    path: \"wit\",\n    \
         world: \"{name}\",\n    generate_all,\n}});\n\nstruct Plugin;\n"
    );
    for stub in stubs(&bindings) {
        source += &format!("\n{stub}");
    }
    source += "\nexport!(Plugin);\n";
    Ok(vec![("src/lib.rs".to_owned(), source)])
}

/// The `impl … for Stub` blocks of the bindings, formatted like hand-written
/// code.
fn stubs(bindings: &str) -> Vec<String> {
    let mut stubs = Vec::new();
    let mut lines = bindings.lines();
    while let Some(line) = lines.next() {
        if !(line.starts_with("impl ") && line.ends_with(" for Stub {")) {
            continue;
        }
        let mut stub = format!("{}\n", plain(line));
        for line in lines.by_ref().take_while(|line| *line != "}") {
            let line = plain(line.trim());
            if line.starts_with("#[") {
                continue;
            }
            match line.strip_suffix("{ unreachable!() }") {
                Some(signature) => {
                    let signature = wrap(signature.trim_end(), "    ");
                    stub += &format!("{signature} {{\n        todo!()\n    }}\n");
                }
                None => stub += &format!("    {line}\n"),
            }
        }
        stubs.push(stub + "}\n");
    }
    stubs
}

/// Removes what is specific to generated code.
fn plain(line: &str) -> String {
    let mut line = line
        .replace("_rt::", "")
        .replace("Vec::<", "Vec<")
        .replace(" -> ()", "")
        .replace("Stub", "Plugin")
        .replace(",)", ")");
    // Generated signatures have no space after commas, also within tuple types,
    // as in `(a: u32,b: u32)`.
    if line.starts_with("fn ") {
        line = line.replace(',', ", ");
    }
    line
}

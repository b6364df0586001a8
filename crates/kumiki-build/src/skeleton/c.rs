//! C skeletons, from the exported functions in the bindings' header.

use heck::ToSnakeCase as _;
use wit_parser::{Resolve, WorldId};

use super::{heading, wrap};
use crate::error::Error;
use crate::world::generate;

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Result<Vec<(String, String)>, Error> {
    let header = format!("{}.h", resolve.worlds[world].name.to_snake_case());
    let heading = heading(resolve, world);
    let mut generator = wit_bindgen_c::Opts::default().build();
    let files = generate(&mut *generator, resolve.clone(), world).map_err(Error::Skeleton)?;
    let declared = files
        .iter()
        .find(|(name, _)| *name == header)
        .map(|(_, content)| String::from_utf8_lossy(content).into_owned())
        .unwrap_or_default();

    let mut source = format!(
        "// {heading}\n//\n\
         // Memory: this plugin owns its parameters and frees them with the `…_free`\n\
         // functions of {header}. The bindings free what it returns after the host\n\
         // has read it. Every returned string must be valid UTF-8.\n\n\
         #include <stdlib.h>\n#include <string.h>\n\n#include \"{header}\"\n"
    );
    for declaration in exported(&declared) {
        let declaration = wrap(declaration, "");
        source += &format!("\n{declaration} {{\n    kumiki_fail(\"not implemented\");\n}}\n");
    }
    Ok(vec![("plugin.c".to_owned(), source)])
}

/// The declarations between `// Exported Functions` and the helpers, and the
/// destructors of exported resources, which are next to their types.
fn exported(header: &str) -> impl Iterator<Item = &str> {
    let is_destructor =
        |line: &&str| line.starts_with("void exports_") && line.contains("_destructor(");
    let destructors = header.lines().filter(is_destructor);
    let from = header
        .find("// Exported Functions")
        .map_or("", |at| &header[at..]);
    let exported = from.split("// Helper Functions").next().unwrap_or(from);
    let lines = exported.lines().filter(|line| !line.starts_with("//"));
    destructors
        .chain(lines)
        .filter_map(|line| line.strip_suffix(';'))
}

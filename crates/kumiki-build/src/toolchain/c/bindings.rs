//! Generates the code around the author's files: the bindings from wit-bindgen,
//! and what logs the reason of an `assert`, `abort` or `kumiki_fail`.

use std::path::{Path, PathBuf};

use wit_parser::{Resolve, WorldId};

use crate::error::Error;
use crate::log::Log;
use crate::output::replace;
use crate::project::Project;
use crate::world::generate;

const HEADER: &str = include_str!("kumiki_fail.h");
const SOURCE: &str = include_str!("kumiki_fail.c");

/// Generates the bindings of the project's world, as file names and contents.
pub(super) fn bindings(project: &Project) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let (resolve, world) = project.resolve()?;
    let mut generator = wit_bindgen_c::Opts::default().build();
    let generated = generate(&mut *generator, resolve.clone(), world);
    let generated = generated.map_err(|message| Error::Wit {
        path: project.wit.clone(),
        message,
    })?;

    let mut files: Vec<_> = generated
        .iter()
        .map(|(name, content)| (name.to_owned(), with_fail(name, content)))
        .collect();
    let source = format!("{}\n{SOURCE}", definitions(&resolve, world));
    files.push(("kumiki_fail.h".to_owned(), HEADER.into()));
    files.push(("kumiki_fail.c".to_owned(), source.into()));
    Ok(files)
}

/// Adds `kumiki_fail.h` to the header that authors include. The bindings' own
/// source must not use it: it allocates while the host passes values, and a call
/// of the host is forbidden then.
fn with_fail(name: &str, content: &[u8]) -> Vec<u8> {
    let (before, after): (&[u8], &[u8]) = match name.rsplit('.').next() {
        Some("h") => (b"", b"\n#include \"kumiki_fail.h\"\n"),
        Some("c") => (b"#define KUMIKI_FAIL_H\n", b""),
        _ => (b"", b""),
    };
    [before, content, after].concat()
}

/// Where `kumiki_fail.c` finds the contract's log function, if there is one.
fn definitions(resolve: &Resolve, world: WorldId) -> String {
    let log = Log::of(resolve, world);
    let log = log.and_then(|log| Some((resolve.id_of(log.interface)?, log.error)));
    match log {
        Some((interface, error)) => {
            format!("#define LOG_INTERFACE \"{interface}\"\n#define LOG_ERROR {error}\n")
        }
        None => String::new(),
    }
}

/// Writes `files` into `folder`. Returns those to compile and link.
pub(super) fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<Vec<PathBuf>, Error> {
    let mut to_link = Vec::new();
    for (name, content) in files {
        let path = folder.join(name);
        replace(&path, content)?;
        if name.ends_with(".c") || name.ends_with(".o") {
            to_link.push(path);
        }
    }
    Ok(to_link)
}

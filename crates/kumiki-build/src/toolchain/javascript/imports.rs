//! Finds imports that the world does not have, by reading the sources without
//! running them, and suggests the most similar name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use wit_parser::{Resolve, WorldId};

use super::declarations::object_name;
use super::specifiers::{Import, imports_of};
use super::world::{exported_interfaces, free_functions, importable, imported_interfaces};
use crate::error::Error;
use crate::project::{Language, Project};
use crate::reading::read_text;
use crate::unknown_import::UnknownImport;

/// The maximum number of files of a project that are checked.
const MAX_FILES: usize = 10_000;

/// The minimum similarity of a suggestion, where 1 means equal.
const MIN_SIMILARITY: f64 = 0.6;

/// Finds imports that the world of a JavaScript project does not have, in its
/// module and in the files that it imports. Builds nothing. Projects in other
/// languages have none.
///
/// # Errors
/// The WIT is invalid, or a file cannot be read.
pub fn unknown_imports(project: &Project) -> Result<Vec<UnknownImport>, Error> {
    if project.language != Language::JavaScript {
        return Ok(Vec::new());
    }
    let (resolve, world) = project.resolve()?;
    let known = Known::of(&resolve, world);
    let mut unknown = Vec::new();
    let (mut pending, mut seen) = (vec![project.folder.join(&project.entry)], BTreeSet::new());
    while let Some(path) = pending.pop() {
        // Canonicalize: through a symbolic link to a folder, a file has many
        // paths.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        if seen.len() > MAX_FILES {
            let why = format!("the modules import more than {MAX_FILES} files");
            return Err(Error::io("read", &path)(io::Error::other(why)));
        }
        let text = read_text(&path)?;
        for import in imports_of(&text) {
            if import.from.starts_with('.') {
                pending.extend(file_of(&path, import.from));
            } else {
                known.check(&path, &import, &mut unknown);
            }
        }
    }
    unknown.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(unknown)
}

/// Resolves a relative import to a file like esbuild, which reports the imports
/// that it cannot find.
fn file_of(importer: &Path, from: &str) -> Option<PathBuf> {
    let named = importer
        .parent()?
        .join(from.strip_prefix("./").unwrap_or(from));
    let with = |ending: &str| PathBuf::from(format!("{}{ending}", named.display()));
    let candidates = [
        named.clone(),
        with(".ts"),
        with(".js"),
        named.with_extension("ts"),
    ];
    let is_module = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("js" | "mjs" | "ts" | "mts")) && path.is_file()
    };
    candidates.into_iter().find(is_module)
}

/// The specifiers and names that can be imported.
struct Known {
    /// Specifiers that exist at run time.
    specifiers: Vec<String>,
    /// The names in each interface, including interfaces of which only types
    /// can be imported.
    names: BTreeMap<String, Vec<String>>,
}

impl Known {
    fn of(resolve: &Resolve, world: WorldId) -> Self {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let imported = imported_interfaces(resolve, world).into_iter();
        let exported = exported_interfaces(resolve, world).into_iter();
        let both = imported
            .map(|it| (it, true))
            .chain(exported.map(|it| (it, false)));
        for ((specifier, id), is_imported) in both {
            let mut found: Vec<_> = resolve.interfaces[id]
                .types
                .keys()
                .map(|name| name.to_upper_camel_case())
                .collect();
            if is_imported {
                let functions = free_functions(resolve, id);
                found.extend(functions.map(|function| function.name.to_lower_camel_case()));
            } else {
                found.push(object_name(resolve, id));
            }
            let plain = specifier.split('@').next().unwrap_or_default().to_owned();
            for specifier in BTreeSet::from([plain, specifier]) {
                names.entry(specifier).or_default().extend(found.clone());
            }
        }
        Self {
            specifiers: importable(resolve, world),
            names,
        }
    }

    fn check(&self, path: &Path, import: &Import<'_>, unknown: &mut Vec<UnknownImport>) {
        let mut report = |line, name: &str, interface: Option<&str>, known: &[String]| {
            unknown.push(UnknownImport {
                path: path.to_owned(),
                line,
                name: name.to_owned(),
                interface: interface.map(str::to_owned),
                known: nearest(name, known).map_or_else(|| known.to_vec(), |one| vec![one]),
            });
        };
        if let Some(names) = self.names.get(import.from) {
            for (line, name) in &import.names {
                if !names.iter().any(|known| known == name) {
                    report(*line, name, Some(import.from), names);
                }
            }
        } else if !self.specifiers.iter().any(|known| known == import.from)
            && (is_wit_specifier(import.from) || nearest(import.from, &self.specifiers).is_some())
        {
            report(import.line, import.from, None, &self.specifiers);
        }
    }
}

/// Whether it has the form `a:b/c`, with or without a version.
fn is_wit_specifier(specifier: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && !name.contains([':', '/']);
    specifier
        .split_once(':')
        .and_then(|(namespace, rest)| Some((namespace, rest.split_once('/')?)))
        .is_some_and(|(namespace, (package, interface))| {
            namespace != "node" && [namespace, package, interface].into_iter().all(is_name)
        })
}

fn nearest(name: &str, known: &[String]) -> Option<String> {
    let similarity = |known: &String| strsim::normalized_damerau_levenshtein(name, known);
    let best = known
        .iter()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(best) >= MIN_SIMILARITY).then(|| best.clone())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let wit = include_str!("../../../../../wit/text-processor/world.wit");
        let manifest = "name = 'a'\nlanguage = 'javascript'\nwit = 'w.wit'\n\
                        world = 'text-plugin'\n[build]\nentry = 'plugin.ts'\n";
        for (name, text) in [("w.wit", wit), ("kumiki.toml", manifest)]
            .iter()
            .chain(files)
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let project = Project::read(folder.path()).unwrap();
        let found = unknown_imports(&project).unwrap();
        let place = format!("{}/", folder.path().display());
        let texts = found
            .iter()
            .map(|import| (import.to_string().replace(&place, ""), import.hint()));
        texts.collect()
    }

    #[test]
    fn imports_of_the_world_are_known() {
        let plugin = "import { log, getConfig as get, type LogLevel } from \
                      'myapp:text-processor/host-api';\n\
                      import type { Plugin, ProcessError } from 'myapp:text-processor/plugin';\n\
                      import * as types from \"myapp:text-processor/types\";\n\
                      import pad from 'left-pad'; import fs from 'node:fs/promises';\n\
                      import './no-such-file.js'; import './data.json';\n";
        assert_eq!(found(&[("plugin.ts", plugin), ("data.json", "{}")]), []);
    }

    #[test]
    fn unknown_imports_suggest_the_nearest_name() {
        for (import, fact, hint) in [
            (
                "import { log } from 'myapp:text-processor/host-apis';",
                "plugin.ts:1: the world does not import `myapp:text-processor/host-apis`",
                "write `myapp:text-processor/host-api`",
            ),
            (
                "\nexport * from\n 'myapp/text-processor/host-api';",
                "plugin.ts:3: the world does not import `myapp/text-processor/host-api`",
                "write `myapp:text-processor/host-api`",
            ),
            (
                "const a = await import('wasi:clocks/wall-clock@0.2.0');",
                "plugin.ts:1: the world does not import `wasi:clocks/wall-clock@0.2.0`",
                "use one of `myapp:text-processor/host-api`, `myapp:text-processor/types`",
            ),
            (
                "import {\n  log,\n  getconfig,\n} from 'myapp:text-processor/host-api';",
                "plugin.ts:3: `myapp:text-processor/host-api` has no `getconfig`",
                "write `getConfig`",
            ),
            (
                "import { process } from 'myapp:text-processor/host-api';",
                "plugin.ts:1: `myapp:text-processor/host-api` has no `process`",
                "use one of `LogLevel`, `log`, `getConfig`",
            ),
        ] {
            let expected = (fact.to_owned(), hint.to_owned());
            assert_eq!(found(&[("plugin.ts", import)]), [expected]);
        }
    }

    #[test]
    fn imported_files_are_checked() {
        let wrong = "import { a } from 'my:own/thing';\nimport './plugin';\n";
        for from in ["./a.js", "./a.ts", "./a"] {
            let plugin = format!("export {{ a }} from '{from}';");
            let found = found(&[("plugin.ts", &plugin), ("a.ts", wrong), ("b.ts", wrong)]);
            let facts: Vec<_> = found.into_iter().map(|(fact, _)| fact).collect();
            assert_eq!(
                facts,
                ["a.ts:1: the world does not import `my:own/thing`"],
                "{from}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn symlink_loop_is_visited_once() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("a")).unwrap();
        let wit = include_str!("../../../../../wit/text-processor/world.wit");
        let manifest = "name = 'a'\nlanguage = 'javascript'\nwit = 'w.wit'\n\
                        world = 'text-plugin'\n";
        let plugin = "import './a/plugin.js'; import './a/../plugin.js';";
        for (name, text) in [
            ("w.wit", wit),
            ("kumiki.toml", manifest),
            ("plugin.js", plugin),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let project = Project::read(folder.path()).unwrap();
        assert_eq!(unknown_imports(&project).unwrap().len(), 0);
    }
}

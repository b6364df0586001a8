//! Finds the modules of a plugin that QuickJS can load as they are.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::super::specifiers::imports_of;
use crate::error::Error;
use crate::project::Project;
use crate::reading::read_text;

/// The maximum number of modules that are loaded without a bundler.
const MAX_MODULES: usize = 1000;

/// A module: its name, which is its path relative to the project, and its text.
pub(super) type Source = (String, String);

/// Returns the entry and all modules that it imports, or `None` if they need a bundler:
/// TypeScript, JSON, CommonJS, packages, and imports that are not exact paths of files.
/// `importable` are the specifiers of the world.
///
/// # Errors
/// A file cannot be read.
pub(super) fn collect(
    project: &Project,
    importable: &[String],
) -> Result<Option<Vec<Source>>, Error> {
    let entry = name_of(&project.entry);
    let Some(entry) = entry.filter(|entry| is_module(entry)) else {
        return Ok(None);
    };
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut pending = vec![entry.clone()];
    while let Some(name) = pending.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let text = read_text(&project.folder.join(&name))?;
        if found.len() == MAX_MODULES || is_common_js(&text) {
            return Ok(None);
        }
        for import in imports_of(&text) {
            if !import.from.starts_with('.') {
                // A package has no colon in its name: others are found to be missing later.
                let is_package = !import.from.contains(':')
                    && !importable.iter().any(|known| known == import.from);
                match is_package {
                    true => return Ok(None),
                    false => continue,
                }
            }
            let base = Path::new(&name).parent().unwrap_or(Path::new(""));
            let imported = name_of(&base.join(import.from));
            if let Some(name) = imported.as_ref().filter(|name| is_module(name)) {
                let path = project.folder.join(name);
                if path.exists() && !path.is_file() {
                    // The error says what it is instead of a regular file.
                    read_text(&path)?;
                }
            }
            let imported =
                imported.filter(|name| is_module(name) && project.folder.join(name).is_file());
            let Some(imported) = imported else {
                return Ok(None);
            };
            pending.push(imported);
        }
        found.insert(name, text);
    }
    let first = found.remove_entry(&entry);
    Ok(Some(first.into_iter().chain(found).collect()))
}

/// The path with forward slashes, without `.` and with `..` only at its start, as
/// `quickjs/src/engine.c` resolves it. `None` for an absolute path.
fn name_of(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if parts.last().is_none_or(|last| *last == "..") => {
                parts.push("..");
            }
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

fn is_module(name: &str) -> bool {
    matches!(Path::new(name).extension(), Some(extension) if extension == "js" || extension == "mjs")
}

/// Whether the text uses CommonJS, which has no other mark.
fn is_common_js(text: &str) -> bool {
    text.contains("require(") || text.contains("module.exports") || text.contains("exports.")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Returns the names of the modules, or `None` if a bundler is needed.
    fn names(files: &[(&str, &str)]) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let manifest = "name = 'a'\nlanguage = 'javascript'\nwit = 'w.wit'\nworld = 'w'\n";
        for (name, text) in [("mine/kumiki.toml", manifest), ("mine/w.wit", "")]
            .iter()
            .chain(files)
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = Project::read(&folder.path().join("mine")).unwrap();
        let importable = ["a:b/c".to_owned()];
        let found = collect(&project, &importable).unwrap();
        found.map(|sources| sources.into_iter().map(|(name, _)| name).collect())
    }

    #[test]
    fn modules_are_found_from_the_entry() {
        let found = names(&[
            (
                "mine/plugin.js",
                "import { log } from 'a:b/c'; import './lib/one.js';",
            ),
            (
                "mine/lib/one.js",
                "import '../two.mjs'; import '../../shared/three.js';",
            ),
            ("mine/two.mjs", "import './plugin.js';"),
            ("shared/three.js", "import '../mine/two.mjs'"),
            ("mine/not-imported.js", ""),
        ]);
        // `../mine/two.mjs` has another name than `two.mjs`.
        let expected = [
            "plugin.js",
            "../mine/two.mjs",
            "../shared/three.js",
            "lib/one.js",
            "two.mjs",
        ];
        assert_eq!(found.unwrap()[..1], expected[..1]);
    }

    #[test]
    fn other_imports_need_a_bundler() {
        for (source, file) in [
            ("import 'left-pad';", "mine/other.js"),
            ("import './other';", "mine/other.js"),
            ("import './other.ts';", "mine/other.ts"),
            (
                "import './other.json' with { type: 'json' };",
                "mine/other.json",
            ),
            ("import './missing.js';", "mine/other.js"),
            ("const a = require('./other.js');", "mine/other.js"),
            ("module.exports = {};", "mine/other.js"),
        ] {
            assert_eq!(
                names(&[("mine/plugin.js", source), (file, "")]),
                None,
                "{source}"
            );
        }
    }
}

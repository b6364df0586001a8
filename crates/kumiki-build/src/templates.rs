//! What an author begins with: a project that builds as it is written.
//!
//! The files lie under `templates/`, one folder a language, and hold
//! `{{name}}` where the plugin's name goes. For our contract all languages'
//! plugins do the same, so that one test holds them all; for any other, the
//! source is a skeleton made of the world.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use heck::ToSnakeCase as _;

use crate::error::Error;
use crate::project::{Language, Project};
use crate::reading::read_text;
use crate::skeleton;
use crate::sources::sources;
use crate::toolchain::javascript::write_declarations;
use crate::world;

/// The contract, which every project has a copy of.
const WIT: &str = include_str!("../../../wit/text-processor/world.wit");
const BATCH: &str = include_str!("../../../wit/text-processor/batch.wit");
const README: &str = include_str!("../templates/README.md");
const README_WORLD: &str = include_str!("../templates/README-world.md");
/// All languages' plugins do the same, and so have the same cases.
const CASES: &str = include_str!("../templates/tests.jsonl");
/// Its name in the repository would make git obey it here.
const IGNORE: &str = include_str!("../templates/ignore");

/// A file of a template: where it goes, and what is in it.
type File = (&'static str, &'static str);

const RUST: &[File] = &[
    ("kumiki.toml", include_str!("../templates/rust/kumiki.toml")),
    // Cargo would take the plain name for a package of this repository.
    (
        "Cargo.toml",
        include_str!("../templates/rust/Cargo.toml.template"),
    ),
    ("src/lib.rs", include_str!("../templates/rust/src/lib.rs")),
];

const C: &[File] = &[
    ("kumiki.toml", include_str!("../templates/c/kumiki.toml")),
    ("plugin.c", include_str!("../templates/c/plugin.c")),
];

const JAVASCRIPT: &[File] = &[
    (
        "kumiki.toml",
        include_str!("../templates/javascript/kumiki.toml"),
    ),
    (
        "plugin.js",
        include_str!("../templates/javascript/plugin.js"),
    ),
    (
        "tsconfig.json",
        include_str!("../templates/javascript/tsconfig.json"),
    ),
];

const PYTHON: &[File] = &[
    (
        "kumiki.toml",
        include_str!("../templates/python/kumiki.toml"),
    ),
    ("plugin.py", include_str!("../templates/python/plugin.py")),
];

const GO: &[File] = &[
    ("kumiki.toml", include_str!("../templates/go/kumiki.toml")),
    ("go.mod", include_str!("../templates/go/go.mod.template")),
    ("plugin.go", include_str!("../templates/go/plugin.go")),
];

/// A plugin's project, still to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    name: String,
    language: Language,
    world: String,
    /// What comes with the world; without, it is our own contract.
    other: Option<Other>,
}

/// A contract that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Other {
    /// The files of its WIT, below `wit`.
    wit: Vec<(String, String)>,
    /// The skeleton's files, the one to begin with first.
    sources: Vec<(String, String)>,
}

impl Template {
    /// A plugin of this name, for the contract `myapp:text-processor`.
    ///
    /// # Errors
    /// [`Error::Name`] unless it is lower-case letters, digits and hyphens, a
    /// letter first: it is also cargo's name of the package, and a file's.
    pub fn new(name: &str, language: Language) -> Result<Self, Error> {
        Self::check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            language,
            world: "text-plugin-batch".to_owned(),
            other: None,
        })
    }

    /// A plugin of this name for the contract in `wit`, a file or a folder of
    /// WIT, which the project gets a copy of. The `world` may be left out where
    /// there is only one.
    ///
    /// # Errors
    /// [`Error::Name`], as from [`Template::new`]; [`Error::Wit`] when the WIT
    /// cannot be read or has no such world; [`Error::Skeleton`] when the
    /// language's bindings cannot do it.
    pub fn for_world(
        name: &str,
        language: Language,
        wit: &Path,
        world: Option<&str>,
    ) -> Result<Self, Error> {
        let template = Self::new(name, language)?;
        let (resolve, world) = world::read(wit, world)?;
        let sources = skeleton::sources(language, &resolve, world)?;
        Ok(Self {
            world: resolve.worlds[world].name.clone(),
            other: Some(Other {
                wit: wit_files(wit)?,
                sources,
            }),
            ..template
        })
    }

    /// Whether a plugin may be called that.
    ///
    /// # Errors
    /// [`Error::Name`], as from [`Template::new`].
    pub fn check_name(name: &str) -> Result<(), Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) {
            Ok(())
        } else {
            Err(Error::Name {
                name: name.to_owned(),
            })
        }
    }

    /// The file in which the plugin's work is done, from the project's folder.
    pub fn source(&self) -> &str {
        match (&self.other, self.language) {
            (Some(other), _) => other.sources.first().map_or("", |(path, _)| path),
            (None, language) => source(language),
        }
    }

    /// The world that the plugin exports.
    pub fn world(&self) -> &str {
        &self.world
    }

    /// Whether it is a plugin of our contract, which does something already.
    pub fn is_text_processor(&self) -> bool {
        self.other.is_none()
    }

    /// Writes the project into `folder`, which is made; an empty one will do.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is anything: nothing is overwritten.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        if is_taken(folder) {
            return Err(Error::Exists {
                path: folder.to_owned(),
            });
        }
        for (name, content) in self.files() {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            // Another program may have written since the look above.
            let mut file = fs::File::create_new(&path).map_err(Error::io("create", &path))?;
            file.write_all(content.as_bytes())
                .map_err(Error::io("write", &path))?;
        }
        if self.language == Language::JavaScript {
            write_declarations(&Project::read(folder)?)?;
        }
        Ok(())
    }

    /// Every file, with what is in it.
    fn files(&self) -> Vec<(String, String)> {
        let shelf = match self.language {
            Language::Rust => RUST,
            Language::C => C,
            Language::JavaScript => JAVASCRIPT,
            Language::Python => PYTHON,
            Language::Go => GO,
        };
        let ours = [
            ("README.md", README),
            ("tests.jsonl", CASES),
            ("wit/world.wit", WIT),
            ("wit/batch.wit", BATCH),
        ];
        let theirs = [("README.md", README_WORLD)];
        let (own, shared): (Vec<File>, &[File]) = match &self.other {
            None => (shelf.to_vec(), &ours),
            Some(_) => {
                let is_source = |(name, _): &File| *name == source(self.language);
                let rest = shelf.iter().copied().filter(|file| !is_source(file));
                (rest.collect(), &theirs)
            }
        };
        let files = own.iter().chain(shared).chain(&[(".gitignore", IGNORE)]);
        let files = files.map(|(name, content)| ((*name).to_owned(), self.fill(content)));
        let other = self.other.iter();
        let other = other.flat_map(|other| other.wit.iter().chain(&other.sources).cloned());
        files.chain(other).collect()
    }

    fn fill(&self, content: &str) -> String {
        content
            .replace("{{note}}", self.note())
            .replace("{{name}}", &self.name)
            .replace("{{source}}", self.source())
            .replace("{{world}}", &self.world)
            .replace("{{header}}", &format!("{}.h", self.world.to_snake_case()))
    }

    /// What its README says of the language.
    fn note(&self) -> &str {
        match self.language {
            Language::Rust => "Commit the `Cargo.lock` that the first build writes.",
            Language::C => {
                "Every build makes the header `{{header}}` of the WIT, in `kumiki/builds` of your \
                 cache folder; with `KUMIKI_WORK=FOLDER` it lies in `FOLDER/{{name}}/bindings`, \
                 where an editor can find it."
            }
            Language::JavaScript => {
                "What the module imports is bundled with it: files, and packages of a `node_modules`, \
                 but not Node's own modules. `kumiki.d.ts`, which every build makes of the WIT, \
                 and `tsconfig.json` are for your editor; call the module `plugin.ts` here and in \
                 `kumiki.toml`, and it is TypeScript."
            }
            Language::Python => {
                "Modules of this folder can be imported, and so can Python's library as far as \
                 it is Python."
            }
            Language::Go => {
                "What the WIT gives the plugin are the packages `wit_component/…`, made by the \
                 first build; `go.work`, which every build makes, shows them to editors."
            }
        }
    }
}

/// The file of our contract's plugins in which the work is done.
fn source(language: Language) -> &'static str {
    match language {
        Language::Rust => "src/lib.rs",
        Language::C => "plugin.c",
        Language::JavaScript => "plugin.js",
        Language::Python => "plugin.py",
        Language::Go => "plugin.go",
    }
}

/// The files of a contract, as they shall lie in the project.
fn wit_files(wit: &Path) -> Result<Vec<(String, String)>, Error> {
    let read = |path: &Path, name: &Path| {
        let content = read_text(path)?;
        let name = format!("wit/{}", name.display()).replace('\\', "/");
        Ok((name, content))
    };
    if wit.is_dir() {
        let files = sources(wit)?.into_iter();
        let files = files.filter(|name| name.extension().is_some_and(|it| it == "wit"));
        files.map(|name| read(&wit.join(&name), &name)).collect()
    } else {
        let name = wit.file_name().unwrap_or_default();
        Ok(vec![read(wit, Path::new(name))?])
    }
}

/// Whether something is at `path` that is more than an empty folder. What
/// cannot be looked into is something.
fn is_taken(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 5] = [
        Language::Rust,
        Language::C,
        Language::JavaScript,
        Language::Python,
        Language::Go,
    ];

    #[test]
    fn names() {
        for name in ["a", "text-tidy", "t2", "a-"] {
            assert!(Template::check_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "2a", "-a", "a_b", "a/b", "..", "a b", "é", "a\n"] {
            assert!(Template::check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_language_reads_back_as_a_project() {
        for language in LANGUAGES {
            let folder = tempfile::tempdir().unwrap();
            let template = Template::new("text-tidy", language).unwrap();
            template.write(folder.path()).unwrap();
            let project = Project::read(folder.path()).unwrap();
            assert_eq!(project.name, "text-tidy");
            assert_eq!(project.language, language);
            assert!(folder.path().join(template.source()).is_file());
            for (name, content) in template.files() {
                // Go's own `{{` is followed by a field, which begins in upper case.
                let mut places = content.split("{{").skip(1);
                let is_left = |place: &str| place.starts_with(|c: char| c.is_ascii_lowercase());
                assert!(!places.any(is_left), "{name}: {content}");
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "mine").unwrap();
        let template = Template::new("a", Language::C).unwrap();
        for taken in [folder.path(), &file] {
            let error = template.write(taken).unwrap_err();
            assert!(matches!(error, Error::Exists { .. }), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        template.write(&folder.path().join("new/folder")).unwrap();
    }
}

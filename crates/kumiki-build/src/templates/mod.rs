//! Templates for new projects that build as they are.
//!
//! The files are under `templates/`, one folder per language, with `{{name}}`
//! as the placeholder for the plugin's name. For the built-in contract, the
//! plugins of all languages do the same, so one test covers them all. For other
//! contracts, the source is a skeleton generated from the world.

mod files;

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

use files::File;

/// A new plugin project, not yet written to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    name: String,
    language: Language,
    world: String,
    kind: Kind,
}

/// What the plugin does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Processes records, singly and in batches.
    Records,
    /// Processes records and streams whole texts.
    Streaming,
    /// Implements a contract other than the built-in one.
    Other(Other),
}

/// A contract other than the built-in one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Other {
    /// The WIT files, with paths below `wit`.
    wit: Vec<(String, String)>,
    /// The skeleton's files, with the main file first.
    sources: Vec<(String, String)>,
    is_async: bool,
}

impl Template {
    /// Creates a template for a plugin of the contract `myapp:text-processor`.
    ///
    /// # Errors
    /// [`Error::Name`] unless `name` consists of lower-case letters, digits and
    /// hyphens and starts with a letter. It is also the name of the cargo
    /// package and of a file.
    pub fn new(name: &str, language: Language) -> Result<Self, Error> {
        Self::check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            language,
            world: "text-plugin-batch".to_owned(),
            kind: Kind::Records,
        })
    }

    /// Creates a template for a plugin of the same contract that also streams whole
    /// texts of any length.
    ///
    /// # Errors
    /// [`Error::Name`], as from [`Template::new`].
    pub fn streaming(name: &str, language: Language) -> Result<Self, Error> {
        Ok(Self {
            world: "text-plugin-stream".to_owned(),
            kind: Kind::Streaming,
            ..Self::new(name, language)?
        })
    }

    /// Creates a template for a plugin of the contract in `wit`, a file or a
    /// folder of WIT, which is copied into the project. `world` is optional if
    /// there is only one.
    ///
    /// # Errors
    /// [`Error::Name`], as from [`Template::new`]; [`Error::Wit`] or
    /// [`Error::WitMistake`] if the WIT cannot be read, [`Error::World`] if it
    /// has no such world or several; [`Error::Skeleton`] if the language's
    /// bindings do not support the world.
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
            kind: Kind::Other(Other {
                wit: wit_files(wit)?,
                sources,
                is_async: world::is_async(&resolve, world),
            }),
            ..template
        })
    }

    /// Checks that `name` is a valid plugin name.
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

    /// The path of the main source file in the project's folder.
    pub fn source(&self) -> &str {
        match &self.kind {
            Kind::Other(other) => other.sources.first().map_or("", |(path, _)| path),
            Kind::Records | Kind::Streaming => files::source(self.language),
        }
    }

    /// The world that the plugin exports.
    pub fn world(&self) -> &str {
        &self.world
    }

    /// Whether the plugin is for the built-in contract and works already,
    /// instead of being a skeleton.
    pub fn is_text_processor(&self) -> bool {
        !matches!(self.kind, Kind::Other(_))
    }

    /// Whether the plugin streams whole texts of the built-in contract.
    pub fn is_streaming(&self) -> bool {
        self.kind == Kind::Streaming
    }

    /// Writes the project into `folder`, which is created or must be empty.
    ///
    /// # Errors
    /// [`Error::Exists`] if the folder is not empty or is a file: nothing is
    /// overwritten.
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
            // Another program may have written a file since the check above.
            let mut file = fs::File::create_new(&path).map_err(Error::io("create", &path))?;
            file.write_all(content.as_bytes())
                .map_err(Error::io("write", &path))?;
        }
        if self.language == Language::JavaScript {
            write_declarations(&Project::read(folder)?)?;
        }
        Ok(())
    }

    /// All files, as paths and contents.
    fn files(&self) -> Vec<(String, String)> {
        let own = files::settings(self.language);
        let (sources, shared): (&[File], &[File]) = match &self.kind {
            Kind::Records => (files::records(self.language), files::RECORDS),
            Kind::Streaming => (files::streaming(self.language), files::STREAMING),
            Kind::Other(_) => (&[], files::OTHER),
        };
        let files = own.iter().chain(sources).chain(shared);
        let files = files.map(|(name, content)| ((*name).to_owned(), self.fill(content)));
        let mut files: Vec<_> = files.collect();
        if let Kind::Other(other) = &self.kind {
            files.extend(other.wit.iter().chain(&other.sources).cloned());
        }
        files
    }

    fn fill(&self, content: &str) -> String {
        content
            .replace("{{note}}", self.note())
            .replace("{{panic}}", self.panic())
            .replace("{{features}}", self.features())
            .replace("{{name}}", &self.name)
            .replace("{{source}}", self.source())
            .replace("{{world}}", &self.world)
            .replace("{{header}}", &format!("{}.h", self.world.to_snake_case()))
    }

    /// The features of wit-bindgen that a Rust plugin needs.
    fn features(&self) -> &str {
        let is_async = match &self.kind {
            Kind::Records => false,
            Kind::Streaming => true,
            Kind::Other(other) => other.is_async,
        };
        match is_async {
            true => r#""macros", "realloc", "std", "async-spawn""#,
            false => r#""macros", "realloc""#,
        }
    }

    /// What a panic is in the language, at the start of a sentence.
    fn panic(&self) -> &str {
        match self.language {
            Language::Rust | Language::Go => "A panic",
            Language::C => "A call of `kumiki_fail` or `abort`, or a failed `assert`,",
            Language::JavaScript => "An uncaught `Error`",
            Language::Python => "An uncaught exception",
        }
    }

    /// The README's note about the language.
    fn note(&self) -> &str {
        match self.language {
            Language::Rust => "Commit the `Cargo.lock` that the first build writes.",
            Language::C => {
                "Every build generates the header `{{header}}` from the WIT, in `kumiki/builds` of \
                 your cache folder. To let an editor find it, set `KUMIKI_WORK=FOLDER`: then it \
                 is in `FOLDER/{{name}}/bindings`."
            }
            Language::JavaScript => {
                "The module's imports are bundled with it: files, and packages in `node_modules`, but \
                 not Node's built-in modules. `kumiki.d.ts`, which every build generates from the \
                 WIT, and `tsconfig.json` are for your editor. To write TypeScript, rename the \
                 file to `plugin.ts` and change `entry` in `kumiki.toml`."
            }
            Language::Python => {
                "You can import modules of this folder and those of Python's standard library that \
                 are written in Python."
            }
            Language::Go => {
                "The WIT's types and functions are in the packages `wit_component/…`, which the \
                 first build generates. `go.work`, which every build writes, lets editors find \
                 them."
            }
        }
    }
}

/// The WIT files of a contract, with their paths in the project.
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

/// Whether `path` exists and is not an empty folder. A folder that cannot be
/// read counts as taken.
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
    fn plugin_names_are_checked() {
        for name in ["a", "text-tidy", "t2", "a-"] {
            assert!(Template::check_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "2a", "-a", "a_b", "a/b", "..", "a b", "é", "a\n"] {
            assert!(Template::check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn template_of_every_language_is_a_valid_project() {
        let kinds = [Template::new, Template::streaming];
        for (language, kind) in LANGUAGES
            .into_iter()
            .flat_map(|it| kinds.map(|kind| (it, kind)))
        {
            let folder = tempfile::tempdir().unwrap();
            let template = kind("text-tidy", language).unwrap();
            template.write(folder.path()).unwrap();
            let project = Project::read(folder.path()).unwrap();
            assert_eq!(project.name, "text-tidy");
            assert_eq!(project.language, language);
            assert!(folder.path().join(template.source()).is_file());
            for (name, content) in template.files() {
                // In Go, `{{` can start a composite literal, followed by a
                // field name in upper case.
                let mut places = content.split("{{").skip(1);
                let is_left = |place: &str| place.starts_with(|c: char| c.is_ascii_lowercase());
                assert!(!places.any(is_left), "{name}: {content}");
            }
        }
    }

    #[test]
    fn write_refuses_existing_files() {
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

//! Projects: folders with a `kumiki.toml`.
//!
//! ```toml
//! name = "text-upper"               # the component's name
//! language = "rust"                 # rust, c, javascript, python or go
//! wit = "../../wit/text-processor"  # the contract, relative to this file
//! world = "text-plugin"             # the world that the plugin exports
//!
//! [build]                           # optional
//! wasi = false                      # may it import WASI? Rust: default true, or "preview1"
//! engine = "quickjs"                # JavaScript: "quickjs" or "starlingmonkey"
//! entry = "plugin.js"               # JavaScript, Python: the plugin's module; TypeScript: "plugin.ts"
//!
//! [requests.dirs]                   # optional: what it requests, and why
//! "/words:ro" = "the word list for corrections"
//! [requests.env]
//! LANG = "the language of its messages"
//! [requests.net]
//! "api.example.com:443" = "looks up unknown words"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use wit_parser::{Resolve, WorldId};

use crate::error::Error;
use crate::reading::read_text;
use crate::requests::RequestsTable;
use crate::wit_faults::invalid_names;
use crate::world;

/// The language that a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// A cargo package with crate type `cdylib`.
    Rust,
    /// C, with the bindings of wit-bindgen.
    C,
    /// An ES module and its imports, in JavaScript or TypeScript.
    JavaScript,
    /// One Python module.
    Python,
    /// A Go module with one package.
    Go,
}

/// The JavaScript engine inside the component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JavaScriptEngine {
    /// Small and fast to start.
    #[default]
    QuickJs,
    /// Firefox's engine: larger, with more web APIs.
    StarlingMonkey,
}

/// The version of WASI that a plugin may import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wasi {
    /// None: the component imports only its contract.
    #[default]
    None,
    /// Preview 1, through the adapter, for older toolchains.
    Preview1,
    /// WASI 0.2.
    Preview2,
}

/// A plugin project, as described by its `kumiki.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The component's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The language it is written in.
    pub language: Language,
    /// The folder of the `kumiki.toml`.
    pub folder: PathBuf,
    /// The contract's WIT, a folder or a file. Relative to this process's
    /// working directory, not to `folder`.
    pub wit: PathBuf,
    /// The world of the contract.
    pub world: String,
    /// The version of WASI that it may import.
    pub wasi: Wasi,
    /// The engine, for JavaScript.
    pub engine: JavaScriptEngine,
    /// The path of its module in `folder`, for JavaScript and Python.
    pub entry: PathBuf,
    /// What it requests from the host, and why, as the text that is stored in
    /// its component; empty if it requests nothing.
    pub requests: String,
}

/// The deserialised `kumiki.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    language: Language,
    wit: Spanned<PathBuf>,
    world: Spanned<String>,
    #[serde(default)]
    build: BuildTable,
    #[serde(default)]
    requests: RequestsTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildTable {
    wasi: Option<Spanned<toml::Value>>,
    engine: Option<Spanned<JavaScriptEngine>>,
    entry: Option<Spanned<PathBuf>>,
}

/// An error at a byte offset of the text.
struct Fault {
    at: Option<usize>,
    message: String,
    /// How to fix it, if more is known than the keys.
    hint: Option<String>,
}

impl Project {
    /// Finds mistakes in the project's WIT: all names that WIT does not allow, or, without
    /// any, why the WIT cannot be used.
    pub fn wit_faults(&self) -> Vec<Error> {
        let names = invalid_names(&self.wit);
        if !names.is_empty() {
            return names;
        }
        self.resolve().err().into_iter().collect()
    }

    /// Reads the project's WIT and finds its world.
    pub(crate) fn resolve(&self) -> Result<(Resolve, WorldId), Error> {
        world::read(&self.wit, Some(&self.world))
    }

    /// Reads the `kumiki.toml` of `folder`.
    ///
    /// # Errors
    /// [`Error::Project`], with the file, the line and what is expected there.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("kumiki.toml");
        let text = read_text(&path)?;
        Self::parse(folder, &text).map_err(|Fault { at, message, hint }| Error::Project {
            path,
            line: at.map(|at| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()),
            message,
            hint,
        })
    }

    fn parse(folder: &Path, text: &str) -> Result<Self, Fault> {
        let file: File = toml::from_str(text).map_err(|error| Fault {
            at: error.span().map(|span| span.start),
            message: error.message().trim_end().replace('\n', ", "),
            hint: error.span().and_then(|span| unquoted(text, span.start)),
        })?;
        let File {
            name,
            language,
            wit,
            world,
            build,
            requests,
        } = file;

        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.as_ref().is_empty() || !name.as_ref().chars().all(plain) {
            let given = name.as_ref();
            let message =
                format!("name `{given}`: only lower-case letters, digits and hyphens are allowed");
            return Err(fault(&name, message));
        }
        let wit_path = folder.join(wit.as_ref());
        if !wit_path.exists() {
            return Err(fault(
                &wit,
                format!("wit `{}` does not exist", wit.as_ref().display()),
            ));
        }
        if world.as_ref().is_empty() {
            return Err(fault(
                &world,
                "world is empty; expected a name such as `text-plugin`",
            ));
        }
        build.check_language(language)?;
        if let Some(what) = requests.without_reason() {
            let message = format!("request `{}` has no reason", what.as_ref());
            return Err(fault(what, message));
        }

        Ok(Self {
            name: name.into_inner(),
            language,
            folder: folder.to_owned(),
            wit: wit_path,
            world: world.into_inner(),
            wasi: build.wasi(language)?,
            engine: build.engine.map(Spanned::into_inner).unwrap_or_default(),
            entry: match build.entry {
                Some(entry) => entry.into_inner(),
                None => PathBuf::from(language.default_entry()),
            },
            requests: requests.text().map_err(|error| Fault {
                at: None,
                message: error.to_string(),
                hint: None,
            })?,
        })
    }
}

impl Language {
    fn default_entry(self) -> &'static str {
        match self {
            Language::JavaScript => "plugin.js",
            Language::Python => "plugin.py",
            Language::Rust | Language::C | Language::Go => "",
        }
    }

    /// The name that `kumiki.toml` uses.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::C => "c",
            Language::JavaScript => "javascript",
            Language::Python => "python",
            Language::Go => "go",
        }
    }
}

impl BuildTable {
    /// Rejects options that do not apply to the language: they are mistakes of
    /// the author.
    fn check_language(&self, language: Language) -> Result<(), Fault> {
        use Language::{Go, JavaScript, Python, Rust};
        let BuildTable {
            wasi,
            engine,
            entry,
        } = self;
        let options: [(&str, Option<usize>, &[Language]); 3] = [
            (
                "wasi",
                wasi.as_ref().map(|value| value.span().start),
                &[Rust, JavaScript, Python, Go],
            ),
            (
                "engine",
                engine.as_ref().map(|value| value.span().start),
                &[JavaScript],
            ),
            (
                "entry",
                entry.as_ref().map(|value| value.span().start),
                &[JavaScript, Python],
            ),
        ];
        for (name, at, languages) in options {
            if at.is_some() && !languages.contains(&language) {
                let accepted: Vec<_> = languages.iter().map(|language| language.name()).collect();
                let accepted = accepted.join(", ");
                let message = format!(
                    "`{name}` does not apply to language `{}`, only to {accepted}",
                    language.name()
                );
                return Err(Fault {
                    at,
                    message,
                    hint: None,
                });
            }
        }
        Ok(())
    }

    fn wasi(&self, language: Language) -> Result<Wasi, Fault> {
        let Some(value) = &self.wasi else {
            // Rust's std expects a system interface; the runtimes of the other
            // languages work without one.
            return Ok(match language {
                Language::Rust => Wasi::Preview2,
                _ => Wasi::None,
            });
        };
        match value.as_ref() {
            toml::Value::Boolean(false) => Ok(Wasi::None),
            toml::Value::Boolean(true) => Ok(Wasi::Preview2),
            toml::Value::String(text) if text == "preview1" && language == Language::Rust => {
                Ok(Wasi::Preview1)
            }
            other => Err(fault(
                value,
                format!(
                    "wasi `{}`: expected `true`, `false` or, for rust, `\"preview1\"`",
                    other.to_string().trim_matches('"')
                ),
            )),
        }
    }
}

/// The hint for a line `key = text` at this offset that lacks the quotes.
fn unquoted(text: &str, at: usize) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let (key, value) = text[start..].lines().next()?.split_once('=')?;
    let value = value.split('#').next().unwrap_or_default().trim();
    let is_text = value.starts_with(|c: char| c.is_alphabetic() || matches!(c, '.' | '/'))
        && !value.contains(['"', '\'', '\\'])
        && !matches!(value, "true" | "false" | "inf" | "nan");
    is_text.then(|| format!("write text in quotes: `{} = \"{value}\"`", key.trim()))
}

fn fault<T>(value: &Spanned<T>, message: impl Into<String>) -> Fault {
    Fault {
        at: Some(value.span().start),
        message: message.into(),
        hint: None,
    }
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;

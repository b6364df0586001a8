//! The grants file, `kumiki-grants.toml`: grants for all plugins and for single ones.
//!
//! ```toml
//! [all]
//! env = ["LANG", "MODE=fast"]
//!
//! [plugin."text-upper"]              # or "./plugins/text-upper.wasm", "blake3:…"
//! dirs = ["./data::/data:ro"]
//! args = ["--strict"]
//! net = ["api.example.com:443"]
//! clocks = "coarse"
//! random = "seeded:42"
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use super::{GrantError, Grants, PluginName};
use crate::{Error, Result};

/// A grants file: grants for all plugins, and for single plugins by [`PluginName`] (file
/// name, path or hash).
///
/// The grants of all matching entries are merged. For the same guest path or variable,
/// and for clocks and randomness, the more specific entry takes precedence: hash, then
/// path, then file name, then `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantsFile {
    all: Grants,
    plugins: BTreeMap<PluginName, Grants>,
}

impl GrantsFile {
    /// Reads a grants file. Relative host paths in it are relative to the file's folder.
    ///
    /// # Errors
    /// [`Error::GrantsFile`], with the line number for text that does not parse.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| Error::GrantsFile {
            path: path.to_owned(),
            line: None,
            message: source.to_string(),
        })?;
        Self::parse(path, &text)
    }

    /// Parses the text of a grants file. `path`, which need not exist, appears in errors,
    /// and relative host paths are relative to its folder.
    ///
    /// # Errors
    /// [`Error::GrantsFile`], with the line number for text that does not parse.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self> {
        let path = path.as_ref();
        let base = path.parent().unwrap_or(Path::new(""));
        Self::parse_with_base(text, base).map_err(|error| Error::GrantsFile {
            path: path.to_owned(),
            line: error.span.map(|span| {
                let before = text.bytes().take(span.start);
                1 + before.filter(|byte| *byte == b'\n').count()
            }),
            message: error.message,
        })
    }

    /// Returns the grants of the plugin in this file, by the file's name and path. Grants
    /// by hash are not included: see [`GrantsFile::grants_of_component`].
    ///
    /// A file name matches all files of that name: a program should refuse to load two of
    /// them.
    #[must_use]
    pub fn grants_of(&self, plugin: impl AsRef<Path>) -> Grants {
        // Ordered from the least to the most specific name.
        let names = self.plugins.iter();
        let own = names.filter(|(name, _)| name.is_of_file(plugin.as_ref()));
        own.fold(self.all.clone(), |grants, (_, own)| grants.merge(own))
    }

    /// Like [`GrantsFile::grants_of`], with the grants by the hash of `bytes`. Load the
    /// same bytes with [`Host::load_bytes`](crate::Host::load_bytes), because the file may
    /// have changed since they were read.
    #[must_use]
    pub fn grants_of_component(&self, plugin: impl AsRef<Path>, bytes: &[u8]) -> Grants {
        let grants = self.grants_of(plugin);
        match self.plugins.get(&PluginName::of_bytes(bytes)) {
            Some(own) => grants.merge(own),
            None => grants,
        }
    }

    /// Adds grants for the plugin of this name to its existing ones.
    #[must_use]
    pub fn with_plugin(mut self, name: PluginName, grants: &Grants) -> Self {
        let own = self.plugins.entry(name).or_default();
        *own = std::mem::take(own).merge(grants);
        self
    }

    /// Iterates over the names of plugins in the file.
    pub fn plugins(&self) -> impl Iterator<Item = &PluginName> {
        self.plugins.keys()
    }

    fn parse_with_base(file_text: &str, base: &Path) -> Result<Self, ParseError> {
        let File { all, plugin } = toml::from_str(file_text).map_err(|error| ParseError {
            span: error.span(),
            message: error.message().trim_end().replace('\n', ", "),
        })?;
        let all = all.grants()?.relative_to(base);
        let mut file = Self {
            all,
            plugins: BTreeMap::new(),
        };
        for (text, table) in plugin {
            let name = PluginName::parse(&text, base).map_err(|message| ParseError {
                span: span_of(file_text, &text),
                message,
            })?;
            // Two keys may name the same hash, in upper and in lower case.
            file = file.with_plugin(name, &table.grants()?.relative_to(base));
        }
        Ok(file)
    }
}

/// Writes the TOML that [`GrantsFile::parse`] reads, except for paths that are not UTF-8
/// or contain `::`, which it cannot represent.
impl fmt::Display for GrantsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let plugins = self.plugins.iter();
        let plugins =
            plugins.map(|(name, own)| (format!("plugin.{}", key(&name.to_string())), own));
        let all = ("all".to_owned(), &self.all);
        let all = std::iter::once(all).filter(|(_, all)| **all != Grants::default());
        for (heading, grants) in all.chain(plugins) {
            writeln!(f, "{separator}[{heading}]")?;
            separator = "\n";
            write_list(f, "dirs", grants.folders())?;
            write_list(f, "env", grants.variables())?;
            write_list(f, "args", grants.arguments())?;
            write_list(f, "net", grants.network())?;
            if let Some(clocks) = grants.clocks {
                writeln!(f, "clocks = \"{clocks}\"")?;
            }
            if let Some(randomness) = grants.randomness {
                writeln!(f, "random = \"{randomness}\"")?;
            }
        }
        Ok(())
    }
}

/// Returns a name as a TOML key, quoted unless it is a bare key.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Maximum bytes of a list that is written on one line.
const MAX_LINE: usize = 1000;

fn write_list(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    items: impl Iterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let items: Vec<_> = items.map(|item| quoted(&item.to_string())).collect();
    if items.is_empty() {
        return Ok(());
    }
    let line = items.join(", ");
    if line.len() <= MAX_LINE {
        return writeln!(f, "{name} = [{line}]");
    }
    writeln!(f, "{name} = [")?;
    for item in items {
        writeln!(f, "    {item},")?;
    }
    writeln!(f, "]")
}

/// Returns the position of a name in the file.
fn span_of(file: &str, name: &str) -> Option<Range<usize>> {
    let start = file.find(name)?;
    Some(start..start + name.len())
}

/// An error and its position in the text.
#[derive(Debug)]
struct ParseError {
    span: Option<Range<usize>>,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    all: Table,
    #[serde(default)]
    plugin: BTreeMap<String, Table>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    dirs: Vec<Spanned<String>>,
    env: Vec<Spanned<String>>,
    args: Vec<String>,
    net: Vec<Spanned<String>>,
    clocks: Option<Spanned<String>>,
    random: Option<Spanned<String>>,
}

impl Table {
    fn grants(self) -> Result<Grants, ParseError> {
        let mut grants = Grants::default();
        for folder in &self.dirs {
            grants = grants.with_folder(parse_item(folder)?);
        }
        for variable in &self.env {
            grants = grants.with_variable(parse_item(variable)?);
        }
        for argument in self.args {
            grants = grants.with_argument(argument);
        }
        for network in &self.net {
            grants = grants.with_network(parse_item(network)?);
        }
        if let Some(clocks) = &self.clocks {
            grants = grants.with_clocks(parse_item(clocks)?);
        }
        if let Some(randomness) = &self.random {
            grants = grants.with_randomness(parse_item(randomness)?);
        }
        Ok(grants)
    }
}

fn parse_item<T: FromStr<Err = GrantError>>(text: &Spanned<String>) -> Result<T, ParseError> {
    text.as_ref()
        .parse()
        .map_err(|error: GrantError| ParseError {
            span: Some(text.span()),
            message: format!("{error}; {}", error.hint),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clocks, FolderGrant, Randomness, VariableGrant};

    #[test]
    fn grants_file_round_trips() {
        let text = r#"
            [all]
            env = ["MODE=slow", "A=1"]
            clocks = "frozen"
            [plugin.text-upper]
            dirs = ["data::/data:rw", "/abs"]
            env = ["MODE=fast"]
            args = ["a b", ""]
            net = ["example.com:443"]
            random = "seeded:7"
            [plugin."a b"]
        "#;
        let file = GrantsFile::parse_with_base(text, Path::new("base")).unwrap();
        let all = Grants::default()
            .with_variable(VariableGrant::new("MODE", "slow").unwrap())
            .with_variable(VariableGrant::new("A", "1").unwrap())
            .with_clocks(Clocks::Frozen);
        let own = Grants::default()
            .with_folder(FolderGrant::read_write("base/data", "/data"))
            .with_folder(FolderGrant::read_only("/abs", "/abs"))
            .with_variable(VariableGrant::new("MODE", "fast").unwrap())
            .with_argument("a b")
            .with_argument("")
            .with_network("example.com:443".parse().unwrap())
            .with_randomness(Randomness::Seeded(7));
        assert_eq!(
            file.grants_of("else/text-upper.wasm"),
            all.clone().merge(&own)
        );
        assert_eq!(file.grants_of("text-upper"), all.clone().merge(&own));
        assert_eq!(file.grants_of("a b.wasm"), all);
        assert_eq!(file.grants_of("other.wasm"), all);
        let names: Vec<_> = file.plugins().map(ToString::to_string).collect();
        assert_eq!(names, ["a b", "text-upper"]);
        let written = file.to_string();
        assert_eq!(
            GrantsFile::parse_with_base(&written, Path::new("")).unwrap(),
            file
        );
        let empty = GrantsFile::parse_with_base("", Path::new("")).unwrap();
        assert_eq!(empty.to_string(), "");
        assert_eq!(empty.grants_of("x.wasm"), Grants::default());
    }

    #[test]
    fn more_specific_names_take_precedence() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("other")).unwrap();
        for name in ["a.wasm", "other/a.wasm"] {
            std::fs::write(at(name), name).unwrap();
        }
        let hash = blake3::hash(b"a.wasm");
        let text = format!(
            "[all]\nenv = ['A=all', 'B=all', 'C=all', 'D=all']\n\
             [plugin.a]\nenv = ['B=stem', 'C=stem', 'D=stem']\n\
             [plugin.'./a.wasm']\nenv = ['C=path', 'D=path']\n\
             [plugin.'BLAKE3']\nenv = ['X=1']\n\
             [plugin.'blake3:{}']\nenv = ['D=hash']\n",
            hash.to_string().to_uppercase()
        );
        let file = GrantsFile::parse_with_base(&text, folder.path()).unwrap();
        let written = file.to_string();
        assert_eq!(
            GrantsFile::parse_with_base(&written, Path::new("")).unwrap(),
            file
        );
        let values = |grants: Grants| {
            let variables = grants.variables().map(ToString::to_string);
            variables.collect::<Vec<_>>().join(" ")
        };
        let by_file = |name: &str| values(file.grants_of(at(name)));
        assert_eq!(by_file("a.wasm"), "A=all B=stem C=path D=path");
        assert_eq!(by_file("./other/../a.wasm"), "A=all B=stem C=path D=path");
        assert_eq!(by_file("other/a.wasm"), "A=all B=stem C=stem D=stem");
        assert_eq!(by_file("none.wasm"), "A=all B=all C=all D=all");
        let by_bytes = |name: &str, bytes: &[u8]| values(file.grants_of_component(at(name), bytes));
        // A hash matches the bytes, whatever file they are said to come from.
        assert_eq!(by_bytes("none.wasm", b"a.wasm"), "A=all B=all C=all D=hash");
        assert_eq!(by_bytes("a.wasm", b"a.wasm"), "A=all B=stem C=path D=hash");
        assert_eq!(by_bytes("a.wasm", b"other"), "A=all B=stem C=path D=path");
    }

    #[test]
    fn parse_errors_have_a_position() {
        for (text, at, message) in [
            (
                "[all]\ndir = []",
                "dir",
                "expected one of `dirs`, `env`, `args`, `net`, `clocks`, `random`",
            ),
            ("[any]", "any", "expected `all` or `plugin`"),
            ("[plugin.x]\nenv = 'A'", "'A'", "expected a sequence"),
            ("[plugin.x]\ndirs = [1]", "1", "expected a string"),
            (
                "[all]\ndirs = ['a', 'b:wr']",
                "'b:wr'",
                "neither `ro` nor `rw`",
            ),
            ("[all]\nenv = ['=']", "'='", "the name is empty"),
            ("[all]\nnet = ['x']", "'x'", "there is no port"),
            (
                "[all]\nclocks = 'slow'",
                "'slow'",
                "`real`, `coarse` or `frozen`",
            ),
            ("[all]\nrandom = 'seeded'", "'seeded'", "seeded:42"),
            (
                "[all]\n[plugin.'blake3:12']",
                "blake3:12",
                "a BLAKE3 hash has 64",
            ),
            ("[all", "[all", "unclosed table"),
        ] {
            let error = GrantsFile::parse_with_base(text, Path::new("")).unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            let range = error.span.unwrap_or_default();
            assert!(
                text[range.start..].starts_with(at) || at == "[all",
                "{text}: {range:?}"
            );
        }
    }
}

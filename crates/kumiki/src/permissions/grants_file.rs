//! A `kumiki-grants.toml`: what all plugins may reach, and what one may.
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

/// Grants as a file keeps them: for all plugins, and for each by a
/// [`PluginName`]: its file's name, its file's path, or its hash.
///
/// What is said in several places adds up. Where it is about the same guest
/// path or variable, or about clocks or randomness, the more exact name counts:
/// a hash before a path, a path before a file's name, that before all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantsFile {
    all: Grants,
    plugins: BTreeMap<PluginName, Grants>,
}

impl GrantsFile {
    /// Reads a file. Relative paths of the host in it are taken from the
    /// folder that it lies in.
    ///
    /// # Errors
    /// [`Error::GrantsFile`] with the line of what is not understood.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| Error::GrantsFile {
            path: path.to_owned(),
            line: None,
            message: source.to_string(),
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file that lies, or might lie, at `path`: an error
    /// calls it so, and relative paths of the host are taken from its folder.
    ///
    /// # Errors
    /// [`Error::GrantsFile`] with the line of what is not understood.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self> {
        let path = path.as_ref();
        let base = path.parent().unwrap_or(Path::new(""));
        Self::understand(text, base).map_err(|fault| Error::GrantsFile {
            path: path.to_owned(),
            line: fault.at.map(|at| {
                let before = text.bytes().take(at.start);
                1 + before.filter(|byte| *byte == b'\n').count()
            }),
            message: fault.message,
        })
    }

    /// What the plugin in this file may reach, by the file's name and path. What
    /// is granted to a hash is left out: see [`GrantsFile::grants_of_component`].
    ///
    /// Two files of the same name are both meant by it: a program that loads
    /// both should refuse to.
    #[must_use]
    pub fn grants_of(&self, plugin: impl AsRef<Path>) -> Grants {
        // The names are in the order of their exactness.
        let names = self.plugins.iter();
        let own = names.filter(|(name, _)| name.is_of_file(plugin.as_ref()));
        own.fold(self.all.clone(), |grants, (_, own)| grants.merge(own))
    }

    /// The same, and what is granted to the hash of `bytes`. Load these very
    /// bytes, with [`Host::load_bytes`](crate::Host::load_bytes): the file may
    /// have changed since they were read.
    #[must_use]
    pub fn grants_of_component(&self, plugin: impl AsRef<Path>, bytes: &[u8]) -> Grants {
        let grants = self.grants_of(plugin);
        match self.plugins.get(&PluginName::of_bytes(bytes)) {
            Some(own) => grants.merge(own),
            None => grants,
        }
    }

    /// The same file, with grants to the plugin of this name beside what is
    /// said of it already.
    #[must_use]
    pub fn with_plugin(mut self, name: PluginName, grants: &Grants) -> Self {
        let own = self.plugins.entry(name).or_default();
        *own = std::mem::take(own).merge(grants);
        self
    }

    /// The plugins that it names.
    pub fn plugins(&self) -> impl Iterator<Item = &PluginName> {
        self.plugins.keys()
    }

    fn understand(text_of_file: &str, base: &Path) -> Result<Self, Fault> {
        let File { all, plugin } = toml::from_str(text_of_file).map_err(|error| Fault {
            at: error.span(),
            message: error.message().trim_end().replace('\n', ", "),
        })?;
        let all = all.grants()?.relative_to(base);
        let mut file = Self {
            all,
            plugins: BTreeMap::new(),
        };
        for (text, table) in plugin {
            let name = PluginName::read(&text, base).map_err(|message| Fault {
                at: text_at(text_of_file, &text),
                message,
            })?;
            // A hash may be written in two ways.
            file = file.with_plugin(name, &table.grants()?.relative_to(base));
        }
        Ok(file)
    }
}

/// As it is read. A path that is not UTF-8, or has `::` in it, is written as
/// something else.
impl fmt::Display for GrantsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blank = "";
        let plugins = self.plugins.iter();
        let plugins =
            plugins.map(|(name, own)| (format!("plugin.{}", key(&name.to_string())), own));
        let all = ("all".to_owned(), &self.all);
        let all = std::iter::once(all).filter(|(_, all)| **all != Grants::default());
        for (heading, grants) in all.chain(plugins) {
            writeln!(f, "{blank}[{heading}]")?;
            blank = "\n";
            list(f, "dirs", grants.folders())?;
            list(f, "env", grants.variables())?;
            list(f, "args", grants.arguments())?;
            list(f, "net", grants.network())?;
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

/// A name as a key of TOML, which takes some as they are.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The longest list on one line, in bytes.
const LINE: usize = 1000;

fn list(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    items: impl Iterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let items: Vec<_> = items.map(|item| quoted(&item.to_string())).collect();
    if items.is_empty() {
        return Ok(());
    }
    let line = items.join(", ");
    if line.len() <= LINE {
        return writeln!(f, "{name} = [{line}]");
    }
    writeln!(f, "{name} = [")?;
    for item in items {
        writeln!(f, "    {item},")?;
    }
    writeln!(f, "]")
}

/// Where a name stands.
fn text_at(file: &str, name: &str) -> Option<Range<usize>> {
    let start = file.find(name)?;
    Some(start..start + name.len())
}

/// A fault at a place in the text.
#[derive(Debug)]
struct Fault {
    at: Option<Range<usize>>,
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
    fn grants(self) -> Result<Grants, Fault> {
        let mut grants = Grants::default();
        for folder in &self.dirs {
            grants = grants.with_folder(item(folder)?);
        }
        for variable in &self.env {
            grants = grants.with_variable(item(variable)?);
        }
        for argument in self.args {
            grants = grants.with_argument(argument);
        }
        for network in &self.net {
            grants = grants.with_network(item(network)?);
        }
        if let Some(clocks) = &self.clocks {
            grants = grants.with_clocks(item(clocks)?);
        }
        if let Some(randomness) = &self.random {
            grants = grants.with_randomness(item(randomness)?);
        }
        Ok(grants)
    }
}

fn item<T: FromStr<Err = GrantError>>(text: &Spanned<String>) -> Result<T, Fault> {
    text.as_ref().parse().map_err(|error: GrantError| Fault {
        at: Some(text.span()),
        message: format!("{error}; {}", error.hint),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clocks, FolderGrant, Randomness, VariableGrant};

    #[test]
    fn a_file_with_everything() {
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
        let file = GrantsFile::understand(text, Path::new("base")).unwrap();
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
            GrantsFile::understand(&written, Path::new("")).unwrap(),
            file
        );
        let empty = GrantsFile::understand("", Path::new("")).unwrap();
        assert_eq!(empty.to_string(), "");
        assert_eq!(empty.grants_of("x.wasm"), Grants::default());
    }

    #[test]
    fn the_more_exact_name_counts() {
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
        let file = GrantsFile::understand(&text, folder.path()).unwrap();
        let written = file.to_string();
        assert_eq!(
            GrantsFile::understand(&written, Path::new("")).unwrap(),
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
        // The bytes count, not the file that they are said to be of.
        assert_eq!(by_bytes("none.wasm", b"a.wasm"), "A=all B=all C=all D=hash");
        assert_eq!(by_bytes("a.wasm", b"a.wasm"), "A=all B=stem C=path D=hash");
        assert_eq!(by_bytes("a.wasm", b"other"), "A=all B=stem C=path D=path");
    }

    #[test]
    fn what_is_not_understood_is_named() {
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
            let fault = GrantsFile::understand(text, Path::new("")).unwrap_err();
            assert!(fault.message.contains(message), "{text}: {}", fault.message);
            let range = fault.at.unwrap_or_default();
            assert!(
                text[range.start..].starts_with(at) || at == "[all",
                "{text}: {range:?}"
            );
        }
    }
}

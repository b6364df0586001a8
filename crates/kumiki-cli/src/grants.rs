//! Grants of each plugin in a run, from the grants file and the command line. The
//! command line takes precedence.

use std::env;
use std::path::{Path, PathBuf};

use kumiki::{Contract, Grants, GrantsFile, Host, PluginName};

use crate::arguments::GrantArguments;
use crate::failure::Failure;

/// The grants of a run.
pub(crate) struct RunGrants {
    file: GrantsFile,
    /// Grants of the command line, for all plugins.
    all: Grants,
    /// Whether plugins are granted everything they request.
    pub(crate) allow_requested: bool,
}

impl RunGrants {
    /// Reads the grants file, if one is named, and the flags.
    pub(crate) fn read(arguments: &GrantArguments) -> Result<Self, Failure> {
        let file = match &arguments.grants {
            Some(path) => GrantsFile::read(path).map_err(grant_failure)?,
            None => GrantsFile::default(),
        };
        Ok(Self {
            file,
            all: from_flags(arguments),
            allow_requested: arguments.allow_requested,
        })
    }

    /// Names in `--allow-env` of variables that are not set here.
    pub(crate) fn unset_variables(arguments: &GrantArguments) -> impl Iterator<Item = String> {
        let names = arguments.allow_env.iter().map(ToString::to_string);
        names.filter(|name| !name.contains('=') && env::var_os(name).is_none())
    }

    /// Opens the folders that the command line grants, each with one handle for all
    /// plugins.
    pub(crate) fn opened(self) -> Result<Self, Failure> {
        let all = self.all.opened().map_err(grant_failure)?;
        Ok(Self { all, ..self })
    }

    /// Also grants this to all plugins from now on. Does nothing if the grants file
    /// names a plugin by hash, whose grants are for those bytes only.
    pub(crate) fn keep(&mut self, grants: &Grants) {
        if !self.file.plugins().any(is_hash) {
            self.all = std::mem::take(&mut self.all).merge(grants);
        }
    }

    /// Returns the grants of a plugin. `bytes` are its file's contents, if
    /// [`RunGrants::bytes_of`] has read them.
    pub(crate) fn of(&self, plugin: &Path, bytes: Option<&[u8]>) -> Grants {
        let file = match bytes {
            Some(bytes) => self.file.grants_of_component(plugin, bytes),
            None => self.file.grants_of(plugin),
        };
        file.merge(&self.all)
    }

    /// Reads a plugin that the grants file names by hash. These bytes must then be
    /// loaded, even if the file changes. Reads nothing if the grants file has no
    /// hashes. Read errors are reported by loading.
    pub(crate) fn bytes_of(&self, host: &Host<impl Contract>, plugin: &Path) -> Option<Vec<u8>> {
        if !self.file.plugins().any(is_hash) {
            return None;
        }
        let bytes = host.read(plugin).ok()?;
        let name = PluginName::of_bytes(&bytes);
        self.file
            .plugins()
            .any(|named| *named == name)
            .then_some(bytes)
    }

    /// Rejects a name that matches two plugins, because one could get grants that are
    /// meant for the other.
    pub(crate) fn check_names(&self, plugins: &[PathBuf]) -> Result<(), Failure> {
        for name in self.file.plugins() {
            if !matches!(name, PluginName::Stem(_)) {
                continue;
            }
            let mut meant = plugins.iter().filter(|plugin| name.is_of_file(plugin));
            let Some(first) = meant.next() else { continue };
            let Some(other) = meant.find(|other| !is_same(first, other)) else {
                continue;
            };
            let (first, other) = (first.display(), other.display());
            return Err(Failure::usage(
                format!("the grants of `{name}` could be for `{first}` or for `{other}`"),
                "name the plugin by its path or hash in the grants file: \
                 `[plugin.\"./FOLDER/FILE.wasm\"]`, `[plugin.\"blake3:HASH\"]`",
            ));
        }
        Ok(())
    }

    /// Names in the grants file that match none of these plugins, such as a misspelled
    /// name, which would silently grant nothing.
    pub(crate) fn unknown(
        &self,
        host: &Host<impl Contract>,
        plugins: &[PathBuf],
    ) -> Vec<&PluginName> {
        let hashes: Vec<_> = plugins
            .iter()
            .filter_map(|plugin| self.bytes_of(host, plugin))
            .map(|bytes| PluginName::of_bytes(&bytes))
            .collect();
        let is_known = |name: &PluginName| {
            hashes.contains(name) || plugins.iter().any(|plugin| name.is_of_file(plugin))
        };
        let names = self.file.plugins();
        names.filter(|name| !is_known(name)).collect()
    }
}

fn is_hash(name: &PluginName) -> bool {
    matches!(name, PluginName::Hash(_))
}

/// Whether both paths are the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    PluginName::Path(one.to_owned()).is_of_file(other)
}

/// The grants on the command line.
fn from_flags(arguments: &GrantArguments) -> Grants {
    let GrantArguments {
        allow_dir,
        allow_env,
        allow_arg,
        allow_net,
        clocks,
        random,
        grants: _,
        allow_requested: _,
    } = arguments;
    let mut grants = Grants::default();
    for folder in allow_dir {
        grants = grants.with_folder(folder.clone());
    }
    for variable in allow_env {
        grants = grants.with_variable(variable.clone());
    }
    for argument in allow_arg {
        grants = grants.with_argument(argument);
    }
    for network in allow_net {
        grants = grants.with_network(network.clone());
    }
    if let Some(clocks) = clocks {
        grants = grants.with_clocks(*clocks);
    }
    if let Some(randomness) = random {
        grants = grants.with_randomness(*randomness);
    }
    grants
}

/// An error in a grant: exit code 2.
pub(crate) fn grant_failure(error: kumiki::Error) -> Failure {
    let hint = match &error {
        kumiki::Error::Grant(kumiki::GrantError {
            instead: Some(grant),
            ..
        }) => format!("grant the folder that it leads to: `--allow-dir {grant}`"),
        _ => error.hint().unwrap_or_default(),
    };
    Failure::usage(error.to_string(), hint)
}

//! What each plugin of a run is granted: what the file says, then the command
//! line, which counts where both speak of the same.

use std::env;
use std::path::{Path, PathBuf};

use kumiki::{Grants, GrantsFile, PluginName};
use kumiki_text::TextHost;

use crate::arguments::GrantArguments;
use crate::failure::Failure;

/// The grants of a run.
pub(crate) struct RunGrants {
    file: GrantsFile,
    all: Grants,
    /// Whether plugins get what they request.
    pub(crate) allow_requested: bool,
}

impl RunGrants {
    /// Reads the file, if one is named.
    pub(crate) fn read(arguments: &GrantArguments) -> Result<Self, Failure> {
        let file = match &arguments.grants {
            Some(path) => GrantsFile::read(path).map_err(grant_failure)?,
            None => GrantsFile::default(),
        };
        Ok(Self {
            file,
            all: said(arguments),
            allow_requested: arguments.allow_requested,
        })
    }

    /// The variables that `--allow-env` names and that have no value here.
    pub(crate) fn unset_variables(arguments: &GrantArguments) -> impl Iterator<Item = String> {
        let names = arguments.allow_env.iter().map(ToString::to_string);
        names.filter(|name| !name.contains('=') && env::var_os(name).is_none())
    }

    /// The same, for a run: the folders that the command line grants are open,
    /// one handle each for all plugins.
    pub(crate) fn opened(self) -> Result<Self, Failure> {
        let all = self.all.opened().map_err(grant_failure)?;
        Ok(Self { all, ..self })
    }

    /// What the plugin in a file is granted that consists of `bytes`, where
    /// [`RunGrants::bytes_of`] has read them.
    pub(crate) fn of(&self, plugin: &Path, bytes: Option<&[u8]>) -> Grants {
        let file = match bytes {
            Some(bytes) => self.file.grants_of_component(plugin, bytes),
            None => self.file.grants_of(plugin),
        };
        file.and(&self.all)
    }

    /// The bytes of a plugin that the file names by its hash: these are to be
    /// loaded, whatever becomes of the file. No plugin is read where the file
    /// names none so. What cannot be read is left for loading to say.
    pub(crate) fn bytes_of(&self, host: &TextHost, plugin: &Path) -> Option<Vec<u8>> {
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

    /// Refuses a name that two of these plugins have: a stranger's file would
    /// be granted what another is meant to have.
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
                "name the plugin by its path or by its hash in the file of grants: \
                 `[plugin.\"./FOLDER/FILE.wasm\"]`, `[plugin.\"blake3:HASH\"]`",
            ));
        }
        Ok(())
    }

    /// The plugins that the file names and that are not among these: a name
    /// mistyped there would deny in silence.
    pub(crate) fn unknown(&self, host: &TextHost, plugins: &[PathBuf]) -> Vec<&PluginName> {
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

/// Whether both are the same file, whatever they are called.
fn is_same(one: &Path, other: &Path) -> bool {
    PluginName::Path(one.to_owned()).is_of_file(other)
}

/// What the command line says.
fn said(arguments: &GrantArguments) -> Grants {
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

/// A grant that cannot be given: exit code 2.
pub(crate) fn grant_failure(error: kumiki::Error) -> Failure {
    let hint = match &error {
        kumiki::Error::Grant(kumiki::GrantError {
            instead: Some(grant),
            ..
        }) => format!("to grant the folder that it leads to: `--allow-dir {grant}`"),
        _ => error.hint().unwrap_or_default(),
    };
    Failure::usage(error.to_string(), hint)
}

//! What each plugin of a run is granted: what the file says, then the command
//! line, which counts where both speak of the same.

use std::path::{Path, PathBuf};

use kumiki::{Grants, GrantsFile};

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
            Some(path) => GrantsFile::read(path).map_err(wrong_use)?,
            None => GrantsFile::default(),
        };
        Ok(Self {
            file,
            all: said(arguments),
            allow_requested: arguments.allow_requested,
        })
    }

    /// What one plugin is granted.
    pub(crate) fn of(&self, plugin: &Path) -> Grants {
        self.file.grants_of(plugin).and(&self.all)
    }

    /// The plugins that the file names and that are not among these: a name
    /// mistyped there would deny in silence.
    pub(crate) fn unknown(&self, plugins: &[PathBuf]) -> Vec<&str> {
        let named = |name: &&str| {
            let mut stems = plugins.iter().filter_map(|plugin| plugin.file_stem());
            !stems.any(|stem| stem == *name)
        };
        self.file.plugins().filter(named).collect()
    }
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
pub(crate) fn wrong_use(error: kumiki::Error) -> Failure {
    let hint = error.hint().unwrap_or_default();
    Failure::wrong_use(error.to_string(), hint)
}

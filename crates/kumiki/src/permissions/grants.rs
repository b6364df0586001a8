//! What a plugin may reach outside its own memory: nothing, unless it is said
//! here. Each kind of grant is a file of its own; [`Granted`] is what an
//! instance's WASI context is made from.

use std::path::Path;

use super::{Clocks, FolderGrant, NetworkGrant, Randomness, VariableGrant};
/// What a plugin may reach: folders, environment variables, arguments,
/// addresses of the network, clocks and randomness. The default is nothing,
/// but for real clocks and real randomness, which compilers take for granted.
///
/// For all plugins of a host by [`HostBuilder::grants`], for one by
/// [`Plugin::with_grants`]. Of two grants for the same guest path, or the same
/// variable, the later one counts.
///
/// ```
/// use kumiki::{FolderGrant, Grants};
///
/// let grants = Grants::default()
///     .with_folder(FolderGrant::read_only(".", "/data"))
///     .with_variable("MODE=fast".parse()?)
///     .with_network("127.0.0.1:8080".parse()?);
/// grants.check()?;
/// # Ok::<(), kumiki::Error>(())
/// ```
///
/// [`HostBuilder::grants`]: crate::HostBuilder::grants
/// [`Plugin::with_grants`]: crate::Plugin::with_grants
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    pub(crate) folders: Vec<FolderGrant>,
    pub(crate) variables: Vec<VariableGrant>,
    pub(crate) arguments: Vec<String>,
    pub(crate) network: Vec<NetworkGrant>,
    pub(crate) clocks: Option<Clocks>,
    pub(crate) randomness: Option<Randomness>,
}

impl Grants {
    /// These grants, and a folder. It takes the place of an earlier one at the
    /// same guest path.
    #[must_use]
    pub fn with_folder(mut self, folder: FolderGrant) -> Self {
        self.folders.retain(|other| other.guest != folder.guest);
        self.folders.push(folder);
        self
    }

    /// These grants, and an environment variable. It takes the place of an
    /// earlier one of the same name.
    #[must_use]
    pub fn with_variable(mut self, variable: VariableGrant) -> Self {
        self.variables.retain(|other| other.name != variable.name);
        self.variables.push(variable);
        self
    }

    /// These grants, and one more argument. The guest sees exactly what is
    /// given; most languages take the first for the program's own name.
    #[must_use]
    pub fn with_argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// These grants, and addresses that sockets and requests may reach.
    #[must_use]
    pub fn with_network(mut self, network: NetworkGrant) -> Self {
        if !self.network.contains(&network) {
            self.network.push(network);
        }
        self
    }

    /// These grants, with other clocks. Default: [`Clocks::Real`].
    #[must_use]
    pub fn with_clocks(mut self, clocks: Clocks) -> Self {
        self.clocks = Some(clocks);
        self
    }

    /// These grants, with other randomness. Default: [`Randomness::Real`].
    #[must_use]
    pub fn with_randomness(mut self, randomness: Randomness) -> Self {
        self.randomness = Some(randomness);
        self
    }

    /// These grants and `others`, which count where both speak of the same
    /// guest path or variable, or say which clocks or randomness. Arguments of
    /// `others` stand behind these.
    #[must_use]
    pub fn merge(self, others: &Self) -> Self {
        let mut both = self;
        for folder in &others.folders {
            both = both.with_folder(folder.clone());
        }
        for variable in &others.variables {
            both = both.with_variable(variable.clone());
        }
        for network in &others.network {
            both = both.with_network(network.clone());
        }
        both.arguments.extend_from_slice(&others.arguments);
        both.clocks = others.clocks.or(both.clocks);
        both.randomness = others.randomness.or(both.randomness);
        both
    }

    /// The folders that are granted.
    pub fn folders(&self) -> impl Iterator<Item = &FolderGrant> {
        self.folders.iter()
    }

    /// The environment variables that are granted.
    pub fn variables(&self) -> impl Iterator<Item = &VariableGrant> {
        self.variables.iter()
    }

    /// The arguments that are given.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(String::as_str)
    }

    /// The addresses that are granted.
    pub fn network(&self) -> impl Iterator<Item = &NetworkGrant> {
        self.network.iter()
    }

    /// What the guest sees of time.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        self.clocks.unwrap_or_default()
    }

    /// Where the guest's random numbers come from.
    #[must_use]
    pub fn randomness(&self) -> Randomness {
        self.randomness.unwrap_or_default()
    }

    /// The same with each relative host path taken from `base`; what the guest
    /// sees of it stays as it is.
    pub(super) fn relative_to(mut self, base: &Path) -> Self {
        for folder in &mut self.folders {
            folder.host = base.join(&folder.host);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_grant_counts() {
        let first = Grants::default()
            .with_folder(FolderGrant::read_write("a", "/data"))
            .with_folder(FolderGrant::read_only("b", "/other"))
            .with_variable(VariableGrant::new("MODE", "slow").unwrap())
            .with_argument("one")
            .with_network("127.0.0.1:80".parse().unwrap())
            .with_clocks(Clocks::Frozen);
        let second = Grants::default()
            .with_folder(FolderGrant::read_only("c", "/data"))
            .with_variable(VariableGrant::new("MODE", "fast").unwrap())
            .with_argument("two")
            .with_network("127.0.0.1:80".parse().unwrap())
            .with_randomness(Randomness::Seeded(1));
        let both = first.merge(&second);
        let expected = Grants::default()
            .with_folder(FolderGrant::read_only("b", "/other"))
            .with_folder(FolderGrant::read_only("c", "/data"))
            .with_variable(VariableGrant::new("MODE", "fast").unwrap())
            .with_argument("one")
            .with_argument("two")
            .with_network("127.0.0.1:80".parse().unwrap())
            .with_clocks(Clocks::Frozen)
            .with_randomness(Randomness::Seeded(1));
        assert_eq!(both, expected);
        assert_eq!(both.clone().merge(&Grants::default()), expected);
    }
}

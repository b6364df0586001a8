//! The set of grants of a plugin.

use std::path::Path;

use super::{Clocks, FolderGrant, NetworkGrant, Randomness, VariableGrant};

/// The resources outside its memory that a plugin may access: folders, environment
/// variables, arguments, network addresses, clocks and randomness.
///
/// By default nothing is granted except real clocks and real randomness, which
/// compilers rely on. [`HostBuilder::grants`] sets the grants of all plugins of a host,
/// [`Plugin::with_grants`] those of one plugin. A later grant replaces an earlier one for
/// the same guest path or variable.
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
    /// Adds a folder. It replaces an earlier one at the same guest path.
    #[must_use]
    pub fn with_folder(mut self, folder: FolderGrant) -> Self {
        self.folders.retain(|other| other.guest != folder.guest);
        self.folders.push(folder);
        self
    }

    /// Adds an environment variable. It replaces an earlier one of the same name.
    #[must_use]
    pub fn with_variable(mut self, variable: VariableGrant) -> Self {
        self.variables.retain(|other| other.name != variable.name);
        self.variables.push(variable);
        self
    }

    /// Adds an argument. The guest receives exactly these arguments; most languages treat
    /// the first as the program's name.
    #[must_use]
    pub fn with_argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds network addresses that sockets and `wasi:http` requests may reach.
    #[must_use]
    pub fn with_network(mut self, network: NetworkGrant) -> Self {
        if !self.network.contains(&network) {
            self.network.push(network);
        }
        self
    }

    /// Sets the clocks. Default: [`Clocks::Real`].
    #[must_use]
    pub fn with_clocks(mut self, clocks: Clocks) -> Self {
        self.clocks = Some(clocks);
        self
    }

    /// Sets the source of randomness. Default: [`Randomness::Real`].
    #[must_use]
    pub fn with_randomness(mut self, randomness: Randomness) -> Self {
        self.randomness = Some(randomness);
        self
    }

    /// Adds `others`. They take precedence for the same guest path or variable, and for
    /// clocks and randomness if they set them. Their arguments follow these.
    #[must_use]
    pub fn merge(self, others: &Self) -> Self {
        let mut merged = self;
        for folder in &others.folders {
            merged = merged.with_folder(folder.clone());
        }
        for variable in &others.variables {
            merged = merged.with_variable(variable.clone());
        }
        for network in &others.network {
            merged = merged.with_network(network.clone());
        }
        merged.arguments.extend_from_slice(&others.arguments);
        merged.clocks = others.clocks.or(merged.clocks);
        merged.randomness = others.randomness.or(merged.randomness);
        merged
    }

    /// Iterates over the granted folders.
    pub fn folders(&self) -> impl Iterator<Item = &FolderGrant> {
        self.folders.iter()
    }

    /// Iterates over the granted environment variables.
    pub fn variables(&self) -> impl Iterator<Item = &VariableGrant> {
        self.variables.iter()
    }

    /// Iterates over the arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(String::as_str)
    }

    /// Iterates over the granted network addresses.
    pub fn network(&self) -> impl Iterator<Item = &NetworkGrant> {
        self.network.iter()
    }

    /// Returns the clocks that the guest sees.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        self.clocks.unwrap_or_default()
    }

    /// Returns the source of the guest's random numbers.
    #[must_use]
    pub fn randomness(&self) -> Randomness {
        self.randomness.unwrap_or_default()
    }

    /// Resolves relative host paths against `base`. Guest paths stay the same.
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
    fn later_grants_replace_earlier_ones() {
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
        let merged = first.merge(&second);
        let expected = Grants::default()
            .with_folder(FolderGrant::read_only("b", "/other"))
            .with_folder(FolderGrant::read_only("c", "/data"))
            .with_variable(VariableGrant::new("MODE", "fast").unwrap())
            .with_argument("one")
            .with_argument("two")
            .with_network("127.0.0.1:80".parse().unwrap())
            .with_clocks(Clocks::Frozen)
            .with_randomness(Randomness::Seeded(1));
        assert_eq!(merged, expected);
        assert_eq!(merged.clone().merge(&Grants::default()), expected);
    }
}

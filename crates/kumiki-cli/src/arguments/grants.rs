//! The arguments that grant access.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use kumiki::{Clocks, FolderGrant, GrantError, NetworkGrant, Randomness, VariableGrant};

/// What plugins may access; anything else is denied.
#[derive(Args)]
#[command(next_help_heading = "Grants (none by default)")]
pub(crate) struct GrantArguments {
    /// A folder, and the path where plugins see it (default: the same), read-only
    /// unless `:rw`: `./data::/data:ro`
    #[arg(long, value_name = "HOST[::GUEST][:ro|:rw]", value_parser = granted::<FolderGrant>)]
    pub(crate) allow_dir: Vec<FolderGrant>,

    /// An environment variable, with its current value unless one is given
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = granted::<VariableGrant>)]
    pub(crate) allow_env: Vec<VariableGrant>,

    /// An argument; most languages treat the first as the program's name, so give a
    /// name first
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) allow_arg: Vec<String>,

    /// Hosts that sockets and HTTP requests may reach: `api.example.com:443`,
    /// `10.1.0.0/16:5432`, `[::1]:80-89`, `public:443`, `loopback:*`,
    /// `private:*`, `link-local:*`
    #[arg(long, value_name = "WHERE:PORTS", value_parser = granted::<NetworkGrant>)]
    pub(crate) allow_net: Vec<NetworkGrant>,

    /// The time that plugins see: `real` (the default), `coarse` (steps of
    /// 1 ms) or `frozen`
    #[arg(long, value_name = "CLOCKS", value_parser = granted::<Clocks>)]
    pub(crate) clocks: Option<Clocks>,

    /// Source of random numbers: `real` (the default), or `seeded:` and a number,
    /// for the same numbers in each run
    #[arg(long, value_name = "RANDOM", value_parser = granted::<Randomness>)]
    pub(crate) random: Option<Randomness>,

    /// A grants file, for all plugins and for single ones, such as a
    /// kumiki-grants.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,

    /// Grant everything that plugins request; a requested folder `/words` is
    /// `./words` here (`kumiki inspect` shows the requests)
    #[arg(long)]
    pub(crate) allow_requested: bool,
}

/// Parses a grant. The hint is part of the message, because clap has no other
/// place for it.
fn granted<T: FromStr<Err = GrantError>>(argument: &str) -> Result<T, String> {
    argument
        .parse()
        .map_err(|error: GrantError| format!("{}; {}", error.reason, error.hint))
}

//! Plugins that run: hosts, plugins, instances and pools of them.

mod contract;
pub(crate) mod host;
mod instance;
mod memory;
mod plugin;
mod pool;
mod prepared;
mod renewal;
mod state;

pub use contract::Contract;
pub use host::{Host, HostBuilder};
pub use instance::Instance;
pub use plugin::Plugin;
pub use pool::{Pool, PoolConfig, Pooled};
pub use renewal::Renewal;
pub use state::HostState;

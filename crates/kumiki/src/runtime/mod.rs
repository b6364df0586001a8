//! Plugins that run: hosts, plugins, instances and pools of them.

mod any;
mod async_calls;
mod backtrace;
mod concurrent_calls;
mod contract;
mod failure;
mod host;
mod host_builder;
mod instance;
mod linked;
mod loading;
mod memory;
mod own_runtime;
mod plugin;
mod pool;
mod progress_wait;
mod recycle_policy;
mod state;
mod streams;

pub use any::{Any, Function};
pub use contract::{AsyncContract, Contract};
pub use host::Host;
pub use host_builder::{EngineChoice, HostBuilder};
pub use instance::Instance;
pub use plugin::Plugin;
pub use pool::{Lease, LeasePool, Pool, PoolConfig, Pooled};
pub use recycle_policy::RecyclePolicy;
pub use state::{HostState, StoreData};
pub use streams::{AsyncReadStream, AsyncWriteStream, CallTimer, ReadStream, WriteStream};

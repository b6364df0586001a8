//! A pool of text plugins, for many threads.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use kumiki::{Lease, LeasePool, PoolConfig};

use crate::contract::ProcessResult;
use crate::{Answers, Error, Result, TextPlugin, Texts};

/// A pool of warm [`TextPlugin`]s of one plugin, with the same configuration, circuit
/// breaker and limits. Cheap to clone; clones share the pool, also across threads.
///
/// A program with long-lived threads does not need a pool: a [`TextPlugin::sibling`]
/// per thread never waits.
///
/// ```
/// use kumiki_text::kumiki::PoolConfig;
/// use kumiki_text::{Config, TextHost, TextPlugin, TextPool};
///
/// # fn main() -> Result<(), kumiki_text::Error> {
/// # let bytes = test_components::TextPlugin::new("echo").build();
/// let host = TextHost::new()?;
/// let plugin = TextPlugin::new(host.load_bytes("echo.wasm", &bytes)?, Config::default())?;
/// let pool = TextPool::new(plugin, PoolConfig::default().with_max_instances(4));
/// std::thread::scope(|scope| {
///     for text in ["one", "two"] {
///         let pool = &pool;
///         scope.spawn(move || assert_eq!(pool.process(text).unwrap().output, text));
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TextPool {
    /// What new members are made from; it has no instance.
    prototype: Arc<Mutex<TextPlugin>>,
    members: LeasePool<TextPlugin>,
}

impl TextPool {
    /// Creates a pool with `plugin` as its first member. Other members are created on
    /// demand. [`PoolConfig::recycling`] replaces the policy of the plugin.
    #[must_use]
    pub fn new(plugin: TextPlugin, config: PoolConfig) -> Self {
        let PoolConfig {
            max_instances,
            timeout,
            recycling,
            ..
        } = config;
        let first = plugin.with_recycling(recycling);
        // A plugin replaces its instance itself, so it is always reusable.
        let members = LeasePool::new(max_instances, timeout, |_: &TextPlugin| true);
        let prototype = Arc::new(Mutex::new(first.sibling()));
        drop(members.take(|| Ok::<_, Error>(first)));
        Self { prototype, members }
    }

    /// Takes a plugin for exclusive use until it is dropped.
    ///
    /// # Errors
    /// [`kumiki::Error::PoolTimeout`] when all are in use and none is returned in time.
    pub fn take(&self) -> Result<PooledPlugin> {
        let prototype = || {
            self.prototype
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let lease = self
            .members
            .take(|| Ok::<_, Error>(prototype().sibling()))?;
        lease.map(PooledPlugin).ok_or_else(|| {
            Error::Host(kumiki::Error::PoolTimeout {
                plugin: prototype().name().to_owned(),
                max_instances: self.members.max(),
            })
        })
    }

    /// Creates instances in advance, at most [`PoolConfig::max_instances`]. Useful for
    /// plugins that include a language runtime, which are slow to instantiate.
    ///
    /// # Errors
    /// As for [`TextPool::take`]; [`Error::Host`] if an instance cannot be created.
    pub fn warm(&self, instances: usize) -> Result<()> {
        let instances = instances.min(self.members.max());
        let taken: Result<Vec<_>> = (0..instances).map(|_| self.take()).collect();
        for mut plugin in taken? {
            plugin.live()?;
        }
        Ok(())
    }

    /// Processes one record, as [`TextPlugin::process`] does.
    ///
    /// # Errors
    /// As for [`TextPool::take`] and [`TextPlugin::process`].
    pub fn process(&self, input: &str) -> Result<ProcessResult> {
        self.take()?.process(input)
    }

    /// Processes many records, as [`TextPlugin::process_all`] does.
    ///
    /// # Errors
    /// As for [`TextPool::take`]. Errors of records are in the answers.
    pub fn process_all(&self, inputs: &Texts) -> Result<Answers> {
        Ok(self.take()?.process_all(inputs))
    }

    /// Returns the number of members, in use or not.
    #[must_use]
    pub fn live(&self) -> usize {
        self.members.live()
    }
}

impl std::fmt::Debug for TextPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextPool")
            .field("live", &self.live())
            .field("max", &self.members.max())
            .finish_non_exhaustive()
    }
}

/// A plugin taken from a [`TextPool`], returned to it on drop. One that a panic drops
/// is not returned, because its state is unknown.
pub struct PooledPlugin(Lease<TextPlugin>);

impl Deref for PooledPlugin {
    type Target = TextPlugin;

    fn deref(&self) -> &TextPlugin {
        &self.0
    }
}

impl DerefMut for PooledPlugin {
    fn deref_mut(&mut self) -> &mut TextPlugin {
        &mut self.0
    }
}

//! Several plugins over the same records: each by itself, or one after the
//! other.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Answer, Answers, Error, TextPlugin, Texts};

/// What came of one record in one plugin, or in a whole chain.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Outcome<'a> {
    /// The plugin's name, or all names of a chain in order, joined by ` | `.
    pub plugin: &'a str,
    /// The answer, or why there is none. In a chain it is the last plugin's
    /// output with the metadata of all, in order.
    pub result: Result<Answer<'a>, &'a Arc<Error>>,
}

impl<'a> Outcome<'a> {
    /// One of the answers in [`Outcomes`], by itself.
    #[must_use]
    pub fn new(plugin: &'a str, result: Result<Answer<'a>, &'a Arc<Error>>) -> Self {
        Self { plugin, result }
    }
}

/// What came of several records in one plugin, or in a whole chain.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcomes<'a> {
    /// As [`Outcome::plugin`].
    pub plugin: &'a str,
    /// As [`Outcome::result`]: one for each record, in order.
    pub answers: Answers,
}

/// Plugins and how records go through them.
///
/// ```
/// use kumiki_text::{Config, Pipeline, TextHost, TextPlugin};
///
/// # fn main() -> Result<(), kumiki_text::Error> {
/// # let bytes = test_components::TextPlugin::new("echo").build();
/// let host = TextHost::new()?;
/// let loaded = host.load_bytes("echo.wasm", &bytes)?;
/// let plugin = || TextPlugin::new(loaded.clone(), Config::default());
///
/// let mut pipeline = Pipeline::chain(vec![plugin()?, plugin()?]);
/// pipeline.process("some text", |outcome| {
///     assert_eq!(outcome.result.unwrap().output, "some text");
///     Ok::<(), kumiki_text::Error>(())
/// })?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pipeline {
    plugins: Vec<TextPlugin>,
    /// The chain's name; without one, each plugin gets each record.
    chain: Option<String>,
}

impl Pipeline {
    /// Gives each record to each plugin. Plugins that call themselves the same
    /// are told apart by their origin from now on.
    #[must_use]
    pub fn each(mut plugins: Vec<TextPlugin>) -> Self {
        tell_apart(&mut plugins);
        Self {
            plugins,
            chain: None,
        }
    }

    /// Gives each record to the first plugin, its output to the next, and so
    /// on; the first error ends it for that record.
    #[must_use]
    pub fn chain(mut plugins: Vec<TextPlugin>) -> Self {
        tell_apart(&mut plugins);
        let names: Vec<_> = plugins.iter().map(TextPlugin::name).collect();
        let chain = Some(names.join(" | "));
        Self { plugins, chain }
    }

    /// The plugins, in order.
    #[must_use]
    pub fn plugins(&self) -> &[TextPlugin] {
        &self.plugins
    }

    /// The same plugins once more, for another thread: see
    /// [`TextPlugin::sibling`].
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            plugins: self.plugins.iter().map(TextPlugin::sibling).collect(),
            chain: self.chain.clone(),
        }
    }

    /// Sends several records through at once: what came of them in each plugin,
    /// in order, or in the chain. All of the records have gone through one
    /// plugin before the first goes through the next.
    pub fn process_all(&mut self, inputs: &Texts) -> Vec<Outcomes<'_>> {
        let Self { plugins, chain } = self;
        if let Some(plugin) = chain {
            let answers = through(plugins, inputs);
            return vec![Outcomes { plugin, answers }];
        }
        let outcomes = plugins.iter_mut().map(|plugin| {
            let answers = plugin.process_all(inputs);
            let plugin = plugin.name();
            Outcomes { plugin, answers }
        });
        outcomes.collect()
    }

    /// Sends one record through, and hands what came of it to `sink`: once for
    /// each plugin, in order, or once for a chain.
    ///
    /// # Errors
    /// The first error that `sink` returns; plugins' errors are outcomes.
    pub fn process<E>(
        &mut self,
        input: &str,
        mut sink: impl FnMut(Outcome<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let outcomes = self.process_all(&Texts::from_iter([input]));
        let mut outcomes = outcomes.iter();
        outcomes.try_for_each(|Outcomes { plugin, answers }| {
            let mut results = answers.iter();
            results.try_for_each(|result| sink(Outcome::new(plugin, result)))
        })
    }
}

fn through(plugins: &mut [TextPlugin], inputs: &Texts) -> Answers {
    let Some((first, others)) = plugins.split_first_mut() else {
        let mut unchanged = Answers::default();
        unchanged.extend_flat(inputs.as_str(), inputs.ends().iter().copied());
        return unchanged;
    };
    let answers = first.process_all(inputs);
    others.iter_mut().fold(answers, |answers, plugin| {
        answers.then(|outputs| plugin.process_all(outputs))
    })
}

/// Adds its origin to the name of every plugin that is not the only one of
/// that name.
fn tell_apart(plugins: &mut [TextPlugin]) {
    let mut count = HashMap::new();
    for plugin in &*plugins {
        *count.entry(plugin.name().to_owned()).or_insert(0) += 1;
    }
    for plugin in plugins {
        if count.get(plugin.name()).is_some_and(|count| *count > 1) {
            plugin.rename(&format!("{} ({})", plugin.name(), plugin.origin()));
        }
    }
}

//! Several plugins over the same records: each by itself, or one after the
//! other.

use std::collections::HashMap;

use crate::{Error, ProcessResult, TextPlugin};

/// What came of one record in one plugin, or in a whole chain.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome<'a> {
    /// The plugin's name, or all names of a chain in order, joined by ` | `.
    pub plugin: &'a str,
    /// The result, or why there is none. In a chain it is the last plugin's
    /// output with the metadata of all, in order.
    pub result: Result<ProcessResult, Error>,
}

impl<'a> Outcome<'a> {
    /// One of the results in [`Answers`], by itself.
    #[must_use]
    pub fn new(plugin: &'a str, result: Result<ProcessResult, Error>) -> Self {
        Self { plugin, result }
    }
}

/// What came of several records in one plugin, or in a whole chain.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answers<'a> {
    /// As [`Outcome::plugin`].
    pub plugin: &'a str,
    /// As [`Outcome::result`]: one for each record, in order.
    pub results: Vec<Result<ProcessResult, Error>>,
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
///     assert_eq!(outcome.result?.output, "some text");
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
    /// in order, or in the chain. The results are those of
    /// [`Pipeline::process`]; but all of the records have gone through one
    /// plugin before the first goes through the next.
    pub fn process_all(&mut self, inputs: &[&str]) -> Vec<Answers<'_>> {
        let Self { plugins, chain } = self;
        if let Some(plugin) = chain {
            let results = all_through(plugins, inputs);
            return vec![Answers { plugin, results }];
        }
        let answers = plugins.iter_mut().map(|plugin| {
            let results = plugin.process_all(inputs);
            let plugin = plugin.name();
            Answers { plugin, results }
        });
        answers.collect()
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
        let Self { plugins, chain } = self;
        if let Some(name) = chain {
            return sink(Outcome {
                plugin: name,
                result: through(plugins, input),
            });
        }
        plugins.iter_mut().try_for_each(|plugin| {
            let result = plugin.process(input);
            sink(Outcome {
                plugin: plugin.name(),
                result,
            })
        })
    }
}

fn through(plugins: &mut [TextPlugin], input: &str) -> Result<ProcessResult, Error> {
    let mut result = ProcessResult {
        output: input.to_owned(),
        metadata: Vec::new(),
    };
    for plugin in plugins {
        let next = plugin.process(&result.output)?;
        result.output = next.output;
        result.metadata.extend(next.metadata);
    }
    Ok(result)
}

/// [`through`] for several records. One that a plugin gave no result for goes
/// no further.
fn all_through(plugins: &mut [TextPlugin], inputs: &[&str]) -> Vec<Result<ProcessResult, Error>> {
    let Some((first, others)) = plugins.split_first_mut() else {
        let unchanged = |input: &&str| {
            Ok(ProcessResult {
                output: (*input).to_owned(),
                metadata: Vec::new(),
            })
        };
        return inputs.iter().map(unchanged).collect();
    };
    let mut results = first.process_all(inputs);
    for plugin in others {
        let outputs: Vec<&str> = results.iter().flatten().map(|it| &*it.output).collect();
        let next = plugin.process_all(&outputs);
        debug_assert_eq!(next.len(), outputs.len());
        let mut next = next.into_iter();
        for result in &mut results {
            // The first of them is this one's, if it has come so far.
            let Ok(so_far) = result else { continue };
            let Some(answer) = next.next() else { break };
            let mut metadata = std::mem::take(&mut so_far.metadata);
            *result = answer.map(|answer| {
                metadata.extend(answer.metadata);
                ProcessResult {
                    output: answer.output,
                    metadata,
                }
            });
        }
    }
    results
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

//! Runs several plugins over the same records, independently or as a chain.

use std::collections::HashMap;
use std::sync::Arc;

use kumiki::Limits;

use crate::records::parts::{Allowance, Parts};
use crate::records::texts::TextRange;
use crate::{Answer, Answers, Error, TextPlugin, Texts};

/// The result of one record from one plugin or a chain.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Outcome<'a> {
    /// The plugin's name, or all names of the chain in order, joined by ` | `.
    pub plugin: &'a str,
    /// The answer or the error. A chain's answer has the output of the last plugin
    /// and the metadata of all, in order.
    pub result: Result<Answer<'a>, &'a Arc<Error>>,
}

impl<'a> Outcome<'a> {
    /// Creates the outcome of one of the answers in [`Outcomes`].
    #[must_use]
    pub fn new(plugin: &'a str, result: Result<Answer<'a>, &'a Arc<Error>>) -> Self {
        Self { plugin, result }
    }
}

/// The results of several records from one plugin or a chain.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcomes<'a> {
    /// See [`Outcome::plugin`].
    pub plugin: &'a str,
    /// One result per record, in order; see [`Outcome::result`].
    pub answers: Answers,
}

/// Plugins, and whether they run independently or as a chain.
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
    /// The chain's name; `None` if each plugin gets each record.
    chain: Option<String>,
}

impl Pipeline {
    /// Creates a pipeline that gives each record to each plugin. Plugins with the
    /// same name are renamed to include their origin.
    #[must_use]
    pub fn each(mut plugins: Vec<TextPlugin>) -> Self {
        make_names_unique(&mut plugins);
        Self {
            plugins,
            chain: None,
        }
    }

    /// Creates a pipeline that gives each record to the first plugin, its output to
    /// the next, and so on. The first error ends the chain for that record.
    #[must_use]
    pub fn chain(mut plugins: Vec<TextPlugin>) -> Self {
        make_names_unique(&mut plugins);
        let names: Vec<_> = plugins.iter().map(TextPlugin::name).collect();
        let chain = Some(names.join(" | "));
        Self { plugins, chain }
    }

    /// Returns the plugins, in order.
    #[must_use]
    pub fn plugins(&self) -> &[TextPlugin] {
        &self.plugins
    }

    /// Returns its plugins.
    #[must_use]
    pub fn into_plugins(self) -> Vec<TextPlugin> {
        self.plugins
    }

    /// Returns whether the plugins form a chain, which gives one result per record.
    #[must_use]
    pub fn is_chain(&self) -> bool {
        self.chain.is_some()
    }

    /// Creates a pipeline of the same plugins for another thread: see
    /// [`TextPlugin::sibling`].
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            plugins: self.plugins.iter().map(TextPlugin::sibling).collect(),
            chain: self.chain.clone(),
        }
    }

    /// Processes several records. Returns the results of each plugin, in order, or of
    /// the chain. A plugin processes all of the records before the next one starts,
    /// unless their results are large.
    ///
    /// The total size of the results is bounded as in [`TextPlugin::process_all`],
    /// and records beyond it fail with the same error.
    pub fn process_all(&mut self, inputs: &Texts) -> Vec<Outcomes<'_>> {
        let mut all = Collected::new(self);
        // It stops when there is no room; the missing records get an error below.
        let _ = self.process_in_parts(inputs, &mut all);
        let Self { plugins, chain } = &*self;
        let outcomes = all
            .answers
            .into_iter()
            .enumerate()
            .map(|(at, mut answers)| {
                if answers.len() < inputs.len()
                    && let Some(plugin) = plugins.get(at)
                {
                    let error = Arc::new(plugin.no_room());
                    while answers.len() < inputs.len() {
                        answers.push_failure(error.clone());
                    }
                }
                let plugin = match chain {
                    Some(chain) => chain,
                    None => plugins.get(at).map_or("", TextPlugin::name),
                };
                Outcomes { plugin, answers }
            });
        outcomes.collect()
    }

    /// Processes several records and passes their results to `parts`. Each part has
    /// the results of the next records from each plugin, in order, or from the chain:
    /// as many as [`Parts::allow`] allows, at least one record. It is delivered before
    /// more records are processed, so memory is bounded whatever plugins answer.
    ///
    /// A record whose answer exceeds the allowance of a call is retried with a new
    /// instance once the allowance is larger.
    ///
    /// # Errors
    /// The first error that [`Parts::part`] returns; plugins' errors are outcomes.
    pub fn process_in_parts<P: Parts>(
        &mut self,
        inputs: &Texts,
        parts: &mut P,
    ) -> Result<(), P::Error> {
        match &self.chain {
            None => each(&mut self.plugins, inputs, parts),
            Some(name) => {
                let mut chain = Chain {
                    name,
                    plugins: self.plugins.len(),
                    parts,
                };
                chain.begin(&mut self.plugins, inputs)
            }
        }
    }

    /// Processes one record and passes the results to `sink`: one per plugin, in
    /// order, or one for a chain.
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

/// A [`Parts`] that collects all results.
struct Collected {
    answers: Vec<Answers>,
    limits: Limits,
}

impl Collected {
    fn new(pipeline: &Pipeline) -> Self {
        let columns = match pipeline.chain {
            Some(_) => 1,
            None => pipeline.plugins.len(),
        };
        let limits = pipeline.plugins.first().map(TextPlugin::limits);
        Self {
            answers: (0..columns).map(|_| Answers::default()).collect(),
            limits: limits.cloned().unwrap_or_default(),
        }
    }

    fn room(&self) -> usize {
        let held: usize = self.answers.iter().map(Answers::bytes).sum();
        self.limits.output.saturating_sub(held)
    }
}

impl Parts for Collected {
    /// There is no more room.
    type Error = ();

    fn allow(&mut self, _left: bool) -> Allowance {
        Allowance {
            part: self.room(),
            ..Allowance::of(&self.limits)
        }
    }

    fn part(&mut self, outcomes: Vec<Outcomes<'_>>) -> Result<(), ()> {
        for (all, part) in self.answers.iter_mut().zip(outcomes) {
            all.append(part.answers);
        }
        match self.room() {
            0 => Err(()),
            _ => Ok(()),
        }
    }
}

/// Gives each record to each plugin.
fn each<P: Parts>(
    plugins: &mut [TextPlugin],
    inputs: &Texts,
    parts: &mut P,
) -> Result<(), P::Error> {
    let count = plugins.len();
    let mut ahead: Vec<_> = (0..count).map(|_| Ahead::default()).collect();
    let mut rest = TextRange::all(inputs);
    while rest.len() > 0 {
        let mut rows = rest.len();
        let mut held = Held {
            plugins: count,
            all: ahead.iter().map(Ahead::bytes).sum(),
            first: 0,
        };
        for (plugin, ahead) in plugins.iter_mut().zip(&mut ahead) {
            if ahead.rows() == 0 {
                ahead.fill(ask(plugin, rest.split_at(rows).0, held, parts));
                held.all += ahead.bytes();
            }
            rows = rows.min(ahead.rows());
            held.first += ahead.first_bytes();
        }
        let outcomes = plugins.iter().zip(&mut ahead).map(|(plugin, ahead)| {
            let answers = ahead.take(rows);
            let plugin = plugin.name();
            Outcomes { plugin, answers }
        });
        parts.part(outcomes.collect())?;
        rest = rest.split_at(rows).1;
    }
    Ok(())
}

/// Answers of one plugin, from the next record on, that are not yet delivered.
#[derive(Default)]
struct Ahead {
    answers: Answers,
    /// The number of answers already delivered. They stay in memory: shifting the
    /// others for each part would copy a large answer repeatedly.
    taken: usize,
}

impl Ahead {
    fn fill(&mut self, answers: Answers) {
        *self = Self { answers, taken: 0 };
    }

    fn rows(&self) -> usize {
        self.answers.len() - self.taken
    }

    /// Size of all answers in memory, in bytes.
    fn bytes(&self) -> usize {
        self.answers.bytes()
    }

    /// Size of the next answer, in bytes.
    fn first_bytes(&self) -> usize {
        self.answers.row_bytes(self.taken)
    }

    /// Takes the next `rows` answers; at least that many must be available.
    fn take(&mut self, rows: usize) -> Answers {
        if self.taken == 0 && rows == self.answers.len() {
            return std::mem::take(&mut self.answers);
        }
        let answers = self.answers.copy(self.taken..self.taken + rows);
        self.taken += rows;
        if self.rows() == 0 {
            *self = Self::default();
        }
        answers
    }
}

/// Results in memory when the next plugin is called.
#[derive(Clone, Copy, Default)]
struct Held {
    /// The number of plugins that share the allowance.
    plugins: usize,
    /// Size of all answers of other plugins, in bytes.
    all: usize,
    /// Size of only the next record's answers, in bytes.
    first: usize,
}

/// Processes the first of `inputs`: at least one, unless it is empty.
fn ask<P: Parts>(
    plugin: &mut TextPlugin,
    inputs: TextRange<'_>,
    held: Held,
    parts: &mut P,
) -> Answers {
    if inputs.len() == 0 {
        return Answers::default();
    }
    let allowance = parts.allow(false).share(held.plugins, held.all);
    let bytes = inputs.bytes().len().min(allowance.part);
    let mut answers = Answers::with_capacity(inputs.len(), bytes);
    plugin.answer_some(inputs, allowance, &mut answers);
    if answers.is_empty() {
        let allowance = parts.allow(true).of_one_record(held.first);
        plugin.answer_some(inputs.split_at(1).0, allowance, &mut answers);
    }
    answers
}

/// Processes records with a chain of plugins.
struct Chain<'a, P> {
    name: &'a str,
    plugins: usize,
    parts: &'a mut P,
}

impl<P: Parts> Chain<'_, P> {
    fn begin(&mut self, plugins: &mut [TextPlugin], inputs: &Texts) -> Result<(), P::Error> {
        let Some((first, others)) = plugins.split_first_mut() else {
            let mut unchanged = Answers::default();
            unchanged.extend_flat(inputs.as_str(), inputs.ends().iter().copied());
            return self.end(unchanged);
        };
        let mut rest = TextRange::all(inputs);
        while rest.len() > 0 {
            let answers = self.ask(first, rest, 0, 0);
            rest = rest.split_at(answers.len()).1;
            self.resume(others, answers, 0)?;
        }
        Ok(())
    }

    /// Passes the answers of the previous plugin to the remaining ones. `held` is the
    /// size of the results that wait for later records, in bytes.
    fn resume(
        &mut self,
        plugins: &mut [TextPlugin],
        answers: Answers,
        held: usize,
    ) -> Result<(), P::Error> {
        let Some((plugin, others)) = plugins.split_first_mut() else {
            return self.end(answers);
        };
        let (texts, mut earlier) = answers.split();
        if texts.is_empty() {
            return self.end(earlier.join(Answers::default(), true));
        }
        let mut from = 0;
        loop {
            let rest = TextRange::all(&texts).split_at(from).1;
            let here = held + texts.as_str().len() + earlier.bytes();
            let answers = self.ask(plugin, rest, here, earlier.next_bytes());
            from += answers.len();
            if from >= texts.len() {
                // Free both before the remaining plugins run.
                drop(texts);
                let joined = earlier.join(answers, true);
                drop(earlier);
                return self.resume(others, joined, held);
            }
            let joined = earlier.join(answers, false);
            self.resume(others, joined, here)?;
        }
    }

    fn ask(
        &mut self,
        plugin: &mut TextPlugin,
        inputs: TextRange<'_>,
        all: usize,
        first: usize,
    ) -> Answers {
        let plugins = self.plugins;
        let held = Held {
            plugins,
            all,
            first,
        };
        ask(plugin, inputs, held, self.parts)
    }

    fn end(&mut self, answers: Answers) -> Result<(), P::Error> {
        let plugin = self.name;
        self.parts.part(vec![Outcomes { plugin, answers }])
    }
}

/// Adds the origin to the names of plugins whose names are not unique.
fn make_names_unique(plugins: &mut [TextPlugin]) {
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

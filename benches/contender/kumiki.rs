//! Kumiki as an embedder uses it: `TextHost` and `TextPlugin` with the default limits,
//! and an observer that counts log messages.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kumiki::{Cache, Limits, LogRecord, Observer, Plugin, RecyclePolicy};
use kumiki_text::{CallMode, Config, ProcessResult, TextContract, TextHost, TextPlugin, Texts};
use kumiki_turns::{
    Answer, Row, Set, Turn, Work, input, make_each, repeat, side_by_side, use_each,
};

use crate::memory::Held;
use crate::message::with_causes;
use crate::{plugins, streams};

/// Counts log messages: a host that ignores them would not pay for them.
struct Counting(AtomicUsize);

impl Observer for Counting {
    fn log(&self, record: &LogRecord<'_>) {
        self.0.fetch_add(record.message.len(), Ordering::Relaxed);
    }
}

pub(crate) fn set_up(name: &str, row: &Row) -> Result<Set, String> {
    let text = input(row.size);
    let fuel = (name == "kumiki-fuel").then_some(u64::MAX / 2);
    let mode = match name {
        "kumiki-single" => Some(CallMode::Single),
        "kumiki-batch" => Some(CallMode::Batch),
        _ => None,
    };
    match row.kind.as_str() {
        "call" => call(row.work, &text, fuel),
        "many" => many(row, &text, mode),
        "fresh" => fresh(row, text),
        "first" => first(row.work, text, true),
        "cold" => first(row.work, text, false),
        "load" => load(row, &text),
        "live" => live(row, text),
        "stream" if name == "kumiki-single" => streams::single(row),
        "stream" => streams::stream(row),
        "wait" => streams::wait(row),
        kind => Err(format!("it has no `{kind}`")),
    }
}

/// Slots of the pool, unless a row needs more.
const SLOTS: u32 = 1000;
/// Time after which the cache considers a file that it wrote as settled.
const SETTLED: Duration = Duration::from_millis(2100);

fn host(fuel: Option<u64>, cached: bool, slots: u32) -> Result<TextHost, String> {
    let cache = || Cache::open(plugins::folder().join("artifacts"));
    let cache = cached.then(cache).transpose().map_err(with_causes)?;
    let mut limits = Limits::default();
    limits.fuel = fuel;
    let builder = TextHost::builder().limits(limits).cache(cache).slots(slots);
    let observer = Counting(AtomicUsize::new(0));
    builder.observer(observer).build().map_err(with_causes)
}

fn loaded(work: Work, fuel: Option<u64>, slots: u32) -> Result<Plugin<TextContract>, String> {
    let component = plugins::component(work)?;
    host(fuel, true, slots)?
        .load_bytes(work.name(), &component)
        .map_err(with_causes)
}

fn plugin(loaded: Plugin<TextContract>) -> Result<TextPlugin, String> {
    TextPlugin::new(loaded, Config::default()).map_err(with_causes)
}

fn answer(result: ProcessResult) -> Answer {
    let entries = result.metadata.into_iter();
    Answer {
        output: result.output,
        metadata: entries.map(|entry| (entry.key, entry.value)).collect(),
    }
}

fn ask(plugin: &mut TextPlugin, text: &str) -> Result<Answer, String> {
    plugin.process(text).map(answer).map_err(with_causes)
}

fn call(work: Work, text: &str, fuel: Option<u64>) -> Result<Set, String> {
    let mut plugin = plugin(loaded(work, fuel, SLOTS)?)?;
    let text = text.to_owned();
    let digest = ask(&mut plugin, &text)?.digest();
    let turn = repeat(1, move || {
        let result = plugin.process(black_box(&text));
        drop(black_box(result.expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}

fn many(row: &Row, text: &str, mode: Option<CallMode>) -> Result<Set, String> {
    let mut plugin = plugin(loaded(row.work, None, SLOTS)?)?;
    if let Some(mode) = mode
        && !plugin.set_mode(mode)
    {
        return Err(format!("the plugin offers no {}", mode.name()));
    }
    let texts = Texts::from_iter(vec![text; row.count]);
    let answers = plugin.process_all(&texts);
    let last = answers.get(row.count - 1).ok_or("no answer")?;
    let output = last
        .map_err(|error| with_causes(&**error))?
        .output
        .to_owned();
    let turn = repeat(row.count, move || {
        let answers = plugin.process_all(black_box(&texts));
        for answer in answers.iter() {
            black_box(answer.expect("an answer").output);
        }
    });
    Ok(Set::new(Answer::bare(output).digest(), turn))
}

/// Instantiates, calls and drops.
fn fresh(row: &Row, text: String) -> Result<Set, String> {
    let plugin = plugin(loaded(row.work, None, SLOTS)?)?;
    let digest = ask(&mut plugin.sibling(), &text)?.digest();
    let plugin = std::sync::Mutex::new(plugin);
    let turn: Turn = side_by_side(row.count, move |until| {
        let own = plugin.lock().expect("no panic").sibling();
        let mut own = own.with_recycling(RecyclePolicy::fresh());
        until.each(|| {
            let result = own.process(black_box(&text));
            drop(black_box(result.expect("an answer")));
        });
    });
    Ok(Set::new(digest, turn))
}

/// From the file on disk to the first answer, with or without a cached artifact.
fn first(work: Work, text: String, cached: bool) -> Result<Set, String> {
    let (host, file) = (host(None, cached, SLOTS)?, plugins::file(work)?);
    let load = move || TextPlugin::load(&host, &file, Config::default());
    let digest = ask(&mut load().map_err(with_causes)?, &text)?.digest();
    if cached {
        std::thread::sleep(SETTLED);
    }
    let turn = repeat(1, move || {
        let mut plugin = load().expect("a plugin");
        let result = plugin.process(black_box(&text));
        drop(black_box(result.expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}

/// Loads many compiled plugins one after the other, and keeps them until all are
/// loaded.
fn load(row: &Row, text: &str) -> Result<Set, String> {
    let host = host(None, true, SLOTS)?;
    let components = plugins::distinct(row.work, row.count)?;
    let load = move |number: usize| host.load_bytes("plugin", &components[number]);
    for number in 0..row.count {
        load(number).map_err(with_causes)?;
    }
    std::thread::sleep(SETTLED);
    let before = Held::now();
    let all: Result<Vec<_>, _> = (0..row.count).map(&load).collect();
    let facts = before.since(row.count);
    let last = all.map_err(with_causes)?.pop().ok_or("no plugin")?;
    let digest = ask(&mut plugin(last)?, text)?.digest();
    let turn = make_each(row.count, move |number| load(number).expect("a plugin"));
    Ok(Set {
        digest,
        turn,
        facts,
    })
}

/// Many live instances, each called once and kept.
fn live(row: &Row, text: String) -> Result<Set, String> {
    let slots = u32::try_from(row.count + 1).map_err(|error| error.to_string())?;
    let mut first = plugin(loaded(row.work, None, slots)?)?;
    let digest = ask(&mut first, &text)?.digest();
    let before = Held::now();
    let (mut all, mut refused) = (Vec::with_capacity(row.count), 0.0);
    for _ in 0..row.count {
        let mut plugin = first.sibling();
        match ask(&mut plugin, &text) {
            Ok(answer) if answer.digest() == digest => all.push(plugin),
            _ => refused += 1.0,
        }
    }
    let mut facts = before.since(all.len());
    facts.push(("refused", refused));
    let turn = use_each(all, move |plugin| {
        let result = plugin.process(black_box(&text));
        drop(black_box(result.expect("an answer")));
    });
    Ok(Set {
        digest,
        turn,
        facts,
    })
}

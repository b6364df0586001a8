//! The rows that Extism supports.

use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use extism::convert::Json;
use extism::{CompiledPlugin, Error, Manifest, Plugin, PluginBuilder, Wasm};
use serde::{Deserialize, Serialize};
use turns::{Answer, Digest, Row, Set, Turn, Work, input, make_each, repeat, side_by_side};

#[derive(Serialize)]
struct Input<'a> {
    input: &'a str,
}

#[derive(Deserialize)]
struct Output {
    output: String,
    metadata: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    value: String,
}

type Made<T> = Result<T, Error>;

pub(crate) fn set_up(row: &Row) -> Made<Set> {
    let text = input(row.size);
    match row.kind.as_str() {
        "call" => call(row.work, text),
        "many" => many(row, text),
        "fresh" => fresh(row, text),
        "first" => first(row.work, text, true),
        "cold" => first(row.work, text, false),
        "load" => load(row, &text),
        kind => Err(Error::msg(format!("it has no `{kind}`"))),
    }
}

/// Reads the guest.
fn guest() -> Made<Vec<u8>> {
    let path = std::env::var_os("KUMIKI_BENCH_EXTISM");
    let path = path.ok_or_else(|| Error::msg("KUMIKI_BENCH_EXTISM names no guest"))?;
    Ok(fs::read(path)?)
}

/// Sets up wasmtime's cache, which Extism uses for compiled plugins, in the benchmark's
/// folder.
fn cache() -> Made<PathBuf> {
    let folder = std::env::var_os("KUMIKI_BENCH").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join("extism");
    fs::create_dir_all(&folder)?;
    let config = folder.join("cache.toml");
    let text = format!("[cache]\ndirectory = {:?}\n", folder.join("cache"));
    fs::write(&config, text)?;
    Ok(config)
}

fn compile(wasm: Vec<u8>, cached: bool) -> Made<CompiledPlugin> {
    let manifest = Manifest::new([Wasm::data(wasm)]).with_timeout(Duration::from_secs(10));
    let builder = PluginBuilder::new(manifest);
    match cached {
        true => builder.with_cache_config(cache()?).compile(),
        false => builder.with_cache_disabled().compile(),
    }
}

fn plugin(compiled: &CompiledPlugin) -> Made<Plugin> {
    Plugin::new_from_compiled(compiled)
}

/// Makes one call and parses its answer.
fn process(plugin: &mut Plugin, work: Work, text: &str) -> Made<Answer> {
    match work {
        Work::Upper => {
            let input = Json(Input { input: text });
            let Json(Output { output, metadata }) = plugin.call("upper", input)?;
            let metadata = metadata.into_iter().map(|entry| (entry.key, entry.value));
            Ok(Answer {
                output,
                metadata: metadata.collect(),
            })
        }
        Work::Bare | Work::Echo => {
            let output = plugin.call::<_, String>(work.name(), text)?;
            Ok(Answer::bare(output))
        }
        work => Err(Error::msg(format!("its guest does no `{}`", work.name()))),
    }
}

fn call(work: Work, text: String) -> Made<Set> {
    let mut plugin = plugin(&compile(guest()?, true)?)?;
    let digest = process(&mut plugin, work, &text)?.digest();
    let turn = repeat(1, move || {
        let answer = process(&mut plugin, work, black_box(&text));
        drop(black_box(answer.expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}

fn many(row: &Row, text: String) -> Made<Set> {
    let mut plugin = plugin(&compile(guest()?, true)?)?;
    let texts = vec![text; row.count];
    let mut ask = move || -> Made<Vec<String>> {
        let Json(outputs) = plugin.call::<_, Json<Vec<String>>>("many", Json(&texts))?;
        Ok(outputs)
    };
    let last = ask()?.pop().unwrap_or_default();
    let turn = repeat(row.count, move || {
        drop(black_box(ask().expect("answers")));
    });
    Ok(Set::new(Answer::bare(last).digest(), turn))
}

/// Instantiates a compiled plugin, calls it once and drops it.
fn fresh(row: &Row, text: String) -> Made<Set> {
    let compiled = compile(guest()?, true)?;
    let work = row.work;
    let digest = process(&mut plugin(&compiled)?, work, &text)?.digest();
    let turn: Turn = side_by_side(row.count, move |until| {
        until.each(|| {
            let mut plugin = plugin(&compiled).expect("an instance");
            let answer = process(&mut plugin, work, black_box(&text));
            drop(black_box(answer.expect("an answer")));
        });
    });
    Ok(Set::new(digest, turn))
}

/// From bytes to the first answer.
fn first(work: Work, text: String, cached: bool) -> Made<Set> {
    let wasm = guest()?;
    let ask = move || -> Made<Digest> {
        let mut plugin = plugin(&compile(wasm.clone(), cached)?)?;
        Ok(process(&mut plugin, work, &text)?.digest())
    };
    let digest = ask()?;
    let turn = repeat(1, move || {
        black_box(ask().expect("an answer"));
    });
    Ok(Set::new(digest, turn))
}

/// Loads many plugins one after the other, and keeps them until all are loaded.
fn load(row: &Row, text: &str) -> Made<Set> {
    let guest = guest()?;
    let numbered = |number: usize| {
        // A custom section: its length, its name, its bytes.
        let mut bytes = guest.clone();
        bytes.extend([0, 15, 6]);
        bytes.extend(b"number");
        bytes.extend(number.to_le_bytes());
        bytes
    };
    let guests: Vec<_> = (0..row.count).map(numbered).collect();
    let load = move |number: usize| compile(guests[number].clone(), true);
    let last = (0..row.count).map(&load).last();
    let last = last.ok_or_else(|| Error::msg("no plugin"))??;
    let digest = process(&mut plugin(&last)?, row.work, text)?.digest();
    let turn = make_each(row.count, move |number| load(number).expect("a plugin"));
    Ok(Set::new(digest, turn))
}

/// Upper-cases each line of a file: 256 per call, as in Kumiki.
pub(crate) fn run(path: &str) -> Made<()> {
    const LINES: usize = 256;
    let mut plugin = plugin(&compile(guest()?, true)?)?;
    let mut from = BufReader::with_capacity(64 << 10, fs::File::open(path)?).lines();
    let mut to = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    loop {
        let lines: Vec<String> = from.by_ref().take(LINES).collect::<Result<_, _>>()?;
        if lines.is_empty() {
            return Ok(to.flush()?);
        }
        let Json(outputs) = plugin.call::<_, Json<Vec<String>>>("many", Json(&lines))?;
        for output in outputs {
            writeln!(to, "{output}")?;
        }
    }
}

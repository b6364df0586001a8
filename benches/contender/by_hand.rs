//! The code of an embedder without Kumiki: wasmtime and `bindgen!`, with only a time
//! limit, which every plugin host needs.

use std::hint::black_box;
use std::path::PathBuf;

use kumiki::EngineConfig;
use kumiki::wasmtime::component::{Component, HasSelf, Linker};
use kumiki::wasmtime::{Config, Engine, Result as Ran, Store};
use kumiki_turns::{
    Answer, Digest, Row, Set, Turn, Work, input, make_each, repeat, side_by_side, use_each,
};

use crate::memory::Held;
use crate::plugins;

kumiki::wasmtime::component::bindgen!({
    path: "../wit/text-processor",
    world: "text-plugin",
    wasmtime_crate: kumiki::wasmtime,
});

use exports::myapp::text_processor::plugin::ProcessResult;
use myapp::text_processor::host_api::{Host as HostApi, LogLevel};

/// Epoch ticks that a call may take: 10 s, as in Kumiki.
const TICKS: u64 = 1_001;

/// Counts log messages, like Kumiki's observer.
#[derive(Default)]
struct State {
    log_bytes: usize,
}

impl HostApi for State {
    fn log(&mut self, _: LogLevel, message: String) {
        self.log_bytes += message.len();
    }
    fn get_config(&mut self, _: String) -> Option<String> {
        None
    }
}

impl myapp::text_processor::types::Host for State {}

pub(crate) fn set_up(name: &str, row: &Row) -> Result<Set, String> {
    let text = input(row.size);
    let hand = Hand::new(name, row)?;
    let set = match row.kind.as_str() {
        "call" => hand.call(row.work, text),
        "fresh" => hand.fresh(row, text),
        "first" => hand.first(row.work, text),
        "cold" => hand.cold(row.work, text),
        "load" => hand.load(row, &text),
        "live" => hand.live(row, text),
        kind => return Err(format!("it has no `{kind}`")),
    };
    set.map_err(|error| format!("{error:#}"))
}

/// wasmtime, configured for a contender's name.
#[derive(Clone)]
struct Hand {
    /// The name of its artifacts, which depend on the configuration.
    name: String,
    engine: Engine,
    linker: Linker<State>,
    limited: bool,
    fuel: bool,
}

type Pre = TextPluginPre<State>;

impl Hand {
    fn new(name: &str, row: &Row) -> Result<Self, String> {
        let mut same = EngineConfig::default();
        if row.kind == "live" {
            // As many slots as Kumiki has for this row.
            same = same.with_slots(u32::try_from(row.count + 1).unwrap_or(u32::MAX));
        }
        let (config, limited, fuel) = match name {
            "by-hand" => (same.to_wasmtime(), true, false),
            "by-hand-fuel" => (same.with_fuel(true).to_wasmtime(), true, true),
            "by-hand-default" => (Config::new(), false, false),
            _ => {
                let mut config = same.to_wasmtime();
                config.epoch_interruption(false);
                (config, false, false)
            }
        };
        let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
        let mut linker = Linker::new(&engine);
        TextPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
            .map_err(|error| format!("{error:#}"))?;
        Ok(Self {
            name: name.to_owned(),
            engine,
            linker,
            limited,
            fuel,
        })
    }

    fn pre(&self, component: &Component) -> Ran<Pre> {
        TextPluginPre::new(self.linker.instantiate_pre(component)?)
    }

    fn instance(&self, pre: &Pre) -> Ran<Live> {
        let mut store = Store::new(&self.engine, State::default());
        let live = |store: &mut Store<State>| {
            if self.limited {
                store.set_epoch_deadline(TICKS);
            }
            if self.fuel {
                store.set_fuel(u64::MAX / 2)?;
            }
            pre.instantiate(store)
        };
        let plugin = live(&mut store)?;
        Ok(Live {
            limited: self.limited,
            fuel: self.fuel,
            store,
            plugin,
        })
    }

    fn call(self, work: Work, text: String) -> Ran<Set> {
        let component = Component::from_binary(&self.engine, &component(work)?)?;
        let mut live = self.instance(&self.pre(&component)?)?;
        let digest = live.digest(&text)?;
        let turn = repeat(1, move || {
            drop(black_box(
                live.process(black_box(&text)).expect("an answer"),
            ));
        });
        Ok(Set::new(digest, turn))
    }

    fn fresh(self, row: &Row, text: String) -> Ran<Set> {
        let component = Component::from_binary(&self.engine, &component(row.work)?)?;
        let pre = self.pre(&component)?;
        let digest = self.instance(&pre)?.digest(&text)?;
        let turn: Turn = side_by_side(row.count, move |until| {
            until.each(|| {
                let mut live = self.instance(&pre).expect("an instance");
                drop(black_box(
                    live.process(black_box(&text)).expect("an answer"),
                ));
            });
        });
        Ok(Set::new(digest, turn))
    }

    fn first(self, work: Work, text: String) -> Ran<Set> {
        let file = self.artifact("first", &component(work)?)?;
        let first = move || -> Ran<Digest> {
            let component = map(&self.engine, &file)?;
            self.instance(&self.pre(&component)?)?.digest(&text)
        };
        let digest = first()?;
        let turn = repeat(1, move || {
            black_box(first().expect("an answer"));
        });
        Ok(Set::new(digest, turn))
    }

    fn cold(self, work: Work, text: String) -> Ran<Set> {
        let bytes = component(work)?;
        let first = move || -> Ran<Digest> {
            let component = Component::from_binary(&self.engine, &bytes)?;
            self.instance(&self.pre(&component)?)?.digest(&text)
        };
        let digest = first()?;
        let turn = repeat(1, move || {
            black_box(first().expect("an answer"));
        });
        Ok(Set::new(digest, turn))
    }

    fn load(self, row: &Row, text: &str) -> Ran<Set> {
        let components =
            plugins::distinct(row.work, row.count).map_err(kumiki::wasmtime::Error::msg)?;
        let files: Ran<Vec<_>> = (0_usize..)
            .zip(&components)
            .map(|(number, bytes)| self.artifact(&format!("load-{number}"), bytes))
            .collect();
        let files = files?;
        let hand = self.clone();
        let load = move |number: usize| hand.pre(&map(&hand.engine, &files[number])?);
        let before = Held::now();
        let all: Ran<Vec<_>> = (0..row.count).map(&load).collect();
        let facts = before.since(row.count);
        let digest = self.instance(&all?[row.count - 1])?.digest(text)?;
        let turn = make_each(row.count, move |number| load(number).expect("a plugin"));
        Ok(Set {
            digest,
            turn,
            facts,
        })
    }

    fn live(self, row: &Row, text: String) -> Ran<Set> {
        let component = Component::from_binary(&self.engine, &component(row.work)?)?;
        let pre = self.pre(&component)?;
        let digest = self.instance(&pre)?.digest(&text)?;
        let before = Held::now();
        let (mut all, mut refused) = (Vec::with_capacity(row.count), 0.0);
        for _ in 0..row.count {
            match self.instance(&pre) {
                Ok(mut live) => {
                    live.process(&text)?;
                    all.push(live);
                }
                Err(_) => refused += 1.0,
            }
        }
        let mut facts = before.since(all.len());
        facts.push(("refused", refused));
        let turn = use_each(all, move |live| {
            let result = live.process(black_box(&text));
            drop(black_box(result.expect("an answer")));
        });
        Ok(Set {
            digest,
            turn,
            facts,
        })
    }

    /// Returns the file with a component's machine code in the benchmark's folder, and
    /// compiles it first if necessary.
    fn artifact(&self, name: &str, component: &[u8]) -> Ran<PathBuf> {
        let folder = plugins::folder().join(&self.name);
        std::fs::create_dir_all(&folder)?;
        let text = String::from_utf8_lossy(component).into_owned();
        let digest = Answer::bare(text).digest();
        let file = folder.join(format!("{name}-{digest}.artifact"));
        let kept = Engine::detect_precompiled_file(&file).unwrap_or(None);
        if kept.is_none() || map(&self.engine, &file).is_err() {
            std::fs::write(&file, self.engine.precompile_component(component)?)?;
        }
        Ok(file)
    }
}

fn component(work: Work) -> Ran<Vec<u8>> {
    plugins::component(work).map_err(kumiki::wasmtime::Error::msg)
}

fn map(engine: &Engine, file: &std::path::Path) -> Ran<Component> {
    // SAFETY: this program wrote the file into its own folder below `target`, and does
    // not write to mapped files.
    #[expect(unsafe_code, reason = "the peer of what Kumiki's cache does")]
    unsafe {
        Component::deserialize_file(engine, file)
    }
}

/// One plugin in a store.
struct Live {
    limited: bool,
    fuel: bool,
    store: Store<State>,
    plugin: TextPlugin,
}

impl Live {
    fn process(&mut self, text: &str) -> Ran<ProcessResult> {
        // A limit per call must be set before each call.
        if self.limited {
            self.store.set_epoch_deadline(TICKS);
        }
        if self.fuel {
            self.store.set_fuel(u64::MAX / 2)?;
        }
        let plugin = self.plugin.myapp_text_processor_plugin();
        plugin
            .call_process(&mut self.store, text)?
            .map_err(kumiki::wasmtime::Error::from)
    }

    fn digest(&mut self, text: &str) -> Ran<Digest> {
        let result = self.process(text)?;
        let entries = result.metadata.into_iter();
        let answer = Answer {
            output: result.output,
            metadata: entries.map(|entry| (entry.key, entry.value)).collect(),
        };
        Ok(answer.digest())
    }
}

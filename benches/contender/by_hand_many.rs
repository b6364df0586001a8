//! Many records per call, without Kumiki: as lists, and as flat buffers whose rows are
//! read in place.

use std::hint::black_box;

use kumiki::EngineConfig;
use kumiki::wasmtime::component::{Component, HasSelf, Linker};
use kumiki::wasmtime::{Engine, Error, Result as Ran, Store};
use kumiki_turns::{Answer, Row, Set, input, repeat};

use crate::plugins;

mod batch {
    kumiki::wasmtime::component::bindgen!({
        path: "../wit/text-processor",
        world: "text-plugin-batch",
        ownership: Borrowing { duplicate_if_necessary: true },
        wasmtime_crate: kumiki::wasmtime,
    });
}

mod column {
    kumiki::wasmtime::component::bindgen!({
        path: "../wit/text-processor",
        world: "text-plugin-column",
        ownership: Borrowing { duplicate_if_necessary: true },
        wasmtime_crate: kumiki::wasmtime,
    });
}

use column::exports::myapp::text_processor::column::TextsParam;

/// Epoch ticks that a call may take: 10 s, as in Kumiki.
const TICKS: u64 = 1_001;
/// Records per call, as in Kumiki.
const ROWS: usize = 256;

/// Ignores log messages: the plugin of these rows does not log.
struct State;

impl batch::myapp::text_processor::host_api::Host for State {
    fn log(&mut self, _: batch::myapp::text_processor::host_api::LogLevel, _: String) {}
    fn get_config(&mut self, _: String) -> Option<String> {
        None
    }
}
impl batch::myapp::text_processor::types::Host for State {}

impl column::myapp::text_processor::host_api::Host for State {
    fn log(&mut self, _: column::myapp::text_processor::host_api::LogLevel, _: String) {}
    fn get_config(&mut self, _: String) -> Option<String> {
        None
    }
}
impl column::myapp::text_processor::types::Host for State {}

pub(crate) fn set_up(name: &str, row: &Row) -> Result<Set, String> {
    if row.kind != "many" {
        return Err(format!("it has no `{}`", row.kind));
    }
    let set = match name {
        "by-hand-batch" => by_batch(row),
        _ => by_column(row),
    };
    set.map_err(|error| format!("{error:#}"))
}

fn start(row: &Row) -> Ran<(Component, Linker<State>, Store<State>)> {
    let engine = Engine::new(&EngineConfig::default().to_wasmtime())?;
    let bytes = plugins::component(row.work).map_err(Error::msg)?;
    let mut store = Store::new(&engine, State);
    store.set_epoch_deadline(TICKS);
    let component = Component::from_binary(&engine, &bytes)?;
    Ok((component, Linker::new(&engine), store))
}

fn by_batch(row: &Row) -> Ran<Set> {
    let (component, mut linker, mut store) = start(row)?;
    batch::TextPluginBatch::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    let plugin = batch::TextPluginBatch::instantiate(&mut store, &component, &linker)?;
    let texts = vec![input(row.size); row.count];
    let mut ask = move || -> Ran<Answer> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut last = Answer::default();
        for texts in texts.chunks(ROWS) {
            store.set_epoch_deadline(TICKS);
            let batch = plugin.myapp_text_processor_batch();
            let results = batch.call_process_batch(&mut store, black_box(texts))?;
            for result in black_box(results) {
                last.output = result?.output;
            }
        }
        Ok(last)
    };
    let digest = ask()?.digest();
    let turn = repeat(row.count, move || {
        drop(black_box(ask().expect("answers")));
    });
    Ok(Set::new(digest, turn))
}

/// Texts in the layout that the guest receives.
fn flat(texts: &[String]) -> Ran<(Vec<u32>, Vec<u8>)> {
    let mut offsets = vec![0];
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(text.as_bytes());
        offsets.push(u32::try_from(bytes.len())?);
    }
    Ok((offsets, bytes))
}

fn by_column(row: &Row) -> Ran<Set> {
    let (component, mut linker, mut store) = start(row)?;
    column::TextPluginColumn::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    let plugin = column::TextPluginColumn::instantiate(&mut store, &component, &linker)?;
    // Already flat, as in Kumiki.
    let texts = vec![input(row.size); row.count];
    let calls: Ran<Vec<_>> = texts.chunks(ROWS).map(flat).collect();
    let calls = calls?;
    let mut ask = move || -> Ran<Answer> {
        let mut last = Answer::default();
        for (offsets, bytes) in &calls {
            let texts = TextsParam { offsets, bytes };
            store.set_epoch_deadline(TICKS);
            let column = plugin.myapp_text_processor_column();
            let result = column.call_process_column(&mut store, texts)?;
            let text = std::str::from_utf8(&result.outputs.bytes)?;
            for row in result.outputs.offsets.windows(2) {
                let row = text.get(row[0] as usize..row[1] as usize);
                black_box(row.ok_or_else(|| Error::msg("offsets out of bounds"))?);
            }
            if let [.., from, to] = result.outputs.offsets[..] {
                last.output = text[from as usize..to as usize].to_owned();
            }
        }
        Ok(last)
    };
    let digest = ask()?.digest();
    let turn = repeat(row.count, move || {
        drop(black_box(ask().expect("answers")));
    });
    Ok(Set::new(digest, turn))
}

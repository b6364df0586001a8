//! A plugin that waits, with wasmtime and without Kumiki.

use std::hint::black_box;

use kumiki::wasmtime::component::{Component, Linker, ResourceTable};
use kumiki::wasmtime::{Engine, Result as Ran, Store};
use kumiki::{EngineConfig, wasmtime};
use kumiki_turns::{Answer, Row, Set, input, repeat};
use test_components::guests::Guest;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

wasmtime::component::bindgen!({
    path: "../wit/text-processor",
    world: "text-plugin-concurrent",
    wasmtime_crate: kumiki::wasmtime,
});

use myapp::text_processor::host_api::{Host as HostApi, LogLevel};

/// Epoch ticks that a call may take: 10 s, as in Kumiki.
const TICKS: u64 = 1_001;

#[derive(Default)]
struct State {
    wasi: WasiCtx,
    table: ResourceTable,
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

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    let file = Guest::find("wait-rust").path()?.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| error.to_string())?;
    let mut live = runtime
        .block_on(Live::new(&file))
        .map_err(|error| format!("{error:#}"))?;
    let text = input(row.size);
    let output = runtime.block_on(live.process(&text));
    let output = output.map_err(|error| format!("{error:#}"))?;
    let turn = repeat(1, move || {
        let output = runtime.block_on(live.process(black_box(&text)));
        drop(black_box(output.expect("an answer")));
    });
    Ok(Set::new(Answer::bare(output).digest(), turn))
}

struct Live {
    store: Store<State>,
    plugin: TextPluginConcurrent,
}

impl Live {
    async fn new(file: &std::path::Path) -> Ran<Self> {
        let config = EngineConfig::default().with_slots(0).with_concurrency(true);
        let engine = Engine::new(&config.to_wasmtime())?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        TextPluginConcurrent::add_to_linker::<_, wasmtime::component::HasSelf<_>>(
            &mut linker,
            |state: &mut State| state,
        )?;
        let component = Component::from_file(&engine, file)?;
        let mut store = Store::new(&engine, State::default());
        store.set_epoch_deadline(TICKS);
        let pre = TextPluginConcurrentPre::new(linker.instantiate_pre(&component)?)?;
        let plugin = pre.instantiate_async(&mut store).await?;
        Ok(Self { store, plugin })
    }

    async fn process(&mut self, text: &str) -> Ran<String> {
        self.store.set_epoch_deadline(TICKS);
        let concurrent = self.plugin.myapp_text_processor_concurrent();
        let result = self
            .store
            .run_concurrent(async |accessor| {
                concurrent
                    .call_process_concurrent(accessor, text.to_owned())
                    .await
            })
            .await??;
        Ok(result?.output)
    }
}

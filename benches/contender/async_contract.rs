//! Kumiki with an asynchronous contract of the embedder's own. The calls follow each
//! other in one task of a tokio runtime.

use std::hint::black_box;

use kumiki::{Host, HostState, Instance};
use kumiki_turns::{Answer, Row, Set, input, repeat};
use tokio::runtime::Builder;

use crate::message::with_causes;
use crate::plugins;

kumiki::contract!(Text {
    path: "../wit/text-processor",
    world: "text-plugin",
    data: usize,
    async: true,
});

use text::exports::myapp::text_processor::plugin::ProcessResult;
use text::myapp::text_processor::host_api;

/// The number of calls per task: starting a runtime's task is not what is measured.
const CALLS: usize = 64;

/// The data is the number of bytes logged, which the other contenders count too.
impl host_api::Host for HostState<usize> {
    async fn log(&mut self, _: host_api::LogLevel, message: String) {
        self.data += message.len();
    }
    async fn get_config(&mut self, _: String) -> Option<String> {
        None
    }
}

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    if row.kind != "call" {
        return Err(format!("it has no `{}`", row.kind));
    }
    let (component, text) = (plugins::component(row.work)?, input(row.size));
    let host = Host::<Text>::new().map_err(with_causes)?;
    let plugin = host.load_bytes("text", &component).map_err(with_causes)?;
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(with_causes)?;
    let instance = runtime.block_on(plugin.instantiate_async(0));
    let mut instance = instance.map_err(with_causes)?;
    let digest = answer(runtime.block_on(process(&mut instance, &text))).digest();
    let turn = repeat(CALLS, move || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                drop(black_box(process(&mut instance, black_box(&text)).await));
            }
        });
    });
    Ok(Set::new(digest, turn))
}

async fn process(instance: &mut Instance<Text>, text: &str) -> ProcessResult {
    let call = async |plugin: &text::TextPlugin, store: &mut _| {
        let plugin = plugin.myapp_text_processor_plugin();
        plugin.call_process(store, text).await
    };
    let result = instance.call_async("process", call).await;
    result.expect("a result").expect("an answer")
}

fn answer(result: ProcessResult) -> Answer {
    let entries = result.metadata.into_iter();
    Answer {
        output: result.output,
        metadata: entries.map(|entry| (entry.key, entry.value)).collect(),
    }
}

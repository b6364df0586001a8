//! Kumiki with a contract of the embedder's own.

use std::hint::black_box;

use kumiki::{Host, HostState, Instance};
use kumiki_turns::{Answer, Row, Set, input, repeat};

use crate::message::with_causes;
use crate::plugins;

kumiki::contract!(Text {
    path: "../wit/text-processor",
    world: "text-plugin",
    data: usize,
});

use text::exports::myapp::text_processor::plugin::ProcessResult;
use text::myapp::text_processor::host_api;

/// The data is the number of bytes logged, which the other contenders count too.
impl host_api::Host for HostState<usize> {
    fn log(&mut self, _: host_api::LogLevel, message: String) {
        self.data += message.len();
    }
    fn get_config(&mut self, _: String) -> Option<String> {
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
    let mut instance = plugin.instantiate(0).map_err(with_causes)?;
    let digest = answer(process(&mut instance, &text)).digest();
    let turn = repeat(1, move || {
        drop(black_box(process(&mut instance, black_box(&text))));
    });
    Ok(Set::new(digest, turn))
}

fn process(instance: &mut Instance<Text>, text: &str) -> ProcessResult {
    let call = |plugin: &text::TextPlugin, store: &mut _| {
        let plugin = plugin.myapp_text_processor_plugin();
        plugin.call_process(store, text)
    };
    let result = instance.call("process", call).expect("a result");
    result.expect("an answer")
}

fn answer(result: ProcessResult) -> Answer {
    let entries = result.metadata.into_iter();
    Answer {
        output: result.output,
        metadata: entries.map(|entry| (entry.key, entry.value)).collect(),
    }
}

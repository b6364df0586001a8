//! QuickJS in process, by rquickjs.

use std::hint::black_box;

use rquickjs::{Context, Ctx, Function, Module, Object, Persistent, Runtime};
use turns::{Answer, Row, Set, Work, input, repeat};

/// A JavaScript plugin that does the same as `text-upper`.
const UPPER: &str = r#"
export const plugin = {
  process(input) {
    log("info", `Processed ${input.length} characters`);
    return {
      output: input.toUpperCase(),
      metadata: [
        { key: "original_length", value: String(input.length) },
        { key: "transform", value: "uppercase" },
      ],
    };
  },
};
"#;
const ECHO: &str = "export const plugin = { process: (output) => ({ output, metadata: [] }) };";
const BARE: &str =
    "export const plugin = { process: (it) => ({ output: it.toUpperCase(), metadata: [] }) };";

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    let source = source(row.work)?;
    let text = input(row.size);
    match row.kind.as_str() {
        "call" => call(&source, text),
        "fresh" if row.count == 1 => fresh(source, text),
        kind => Err(format!("it has no `{kind}` of {}", row.count)),
    }
}

fn source(work: Work) -> Result<String, String> {
    match work {
        Work::Upper => Ok(UPPER.to_owned()),
        Work::Echo => Ok(ECHO.to_owned()),
        Work::Bare => Ok(BARE.to_owned()),
        Work::Words => {
            let guests = std::env::var("KUMIKI_BENCH_GUESTS").unwrap_or_default();
            let path = format!("{guests}/examples/text-wordcount-js/plugin.js");
            let source =
                std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            // `log` is a global here, instead of the contract's import.
            let lines = source.lines().filter(|line| !line.starts_with("import "));
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
        work => Err(format!("no `{}` in JavaScript", work.name())),
    }
}

/// The plugin and the function that processes.
type Plugin = (Persistent<Object<'static>>, Persistent<Function<'static>>);

fn load(ctx: &Ctx<'_>, source: &str) -> rquickjs::Result<Plugin> {
    let log = |_level: String, message: String| {
        black_box(message.len());
    };
    ctx.globals().set("log", Function::new(ctx.clone(), log)?)?;
    let (module, done) = Module::declare(ctx.clone(), "plugin", source)?.eval()?;
    done.finish::<()>()?;
    let plugin: Object<'_> = module.get("plugin")?;
    let process: Function<'_> = plugin.get("process")?;
    Ok((
        Persistent::save(ctx, plugin),
        Persistent::save(ctx, process),
    ))
}

fn process(ctx: &Ctx<'_>, plugin: &Plugin, text: &str) -> rquickjs::Result<Answer> {
    let this = plugin.0.clone().restore(ctx)?;
    let function = plugin.1.clone().restore(ctx)?;
    let result: Object<'_> = function.call((rquickjs::function::This(this), text))?;
    let entries: Vec<Object<'_>> = result.get("metadata")?;
    let entries = entries.iter();
    let metadata: rquickjs::Result<_> = entries
        .map(|entry| Ok((entry.get("key")?, entry.get("value")?)))
        .collect();
    Ok(Answer {
        output: result.get("output")?,
        metadata: metadata?,
    })
}

/// A runtime, which must outlive the objects that it created.
struct Live {
    plugin: Option<Plugin>,
    context: Context,
}

impl Live {
    fn new(source: &str) -> Result<Self, String> {
        let made = || {
            let context = Context::full(&Runtime::new()?)?;
            let plugin = context.with(|ctx| load(&ctx, source))?;
            rquickjs::Result::Ok(Self {
                plugin: Some(plugin),
                context,
            })
        };
        made().map_err(|error| error.to_string())
    }

    fn ask(&self, text: &str) -> Result<Answer, String> {
        let plugin = self.plugin.as_ref().ok_or("it has ended")?;
        let answer = self.context.with(|ctx| process(&ctx, plugin, text));
        answer.map_err(|error| error.to_string())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let plugin = self.plugin.take();
        self.context.with(|_| drop(plugin));
    }
}

fn call(source: &str, text: String) -> Result<Set, String> {
    let live = Live::new(source)?;
    let digest = live.ask(&text)?.digest();
    let turn = repeat(1, move || {
        drop(black_box(live.ask(black_box(&text)).expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}

/// Creates a runtime for a single call.
fn fresh(source: String, text: String) -> Result<Set, String> {
    let digest = Live::new(&source)?.ask(&text)?.digest();
    let turn = repeat(1, move || {
        let live = Live::new(&source).expect("a runtime");
        drop(black_box(live.ask(black_box(&text)).expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}

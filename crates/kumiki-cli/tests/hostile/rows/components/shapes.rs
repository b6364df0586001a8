//! Rows: small components that are expensive to validate, compile or instantiate,
//! because of the shape of their code or the needs of their core instances.

use std::time::{Duration, Instant};

use kumiki::{Budget, Limits};
use kumiki_text::{Config, TextHost};
use test_components::TextPlugin;

use crate::guests::binary::with_section;
use crate::program::Scene;
use crate::suite::Outcome::{Answer, Limit, TooLarge};
use crate::suite::{Case, Seen, to_text};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = code();
    cases.extend(instances());
    cases.push(
        Case::in_scene("kumiki: shapes that are expensive to compile", |scene| {
            refused_by_the_program(scene)
        })
        .timeout(120),
    );
    cases
}

/// A row whose plugin has these additional items.
fn items(
    name: &'static str,
    message: &'static str,
    items: impl Fn() -> String + Send + 'static,
) -> Case {
    Case::bytes(name, TooLarge, message, move || plugin(&items()))
}

fn code() -> Vec<Case> {
    vec![
        items(
            "a function of 200 results",
            "parameters and results of one function",
            || many_results(200),
        ),
        items(
            "3,000 nested blocks of 128 results",
            "values passed by the calls, blocks and branches of one function",
            || nested_blocks(3_000),
        ),
        items(
            "5,000 calls of a function of 64 parameters",
            "values passed by the calls, blocks and branches of one function",
            || calls(5_000),
        ),
        items("300,000 nested blocks", "levels of nested blocks", || {
            let (begin, end) = ("block ".repeat(300_000), "end ".repeat(300_000));
            format!("(func {begin} {end})")
        }),
        items(
            "50 loops and 20,000 local variables",
            "pairs of a loop and a local variable",
            || loops(50),
        ),
        items(
            "300 blocks and 20,000 local variables",
            "pairs of a block and a local variable",
            || {
                let locals = " i32".repeat(20_000);
                let blocks = "(block (br_if 0 (i32.const 0)))".repeat(300);
                format!("(func (local{locals}) {blocks})")
            },
        ),
        Case::bytes("20,000 modules", TooLarge, "modules and components", || {
            let empty = b"\0asm\x01\0\0\0";
            (0..20_000).fold(plugin(""), |bytes, _| with_section(bytes, 1, empty))
        }),
        // Within the limits.
        Case::bytes("9,000 globals", Answer, "", || plugin(&globals(9_000))),
        Case::bytes("4 loops and 20,000 local variables", Answer, "", || {
            plugin(&loops(4))
        })
        .within(512)
        .timeout(240),
    ]
}

fn instances() -> Vec<Case> {
    vec![
        Case::bytes(
            "600 instances of 9,000 globals",
            TooLarge,
            "bytes of globals, functions and tables, counted for each core instance",
            || instantiated(&globals(9_000), 600),
        ),
        Case::bytes(
            "200 instances of 8 MB of data",
            TooLarge,
            "bytes of data, counted for each core instance",
            || {
                let data = "a".repeat(8_000_000);
                instantiated(
                    &format!("(memory 200) (data (i32.const 0) \"{data}\")"),
                    200,
                )
            },
        ),
        Case::bytes("50 instances of 9,000 globals", Answer, "", || {
            instantiated(&globals(9_000), 50)
        }),
        Case::new(
            "400 instances of 9,000 globals, with a budget of 20 MB",
            Limit,
            "memory of 20000000 bytes for all plugins together",
            || setup(Limits::default(), Budget::new(20_000_000)),
        ),
        Case::new(
            "400 instances of 9,000 globals, with a memory limit of 32 MiB",
            Limit,
            "memory of 32 MiB for an instance",
            || {
                let limits = Limits::default().with_memory(32 << 20);
                setup(limits, Budget::new(1 << 30))
            },
        ),
    ]
}

/// Loads a plugin whose core instances need 57 MB of the host, and creates an instance.
/// The second time, the plugin comes from the cache, with the same outcome.
fn setup(limits: Limits, budget: Budget) -> Result<Seen, String> {
    let folder = tempfile::tempdir().map_err(to_text)?;
    let cache = kumiki::Cache::open(folder.path().join("cache")).ok();
    let host = TextHost::builder().limits(limits).budget(budget.clone());
    let host = host.cache(cache).build().map_err(to_text)?;
    let bytes = instantiated(&globals(9_000), 400);
    let mut seen = Seen::answer();
    for _ in 0..2 {
        let plugin = host.load_bytes("hostile.wasm", &bytes).map_err(to_text)?;
        let start = Instant::now();
        seen = match kumiki_text::TextPlugin::new(plugin, Config::default()) {
            Ok(_) => Seen::answer(),
            Err(error) => error.into(),
        };
        if start.elapsed() > Duration::from_secs(2) {
            return Err(format!("it took {:?}", start.elapsed()));
        }
        if budget.memory_used() > 0 {
            return Err(format!("{} bytes are still charged", budget.memory_used()));
        }
    }
    Ok(seen)
}

fn plugin(items: &str) -> Vec<u8> {
    TextPlugin::new("hostile").items(items).build()
}

/// A plugin with this many additional instances of a module with these items.
fn instantiated(items: &str, times: usize) -> Vec<u8> {
    let instances = "(core instance (instantiate $m))".repeat(times);
    let text = format!("(component (core module $m {items}) {instances})");
    // An additional component after the one that lifts the plugin's functions, and an
    // instance of it.
    let bytes = with_section(plugin(""), 4, &test_components::parse(&text));
    with_section(bytes, 5, &[1, 0, 1, 0])
}

fn many_results(results: usize) -> String {
    let values = "(i32.const 0)".repeat(results);
    format!("(func (result{}) {values})", " i32".repeat(results))
}

fn nested_blocks(blocks: usize) -> String {
    let results = " i32".repeat(128);
    let (begin, end) = ("block (type $wide) ".repeat(blocks), "end ".repeat(blocks));
    let (values, drops) = ("i32.const 0 ".repeat(128), "drop ".repeat(128));
    format!("(type $wide (func (result{results}))) (func {begin} {values} {end} {drops})")
}

fn calls(calls: usize) -> String {
    let (types, values) = (" i32".repeat(64), "i32.const 0 ".repeat(64));
    let gets: String = (0..64).map(|it| format!("local.get {it} ")).collect();
    let (calls, drops) = ("call $same ".repeat(calls), "drop ".repeat(64));
    format!("(func $same (param{types}) (result{types}) {gets}) (func {values} {calls} {drops})")
}

fn loops(loops: usize) -> String {
    let locals = " i32".repeat(20_000);
    let gets: String = (0..20_000)
        .map(|it| format!("local.get {it} drop "))
        .collect();
    let (begin, end) = (
        "loop ".repeat(loops),
        "i32.const 0 br_if 0 end ".repeat(loops),
    );
    format!("(func (local{locals}) {begin} {gets} {end})")
}

fn constant() -> String {
    let sum = "i32.const 0 i32.add ".repeat(100_000);
    format!("(global i32 i32.const 0 {sum})")
}

fn globals(globals: usize) -> String {
    "(global i64 (i64.const 1))".repeat(globals)
}

/// Every command must report what is too large, within 5 s and 128 MiB.
fn refused_by_the_program(scene: &Scene) -> Result<(), String> {
    scene.file("work/input.txt", "a\n")?;
    for (items, message) in [
        (many_results(1_000), "parameters and results"),
        (nested_blocks(3_000), "values passed"),
        (loops(50), "pairs of a loop"),
        (constant(), "constant expressions"),
    ] {
        scene.file("work/p.wasm", plugin(&items))?;
        for (arguments, code) in [
            ("inspect p.wasm", 0),
            ("check p.wasm", 1),
            ("doctor p.wasm", 1),
            ("run --plugin p.wasm input.txt", 1),
        ] {
            let start = Instant::now();
            let output = scene.run(arguments)?;
            output.expect_within(code, 128)?;
            let text = output.whole_text()?;
            if !text.contains(message) || start.elapsed() > Duration::from_secs(5) {
                return Err(format!("{arguments}: {:?}: {output:?}", start.elapsed()));
            }
        }
    }
    Ok(())
}

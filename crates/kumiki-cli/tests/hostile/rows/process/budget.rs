//! Rows: many plugins that together use too much memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use kumiki::{Budget, Limits};
use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::TextPlugin as Guest;

use crate::guests::{attacker, number, repeated};
use crate::program::Scene;
use crate::suite::Outcome::Limit;
use crate::suite::{Case, Seen, to_text};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "64 instances of 1 GiB, with a budget of 2 GiB",
            Limit,
            "memory of 2 GiB for all plugins together",
            many_instances,
        )
        .within(320)
        .timeout(60),
        Case::new(
            "tables of 7 MB, with a budget of 20 MB",
            Limit,
            "memory of 20000000 bytes for all plugins together",
            many_tables,
        ),
        Case::check(
            "4 GiB requested in a loop next to a plugin that grows",
            greedy_neighbour,
        ),
        Case::in_scene(
            "64 workers of 64 MiB, with --total-memory 256MiB",
            many_workers,
        )
        .timeout(60),
    ]
}

/// Grows memory by this many pages and writes to each, or traps.
fn grows(pages: u32) -> String {
    let write_to_page = "(i32.store (local.get $a) (i32.const 1))
        (local.set $a (i32.add (local.get $a) (i32.const 65536)))";
    format!(
        "(local.set $a (memory.grow {}))
         (if (i32.eq (local.get $a) (i32.const -1)) (then unreachable))
         (local.set $a (i32.shl (local.get $a) (i32.const 16)))
         {}",
        number(pages.into()),
        repeated("$b", pages, write_to_page)
    )
}

fn host(budget: &Budget) -> Result<TextHost, String> {
    let host = TextHost::builder().budget(budget.clone()).build();
    host.map_err(to_text)
}

fn plugin(host: &TextHost, guest: &Guest) -> Result<TextPlugin, String> {
    let plugin = host
        .load_bytes("hostile.wasm", &guest.build())
        .map_err(to_text)?;
    TextPlugin::new(plugin, Config::default()).map_err(to_text)
}

/// Each instance grows on its own thread and keeps its memory.
fn many_instances() -> Result<Seen, String> {
    let budget = Budget::new(2 << 30);
    let host = host(&budget)?;
    // The limit of each instance is 1 GiB, and it starts with two pages.
    let first = plugin(&host, &attacker(&grows(16_382)))?;
    let all: Vec<_> = (0..64).map(|_| first.sibling()).collect();
    let ended = thread::scope(|scope| {
        let start = |mut plugin: TextPlugin| {
            scope.spawn(move || {
                let ended = plugin.process("attack").map(drop);
                (ended, plugin)
            })
        };
        let threads: Vec<_> = all.into_iter().map(start).collect();
        let ended = threads.into_iter().map(thread::ScopedJoinHandle::join);
        ended.collect::<Result<Vec<_>, _>>()
    });
    let (ended, plugins): (Vec<_>, Vec<_>) = ended
        .map_err(|_| "a thread panicked".to_owned())?
        .into_iter()
        .unzip();
    let held = budget.memory_used();
    if held > budget.memory() {
        return Err(format!("{held} bytes are charged"));
    }
    let grown = ended.iter().filter(|ended| ended.is_ok()).count();
    if grown > 2 {
        return Err(format!("{grown} of them grew"));
    }
    drop((plugins, first));
    if budget.memory_used() != 0 {
        return Err(format!("{} bytes are not returned", budget.memory_used()));
    }
    match ended.into_iter().find_map(Result::err) {
        Some(error) => Ok(error.into()),
        None => Ok(Seen::answer()),
    }
}

/// A third instance is refused until one of the first two is dropped.
fn many_tables() -> Result<Seen, String> {
    let guest = Guest::new("hostile").items("(table 900000 funcref)");
    let host = host(&Budget::new(20_000_000))?;
    let loaded = host.load_bytes("hostile.wasm", &guest.build());
    let loaded = loaded.map_err(to_text)?;
    let make = || TextPlugin::new(loaded.clone(), Config::default());
    let (_one, two) = (make().map_err(to_text)?, make().map_err(to_text)?);
    let Err(error) = make() else {
        return Err("there is room for a third".into());
    };
    drop(two);
    make().map_err(|error| format!("the room was not returned: {error}"))?;
    Ok(error.into())
}

/// A refused growth is not charged, so it does not affect other plugins.
fn greedy_neighbour() -> Result<(), String> {
    let budget = Budget::new(64 << 20);
    let limits = Limits::default().with_memory(4 << 30);
    let host = TextHost::builder().budget(budget).limits(limits).build();
    let host = host.map_err(to_text)?;
    let mut greedy = plugin(&host, &attacker("(drop (memory.grow (i32.const 65000)))"))?;
    let mut modest = plugin(&host, &attacker(&grows(1)))?;
    let (ends, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let greedy = scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) && greedy.process("attack").is_ok() {
                requests.fetch_add(1, Ordering::Relaxed);
            }
        });
        // On a busy machine the other thread may start late.
        while requests.load(Ordering::Relaxed) == 0 && !greedy.is_finished() {
            thread::yield_now();
        }
        let grown = (0..900).try_for_each(|_| modest.process("attack").map(drop));
        ends.store(true, Ordering::Relaxed);
        grown.map_err(to_text)
    })?;
    match requests.load(Ordering::Relaxed) {
        0 => Err("no call requested too much".into()),
        _ => Ok(()),
    }
}

/// A refused growth fails only its record, and the process of the program stays small.
fn many_workers(scene: &Scene) -> Result<String, String> {
    let whole = "(local.set $a (memory.grow (i32.const 1022)))
        (if (i32.eq (local.get $a) (i32.const -1)) (then unreachable))
        (memory.fill (i32.const 131072) (i32.const 1) (i32.const 66977792))";
    scene.file("work/hostile.wasm", attacker(whole).build())?;
    scene.file("work/input", "attack\n".repeat(500))?;
    let output =
        scene.run("run -p hostile.wasm -o jsonl --fresh --jobs 64 --total-memory 256MiB input")?;
    let lines = output.stdout.whole()?.lines().count();
    if !matches!(output.code, Some(0 | 1)) || lines != 500 {
        return Err(format!("{lines} lines: {output:?}"));
    }
    output.within(256 + 128)
}

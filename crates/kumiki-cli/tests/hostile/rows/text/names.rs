//! Rows: long names, names that expand, and names with invisible characters: of
//! functions, modules, imports, types and plugins.

use kumiki::{Grants, Limits, is_invisible};
use kumiki_text::Error;
use test_components::{TextPlugin as Guest, parse};

use crate::guests::binary::doubling;
use crate::guests::{attacker, debug_info, named, text_at};
use crate::program::{Output, Scene, run};
use crate::suite::Outcome::{Name, TooLarge, Trap, WrongType};
use crate::suite::granted::load;
use crate::suite::{Case, Seen, to_text};

/// The maximum size of one error in bytes, including its backtrace.
const MAX_ERROR: usize = 16 << 10;
/// The number of records. Each fails with one error.
const RECORDS: usize = 8;
/// Shows backtraces.
const RUN: &str = "run -v --plugin p.wasm input.txt";
/// The maximum memory of the program, in MiB.
const MAX_MEMORY: usize = 256;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = in_traps();
    cases.extend(in_reports());
    cases.extend(of_plugins());
    cases
}

fn in_traps() -> Vec<Case> {
    let long = "long-".repeat(18_000);
    let hidden = "a\u{1b}[2J\u{202e}b\u{200b}c\u{e0041}d";
    vec![
        Case::check("a name that expands, in a trap", || {
            traps(&recursive(&expanding(24)), &[])
        }),
        Case::check("debug information that expands, in a trap", || {
            let guest = attacker("unreachable").items(&debug_info::sections(2_000, 1 << 20));
            // This makes wasmtime read debug information by default.
            traps(&guest, &[("WASMTIME_BACKTRACE_DETAILS", "1")])
        })
        .timeout(180),
        Case::new(
            "names of 90 KB in every frame of a trap",
            Trap,
            "left out",
            {
                let guest = recursive(&long);
                move || whole_error(&guest)
            },
        ),
        Case::new("a thousand frames in a trap", Trap, "left out", || {
            whole_error(&recursive("f"))
        }),
        Case::new("hidden characters in names, in a trap", Trap, "u{202e}", {
            let guest = recursive(hidden);
            move || whole_error(&guest)
        }),
    ]
}

fn in_reports() -> Vec<Case> {
    let function = |name: &str| format!("(import \"{name}\" (func))");
    vec![
        Case::bytes(
            "an import with a name of 90 KB",
            TooLarge,
            "bytes in a name",
            {
                let import = function(&"a".repeat(90_000));
                move || parse(&format!("(component {import})"))
            },
        ),
        Case::bytes("25 functions of 16,384 parts", WrongType, "log", || {
            let functions = (0..25).map(|number| {
                let name = if number == 0 {
                    "log".into()
                } else {
                    format!("f{number}")
                };
                format!("(export \"{name}\" (func (param \"x\" $t13)))")
            });
            parse(&format!(
                "(component {} (import \"myapp:text-processor/host-api\" (instance {})))",
                doubling(13),
                functions.collect::<String>()
            ))
        })
        .within(32),
        Case::check("producers with names of 90 KB, inspected", || {
            let maker = format!("\\1b[2J\\e2\\80\\ae{}", "m".repeat(90_000));
            let makers = (0..200).map(|number| format!("(processed-by \"{number}{maker}\" \"1\")"));
            let makers = makers.collect::<String>();
            let guest = Guest::new("x").items(&format!("(@producers {makers})"));
            inspected(&guest.build())
        }),
        Case::check(
            "a type with a name of 9 KB, used 8,192 times, inspected",
            || {
                let name = "n".repeat(9_000);
                let uses = (1..=13).map(|level| {
                    let before = level - 1;
                    format!("(type $t{level} (tuple $t{before} $t{before}))")
                });
                inspected(&parse(&format!(
                    "(component (import \"a:b/c\" (instance
                    (type $r (record (field \"f\" u8)))
                    (export \"{name}\" (type $t0 (eq $r))) {}
                    (export \"f\" (func (param \"x\" $t13))))))",
                    uses.collect::<String>()
                )))
            },
        )
        .timeout(180),
    ]
}

fn of_plugins() -> Vec<Case> {
    const VERSION: &str = "1.0\u{1b}[2J";
    let refused = |name, message, guest: Guest| Case::guest(name, Name, message, guest);
    vec![
        Case::check("a name of 100 MB, and records that fail", || {
            let name =
                "(drop (memory.grow (i32.const 1600)))".to_owned() + &text_at(131_072, 100_000_000);
            refused_by_the_program(&attacker("unreachable").get_name(&name))
        }),
        refused(
            "a name of 257 bytes",
            "257 bytes",
            with_name(&"n".repeat(257)),
        ),
        refused(
            "an escape sequence in the version",
            "version: it contains the character `\\u{1b}`",
            Guest::new("hostile")
                .data(300, VERSION)
                .get_version(&text_at(300, VERSION.len())),
        ),
        refused(
            "an invisible character in the name",
            "name: it contains the character `\\u{200b}`",
            with_name("pay\u{200b}pal"),
        ),
        refused(
            "tag characters in the name",
            "name: it contains the character `\\u{e0041}`",
            with_name("text\u{e0041}"),
        ),
    ]
}

/// A mangled C++ name whose demangled form doubles at each level: a type with two
/// parameters, each of them the type of the previous level. 24 levels have 170 bytes
/// mangled and 130 MB demangled.
fn expanding(levels: usize) -> String {
    let mut name = String::from("_Z1f1AI");
    name.push_str(&"S_I".repeat(levels - 1));
    name.push_str("iiE");
    for level in 0..levels - 1 {
        let digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[level] as char;
        name.push_str(&format!("S{digit}_E"));
    }
    name
}

/// A guest that traps a thousand calls deep, in a function with this name.
fn recursive(name: &str) -> Guest {
    let quoted = name.escape_default().to_string().replace("\\'", "'");
    attacker(&format!("(call $\"{quoted}\" (i32.const 1000))")).items(&format!(
        "(func $\"{quoted}\" (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $\"{quoted}\" (i32.sub (local.get 0) (i32.const 1))))"
    ))
}

/// A plugin with this name.
fn with_name(name: &str) -> Guest {
    named(Guest::new("hostile"), name)
}

/// Attacks the library. Message and backtrace of the trap must be bounded together, and
/// must not contain invisible characters.
fn whole_error(guest: &Guest) -> Result<Seen, String> {
    let plugin = load(guest, Grants::default(), Limits::default());
    let mut plugin = plugin.map_err(to_text)?;
    let Err(error) = plugin.process("attack") else {
        return Err("it did not trap".to_owned());
    };
    let backtrace = match &error {
        Error::Host(error) => error.backtrace().unwrap_or_default(),
        _ => "",
    };
    let whole = format!("{error}\n{backtrace}");
    if whole.len() > MAX_ERROR {
        return Err(format!("an error of {} bytes", whole.len()));
    }
    if whole.contains(|c| is_invisible(c) && c != '\n') {
        return Err(format!("an error with hidden characters: {whole:?}"));
    }
    let mut seen = Seen::from(error);
    seen.message = whole;
    Ok(seen)
}

/// A scene with the plugin and an input in which every record makes it fail.
fn scene(plugin: &[u8]) -> Result<Scene, String> {
    let scene = Scene::new()?;
    scene.file("work/p.wasm", plugin)?;
    scene.file("work/input.txt", "attack\n".repeat(RECORDS))?;
    Ok(scene)
}

/// Runs the program on a guest that traps for every record.
fn traps(guest: &Guest, variables: &[(&str, &str)]) -> Result<(), String> {
    let scene = scene(&guest.build())?;
    let mut command = scene.command(RUN);
    command.envs(variables.iter().copied());
    let output = run(&mut command)?;
    // In addition to the errors there are a few lines about the run.
    bounded(&output, RECORDS * MAX_ERROR + 4096)?;
    output.expect(1, &["unreachable"])?;
    output.within(MAX_MEMORY).map(drop)
}

/// Runs the program on a plugin that it must refuse before the first record.
fn refused_by_the_program(guest: &Guest) -> Result<(), String> {
    let output = scene(&guest.build())?.run(RUN)?;
    bounded(&output, MAX_ERROR)?;
    output.expect(1, &["has an invalid name", "hint"])?;
    output.within(MAX_MEMORY).map(drop)
}

/// Inspects a file. Both forms of the report must be bounded.
fn inspected(bytes: &[u8]) -> Result<(), String> {
    let scene = scene(bytes)?;
    for arguments in ["inspect p.wasm --json", "inspect p.wasm"] {
        let output = scene.run(arguments)?;
        output.expect_within(0, MAX_MEMORY)?;
        let length = output.stdout.length;
        if length > 4 << 20 {
            return Err(format!("a report of {length} bytes"));
        }
    }
    Ok(())
}

/// Fails if a stream is longer than `max` bytes, or contains an invisible character.
fn bounded(output: &Output, max: usize) -> Result<(), String> {
    for stream in [&output.stdout, &output.stderr] {
        if stream.length > max as u64 {
            return Err(format!("{} bytes were written", stream.length));
        }
        if stream.whole()?.contains(|c| is_invisible(c) && c != '\n') {
            return Err(format!("hidden characters: {stream:?}"));
        }
    }
    Ok(())
}

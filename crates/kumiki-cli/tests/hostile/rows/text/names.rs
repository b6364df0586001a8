//! Those that choose long names, names that stand for longer ones, and names that a
//! terminal obeys: of functions, modules, imports, types, and of themselves.

use std::path::Path;

use kumiki::{Limits, is_invisible};
use kumiki_text::{Config, Error, TextHost, TextPlugin};
use tempfile::TempDir;
use test_components::{TextPlugin as Guest, parse};

use crate::guests::debug_info;
use crate::guests::{attacker, number};
use crate::program::process::{Ran, command, run, run_command};
use crate::suite::Outcome::{Answer, Name, Trap, UnknownImport, WrongType};
use crate::suite::{Case, Seen};

/// Bytes of all that one error says, its backtrace included.
const ERROR: usize = 16 << 10;
/// Records of an input that fail, one error each.
const RECORDS: usize = 8;
/// MiB that the program may hold that runs or inspects such a plugin.
const HELD: usize = 256;

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
        Case::new("a name that unfolds, in a trap", Answer, "", || {
            traps(&recursive(&unfolding(24)), &[])
        }),
        Case::new(
            "debug information that unfolds, in a trap",
            Answer,
            "",
            || {
                let guest = attacker("unreachable").items(&debug_info::sections(2_000, 1 << 20));
                // What wasmtime looks at by default.
                traps(&guest, &[("WASMTIME_BACKTRACE_DETAILS", "1")])
            },
        )
        .patience(180),
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
            UnknownImport,
            "imports",
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
        Case::new("makers with names of 90 KB, inspected", Answer, "", || {
            let maker = format!("\\1b[2J\\e2\\80\\ae{}", "m".repeat(90_000));
            let makers = (0..200).map(|number| format!("(processed-by \"{number}{maker}\" \"1\")"));
            let makers = makers.collect::<String>();
            let guest = Guest::new("x").items(&format!("(@producers {makers})"));
            inspected(&guest.build())
        }),
        Case::new(
            "a type with a name of 9 KB, used 8,192 times, inspected",
            Answer,
            "",
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
        .patience(180),
    ]
}

fn of_plugins() -> Vec<Case> {
    let refused = |name, says, guest: Guest| Case::guest(name, Name, says, guest);
    vec![
        Case::new(
            "a name of 100 MB, and records that fail",
            Answer,
            "",
            || {
                let name = format!(
                    "(drop (memory.grow (i32.const 1600)))
                 (i32.store (i32.const 0) {}) (i32.store (i32.const 4) {}) (i32.const 0)",
                    number(131_072),
                    number(100_000_000)
                );
                refused_by_the_program(&attacker("unreachable").get_name(&name))
            },
        ),
        refused(
            "a name of 257 bytes",
            "257 bytes",
            calls_itself("name", &"n".repeat(257)),
        ),
        refused(
            "an escape sequence in the version",
            "version: it has the character `\\u{1b}`",
            calls_itself("version", "1.0\u{1b}[2J"),
        ),
        refused(
            "an invisible character in the name",
            "name: it has the character `\\u{200b}`",
            calls_itself("name", "pay\u{200b}pal"),
        ),
        refused(
            "tag characters in the name",
            "name: it has the character `\\u{e0041}`",
            calls_itself("name", "text\u{e0041}"),
        ),
    ]
}

/// A C++ name in its mangled form, whose plain form doubles at each level: a type
/// with two parameters, each the type of the level before. 24 levels are 170 bytes
/// and 130 MB.
fn unfolding(levels: usize) -> String {
    let mut name = String::from("_Z1f1AI");
    name.push_str(&"S_I".repeat(levels - 1));
    name.push_str("iiE");
    for level in 0..levels - 1 {
        let digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[level] as char;
        name.push_str(&format!("S{digit}_E"));
    }
    name
}

/// A guest that traps a thousand calls deep in a function of this name, in a module
/// that is called the same.
fn recursive(name: &str) -> Guest {
    let quoted = name.escape_default().to_string().replace("\\'", "'");
    attacker(&format!("(call $\"{quoted}\" (i32.const 1000))")).items(&format!(
        "(func $\"{quoted}\" (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $\"{quoted}\" (i32.sub (local.get 0) (i32.const 1))))"
    ))
}

/// A plugin with another `name` or `version`.
fn calls_itself(what: &str, text: &str) -> Guest {
    let body = format!(
        "(i32.store (i32.const 0) (i32.const 300)) (i32.store (i32.const 4) {}) (i32.const 0)",
        number(text.len() as i64)
    );
    let guest = Guest::new("hostile").data(300, text);
    match what {
        "name" => guest.get_name(&body),
        _ => guest.get_version(&body),
    }
}

/// Tuple types, each of two of the one before it.
fn doubling(times: u32) -> String {
    let mut text = "(type $t0 (tuple u8 u8))".to_owned();
    for level in 1..=times {
        let before = level - 1;
        text += &format!("(type $t{level} (tuple $t{before} $t{before}))");
    }
    text
}

/// What an embedder has of a trap: the message and the backtrace, bounded together
/// and with nothing in them that a terminal obeys.
fn whole_error(guest: &Guest) -> Result<Seen, String> {
    let host = TextHost::builder().limits(Limits::default()).build();
    let host = host.map_err(|error| error.to_string())?;
    let plugin = host.load_bytes("hostile.wasm", &guest.build());
    let plugin = plugin.map_err(|error| error.to_string())?;
    let plugin = TextPlugin::new(plugin, Config::default());
    let mut plugin = plugin.map_err(|error| error.to_string())?;
    let Err(error) = plugin.process("attack") else {
        return Err("it did not trap".to_owned());
    };
    let backtrace = match &error {
        Error::Host(error) => error.backtrace().unwrap_or_default(),
        _ => "",
    };
    let whole = format!("{error}\n{backtrace}");
    if whole.len() > ERROR {
        return Err(format!("an error of {} bytes", whole.len()));
    }
    if whole.contains(|c| is_invisible(c) && c != '\n') {
        return Err(format!("an error with hidden characters: {whole:?}"));
    }
    let mut seen = Seen::from(error);
    seen.message = whole;
    Ok(seen)
}

/// A folder with the plugin and an input of which every record makes it fail.
fn folder(guest: &[u8]) -> Result<TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes);
    write("p.wasm", guest)
        .and_then(|()| write("input.txt", "attack\n".repeat(RECORDS).as_bytes()))
        .map_err(|error| error.to_string())?;
    Ok(folder)
}

/// Runs the program on a guest that traps at every record, with `-v`, which shows
/// backtraces.
fn traps(guest: &Guest, variables: &[(&str, &str)]) -> Result<Seen, String> {
    let folder = folder(&guest.build())?;
    let mut command = command(folder.path(), &ARGUMENTS);
    command.envs(variables.iter().copied());
    let ran = run_command(command)?;
    // A little beside the errors: what is done, and how long it took.
    bounded(&ran, RECORDS * ERROR + 4096)?;
    ran.judge(1, HELD)?;
    match ran.stderr.text.contains("unreachable") {
        true => Ok(Seen::answer()),
        false => Err(format!("no trap is told: {}", ran.stderr.text)),
    }
}

const ARGUMENTS: [&str; 5] = ["run", "-v", "--plugin", "p.wasm", "input.txt"];

/// Runs the program on a plugin that must be refused before its first record.
fn refused_by_the_program(guest: &Guest) -> Result<Seen, String> {
    let folder = folder(&guest.build())?;
    let ran = run(folder.path(), &ARGUMENTS)?;
    bounded(&ran, ERROR)?;
    ran.judge(1, HELD)?;
    let told = ["has no valid name", "hint"];
    match told.iter().all(|text| ran.stderr.text.contains(text)) {
        true => Ok(Seen::answer()),
        false => Err(format!("it is not refused: {}", ran.stderr.text)),
    }
}

/// Inspects a file in both forms, of which neither may unfold.
fn inspected(bytes: &[u8]) -> Result<Seen, String> {
    let folder = folder(bytes)?;
    for form in ["--json", ""] {
        inspected_as(folder.path(), form)?;
    }
    Ok(Seen::answer())
}

fn inspected_as(folder: &Path, form: &str) -> Result<(), String> {
    let arguments = ["inspect", "p.wasm", form];
    let arguments: Vec<_> = arguments.into_iter().filter(|it| !it.is_empty()).collect();
    let ran = run(folder, &arguments)?;
    ran.judge(0, HELD)?;
    let length = ran.stdout.length;
    match length <= 4 << 20 {
        true => Ok(()),
        false => Err(format!("a report of {length} bytes")),
    }
}

/// Nothing that it writes is longer than that, or has anything hidden in it.
fn bounded(ran: &Ran, most: usize) -> Result<(), String> {
    for stream in [&ran.stdout, &ran.stderr] {
        if stream.length > most as u64 {
            return Err(format!("{} bytes were written", stream.length));
        }
        if stream.text.contains(|c| is_invisible(c) && c != '\n') {
            return Err(format!("hidden characters: {:?}", stream.text));
        }
    }
    Ok(())
}

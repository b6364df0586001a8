//! Those that would fool a person through the terminal, tried on the program.

use std::process::{Command, Output};

use test_components::TextPlugin;

use crate::guests::{attacker, number, result};
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

/// Colours, clears the screen, rings, begins a line, turns the text around,
/// and sets the window's title, by the ways of 7 and of 8 bits.
const DECEIT: &str = "\x1b[31m\x1b[2J\x07\rok\u{9b}2J\u{202e}\x1b]0;owned\x07";

pub(crate) fn cases() -> Vec<Case> {
    let deceit = (number(300), number(DECEIT.len() as i64));
    let (at, length) = (&*deceit.0, &*deceit.1);
    let name =
        format!("(i32.store (i32.const 0) {at}) (i32.store (i32.const 4) {length}) (i32.const 0)");
    let named = move |guest: TextPlugin| guest.data(300, DECEIT).get_name(&name);
    let metadata = format!(
        "(i32.store (i32.const 256) {at}) (i32.store (i32.const 260) {length})
         (i32.store (i32.const 264) {at}) (i32.store (i32.const 268) {length})
         {}",
        result((at, length), (&number(256), &number(1)))
    );
    let log = format!("(call $log (i32.const 3) {at} {length})");
    vec![
        escaped("terminal escapes in the name", named(TextPlugin::new("x"))),
        escaped(
            "terminal escapes in the name of one that traps",
            named(attacker("unreachable")),
        ),
        escaped(
            "terminal escapes in the log",
            attacker(&log).data(300, DECEIT),
        ),
        escaped(
            "terminal escapes in output and metadata",
            attacker(&metadata).data(300, DECEIT),
        ),
    ]
}

/// Runs the program on the plugin, in each format that people or machines
/// read, and demands that nothing of it comes out as it went in. (`raw` is the
/// outputs and nothing else, whatever they are.)
fn escaped(name: &'static str, guest: TextPlugin) -> Case {
    Case::new(name, Answer, "", move || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes);
        write("a.wasm", &guest.build())
            .and_then(|()| write("b.wasm", &TextPlugin::new("b").build()))
            .and_then(|()| write("input.txt", b"attack\n"))
            .map_err(|error| error.to_string())?;
        for arguments in [
            "run -vv --plugin a.wasm --plugin b.wasm --output text input.txt",
            "run -vv --plugin a.wasm --plugin b.wasm --output jsonl input.txt",
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_kumiki"))
                .current_dir(folder.path())
                .args(arguments.split(' '))
                .output()
                .map_err(|error| error.to_string())?;
            if let Some(fact) = unescaped(&output, arguments.contains("jsonl")) {
                return Err(format!("kumiki {arguments}: {fact}"));
            }
        }
        Ok(Seen::answer())
    })
}

/// What a terminal would obey, or that the plugin's text came nowhere, which
/// would be no trial, unless the plugin was refused for its name. Standard output is no terminal here, so as text a result
/// comes out as it is; JSON is spelled out wherever it goes.
fn unescaped(output: &Output, json: bool) -> Option<String> {
    let results = String::from_utf8_lossy(&output.stdout);
    let messages = String::from_utf8_lossy(&output.stderr);
    let deceives = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    let obeyed = messages.contains(deceives) || (json && results.contains(deceives));
    let told = ["owned", "has no valid name"];
    let nowhere = !told
        .iter()
        .any(|text| results.contains(text) || messages.contains(text));
    (obeyed || nowhere).then(|| format!("{results:?} and {messages:?}"))
}

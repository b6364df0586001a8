//! Those that would fool a person through the terminal, tried on the program.

use std::process::Output;

use test_components::TextPlugin;

use crate::case::Case;
use crate::guest::{attacker, number, result};
use crate::outcome::Outcome::Answer;
use crate::outcome::Seen;
use crate::scene::Scene;

/// Colours, clears the screen, rings, begins a line, turns the text around,
/// and sets the window's title, by the ways of 7 and of 8 bits.
const DECEIT: &str = "\x1b[31m\x1b[2J\x07\rok\u{9b}2J\u{202e}\x1b]0;owned\x07";

pub(crate) fn cases() -> Vec<Case> {
    let deceit = (number(300), number(DECEIT.len() as i64));
    let (at, length) = (&*deceit.0, &*deceit.1);
    let name = format!(
        "(i32.store (i32.const 0) {at}) (i32.store (i32.const 4) {length}) (i32.const 0)"
    );
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
        escaped("terminal escapes in the log", named(attacker(&log))),
        escaped(
            "terminal escapes in output and metadata",
            named(attacker(&metadata)),
        ),
    ]
}

/// Runs the program on the plugin, in every format, and demands that nothing
/// of it comes out as it went in.
fn escaped(name: &'static str, guest: TextPlugin) -> Case {
    Case::new(name, Answer, "", move || {
        let scene = Scene::new()
            .plugin("a.wasm", &guest)
            .plugin("b.wasm", &TextPlugin::new("b"))
            .file("input.txt", "attack\n");
        let arguments = |format| {
            [
                "run", "-vv", "--plugin", "a.wasm", "--plugin", "b.wasm", "--format", format,
                "input.txt",
            ]
        };
        for format in ["text", "json"] {
            let output = scene.command(&arguments(format)).output();
            let output = output.map_err(|error| error.to_string())?;
            unescaped(&output).map_or(Ok(()), |fact| Err(format!("{format}: {fact}")))?;
        }
        Ok(Seen::answer())
    })
}

/// What a terminal would obey, if there is any.
fn unescaped(output: &Output) -> Option<String> {
    let texts = [("stdout", &output.stdout), ("stderr", &output.stderr)];
    texts.into_iter().find_map(|(stream, bytes)| {
        let text = String::from_utf8_lossy(bytes);
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        let reached = text.contains("owned");
        if text.contains(bad) {
            Some(format!("{stream} has {:?}", &*text))
        } else if stream == "stderr" && !reached {
            None
        } else {
            None
        }
    })
}

//! Characters that nobody sees, in all that a plugin says.

use test_components::TextPlugin;

use crate::guests::{attacker, number, result};
use crate::program::scene::Scene;
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

/// A zero-width space, a soft hyphen, a word joiner, tags, a line and a
/// paragraph separator, an annotation, a filler, variation selectors.
const UNSEEN: &str = "u\u{200b}n\u{ad}s\u{2060}e\u{e0041}\u{e007f}e\u{2028}n\u{2029}\u{fff9}\
                      \u{3164}\u{fe0f}\u{e0100}\u{feff}t";

pub(crate) fn cases() -> Vec<Case> {
    let (at, length) = (number(300), number(UNSEEN.len() as i64));
    let name =
        format!("(i32.store (i32.const 0) {at}) (i32.store (i32.const 4) {length}) (i32.const 0)");
    let named = move |guest: TextPlugin| guest.data(300, UNSEEN).get_name(&name);
    let metadata = format!(
        "(i32.store (i32.const 256) {at}) (i32.store (i32.const 260) {length})
         (i32.store (i32.const 264) {at}) (i32.store (i32.const 268) {length})
         {}",
        result((&at, &length), (&number(256), &number(1)))
    );
    let log = format!("(call $log (i32.const 3) {at} {length})");
    vec![
        spelled_out("unseen characters: name and log", named(attacker(&log))),
        spelled_out(
            "unseen characters: name of a trap",
            named(attacker("unreachable")),
        ),
        spelled_out("unseen characters: results", named(attacker(&metadata))),
    ]
}

fn spelled_out(name: &'static str, guest: TextPlugin) -> Case {
    Case::new(name, Answer, "", move || {
        let scene = Scene::new()?;
        scene.file("work/a.wasm", guest.build())?;
        scene.file("work/in.txt", "attack\n")?;
        let ran = scene.kumiki("run -vv -p a.wasm -o jsonl in.txt")?;
        for text in [&ran.stdout, &ran.stderr] {
            if let Some(c) = UNSEEN.chars().find(|c| !c.is_ascii() && text.contains(*c)) {
                return Err(format!("{c:?} came through: {text:?}"));
            }
        }
        let said = format!("{}{}", ran.stdout, ran.stderr);
        match said.contains("\\u200b") || said.contains("\\u{200b}") {
            true => Ok(Seen::answer()),
            false => Err(format!("the plugin's text came nowhere: {said:?}")),
        }
    })
    .patience(60)
}

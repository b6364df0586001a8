//! Rows: invisible characters in the text of a plugin.

use test_components::TextPlugin;

use crate::guests::{attacker, log_text, named, result_of_text};
use crate::program::Scene;
use crate::suite::Case;

/// A zero-width space, a soft hyphen, a word joiner, tags, a line and a
/// paragraph separator, an annotation, a filler, variation selectors.
const INVISIBLE: &str = "u\u{200b}n\u{ad}s\u{2060}e\u{e0041}\u{e007f}e\u{2028}n\u{2029}\u{fff9}\
                         \u{3164}\u{fe0f}\u{e0100}\u{feff}t";

pub(crate) fn cases() -> Vec<Case> {
    let length = INVISIBLE.len();
    let row = |name, guest| escaped(name, named(guest, INVISIBLE));
    vec![
        row(
            "invisible characters: name and log",
            attacker(&log_text(length)),
        ),
        row(
            "invisible characters: name of a trap",
            attacker("unreachable"),
        ),
        row(
            "invisible characters: results",
            attacker(&result_of_text(length)),
        ),
    ]
}

/// A row that runs the program on the plugin. No character of [`INVISIBLE`] may be in
/// the output unescaped.
fn escaped(name: &'static str, guest: TextPlugin) -> Case {
    Case::check(name, move || {
        let scene = Scene::with_cache()?;
        scene.file("work/a.wasm", guest.build())?;
        scene.file("work/in.txt", "attack\n")?;
        let output = scene.run("run -vv -p a.wasm -o jsonl in.txt")?;
        let text = output.whole_text()?;
        if let Some(c) = INVISIBLE
            .chars()
            .find(|c| !c.is_ascii() && text.contains(*c))
        {
            return Err(format!("{c:?} is not escaped: {text:?}"));
        }
        match text.contains("\\u200b") || text.contains("\\u{200b}") {
            true => Ok(()),
            false => Err(format!("the plugin's text is not shown: {text:?}")),
        }
    })
    .timeout(60)
}

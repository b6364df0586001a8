//! Rows: text that deceives the user through the terminal.

use test_components::TextPlugin;

use crate::guests::{attacker, log_text, named, result_of_text};
use crate::program::{Output, Scene, run};
use crate::rows::files::states::is_short;
use crate::suite::Case;

/// Sets a colour, clears the screen (with 7-bit and 8-bit sequences), rings the bell,
/// returns to the start of the line, reverses the text and sets the window title.
const DECEIT: &str = "\x1b[31m\x1b[2J\x07\rok\u{9b}2J\u{202e}\x1b]0;owned\x07";

pub(crate) fn cases() -> Vec<Case> {
    let length = DECEIT.len();
    let row = |name, guest: TextPlugin| escaped(name, guest.data(300, DECEIT));
    let with_name = |name, guest| escaped(name, named(guest, DECEIT));
    vec![
        with_name("terminal escapes in the name", TextPlugin::new("x")),
        with_name(
            "terminal escapes in the name of a plugin that traps",
            attacker("unreachable"),
        ),
        row("terminal escapes in the log", attacker(&log_text(length))),
        row(
            "terminal escapes in output and metadata",
            attacker(&result_of_text(length)),
        ),
        Case::in_scene("terminal escapes in the path of the cache", cache_path).timeout(60),
        long("an error in a grants file of 3 MB", "grants"),
        long("an error in a limits file of 3 MB", "limits"),
    ]
}

/// The path of the cache, from the environment, contains a direction mark.
fn cache_path(scene: &Scene) -> Result<(), String> {
    for arguments in ["cache list", "cache clear"] {
        let mut command = scene.command(arguments);
        let output = run(command
            .env_remove("KUMIKI_CACHE")
            .env("XDG_CACHE_HOME", scene.path("\u{202e}owned")))?;
        output.expect(0, &[])?;
        is_escaped(&output, true)?;
    }
    Ok(())
}

/// A row with files whose long lines the error quotes.
fn long(name: &'static str, kind: &'static str) -> Case {
    Case::in_scene(name, move |scene| {
        scene.file("work/a.wasm", TextPlugin::new("a").build())?;
        let key = "k".repeat(3_000_000);
        for text in [
            format!("[{key}"),
            format!("[{key}]\nk = 1\n"),
            format!("[plugin.{key}]\n[plugin.{key}]\n"),
            format!("[all]\n{key} = 1\n[limits]\n"),
            format!("[limits]\n{key} = 1\n"),
        ] {
            scene.file("work/file.toml", text)?;
            let output = scene.run(&format!("run --{kind} file.toml -p a.wasm --text hi"))?;
            output.expect(2, &["error"])?;
            is_short(&output)?;
        }
        Ok(())
    })
    .timeout(90)
}

/// A row that runs the program on the plugin with the output formats `text` and
/// `jsonl`. No escape sequence may reach the terminal unescaped. (`raw` writes outputs
/// unchanged.)
fn escaped(name: &'static str, guest: TextPlugin) -> Case {
    Case::in_scene(name, move |scene| {
        scene.file("work/a.wasm", guest.build())?;
        scene.file("work/b.wasm", TextPlugin::new("b").build())?;
        scene.file("work/input.txt", "attack\n")?;
        for format in ["text", "jsonl"] {
            let output = scene.run(&format!(
                "run -vv --plugin a.wasm --plugin b.wasm --output {format} input.txt"
            ))?;
            is_escaped(&output, format == "jsonl").map_err(|fact| format!("{format}: {fact}"))?;
        }
        Ok(())
    })
}

/// Fails if a terminal would interpret part of the output, or if the plugin's text is
/// not shown although the plugin was not refused for its name. Standard output is not a
/// terminal here: results in the format `text` are written unchanged, and JSON is
/// always escaped.
fn is_escaped(output: &Output, json: bool) -> Result<(), String> {
    let (results, messages) = (output.stdout.whole()?, output.stderr.whole()?);
    let deceives = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    let obeyed = messages.contains(deceives) || (json && results.contains(deceives));
    let shown = ["owned", "has an invalid name"]
        .iter()
        .any(|text| results.contains(text) || messages.contains(text));
    match shown && !obeyed {
        true => Ok(()),
        false => Err(format!("{results:?} and {messages:?}")),
    }
}

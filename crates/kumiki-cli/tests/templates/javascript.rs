//! JavaScript plugins of contracts other than the built-in one, on both engines: functions
//! that the world imports directly, and errors that are strings.

use kumiki_build::Toolchain;
use libtest_mimic::Failed;

use crate::scene::Scene;

/// Creates the project `mine` for the world `w` of this WIT.
fn project(toolchain: Toolchain, wit: &str) -> Result<Scene, Failed> {
    let engine = toolchain.name();
    let scene = Scene::new(engine)?;
    std::fs::write(scene.folder.join("mine.wit"), wit)?;
    let new = ["new", "mine", "--lang", "js", "--wit", "mine.wit"];
    scene.run_ok(&[&new[..], &["--world", "w"]].concat())?;
    if toolchain == Toolchain::StarlingMonkey {
        let manifest = scene.folder.join("mine/kumiki.toml");
        let text = std::fs::read_to_string(&manifest)?;
        let text = text.replace("\"quickjs\"\n", "\"starlingmonkey\"\n");
        assert!(text.contains("starlingmonkey"), "{text}");
        std::fs::write(manifest, text)?;
    }
    Ok(scene)
}

/// A function that the world imports directly can be imported, as the skeleton shows. The
/// host does not provide it, so calling it ends with its name.
pub(crate) fn imports_functions_of_the_world(toolchain: Toolchain) -> Result<(), Failed> {
    let wit = "package a:b; world w { import find-user: func() -> string; \
               export greet: func(times: u32) -> result<string, string>; \
               export name: func() -> string; }";
    let scene = project(toolchain, wit)?;
    let source = scene.folder.join("mine/plugin.js");
    let text = std::fs::read_to_string(&source)?;
    let import = "import findUser from \"find-user\";\n";
    assert!(text.contains(import), "{text}");
    let plugin = format!(
        "{import}import {{ findUser as same }} from 'find-user';\n\
         export const greet = () => findUser();\nexport const name = () => same();\n"
    );
    std::fs::write(&source, plugin)?;
    scene.run_ok(&["build", "mine"])?;
    for call in ["greet(1)", "name()"] {
        let output = scene.run(&["call", "mine/mine.wasm", call])?;
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("it called `find-user`, which this host does not provide"),
            "{text}"
        );
    }
    Ok(())
}

const ERRORS: &str = r#"
export function greet(input) {
  if (input === "string") throw "no";
  if (input === "payload") throw Object.assign(new Error("refused"), { payload: "no" });
  if (input === "number") throw 5;
  if (input === "mistake") input.noSuchMethod();
  return input;
}
"#;

/// If the errors of a function are strings, a thrown string is an error. An `Error` is a bug:
/// it is logged with its line, and traps.
pub(crate) fn errors_are_bugs(toolchain: Toolchain) -> Result<(), Failed> {
    let text = include_str!("../../../../wit/text-processor/world.wit");
    let wit = format!(
        "{text}\nworld w {{ import host-api; \
         export greet: func(input: string) -> result<string, string>; }}"
    );
    let scene = project(toolchain, &wit)?;
    let source = scene.folder.join("mine/plugin.js");
    let call = |input: &str| -> Result<(String, String), Failed> {
        let output = scene.run(&["call", "mine/mine.wasm", &format!("greet({input:?})")])?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(&output.stdout), text(&output.stderr)))
    };
    let traps = |input, message: &str, place: &str| -> Result<(), Failed> {
        let (answer, log) = call(input)?;
        let is_logged = log.contains(message) && log.contains(place) && log.contains("trapped");
        assert!(answer.is_empty() && is_logged, "{input}: {answer}{log}");
        Ok(())
    };
    scene.run_ok(&["build", "mine"])?;
    traps(
        "any",
        "uncaught Error: greet is not implemented",
        "plugin.js:4",
    )?;

    std::fs::write(source, ERRORS)?;
    scene.run_ok(&["build", "mine"])?;
    assert_eq!(call("fine")?.0, "ok(\"fine\")\n");
    for input in ["string", "payload"] {
        assert_eq!(call(input)?.0, "err(\"no\")\n", "{input}");
    }
    traps("number", "uncaught 5", "")?;
    traps("mistake", "uncaught TypeError: ", "plugin.js:6")
}

//! Rows: writable grants of files that Kumiki itself reads and writes.

use crate::guests::files::{intruder, requesting};
use crate::program::Scene;
use crate::suite::{Case, to_text};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        refused(
            "rw grant: the artifact cache",
            "cache, `",
            &[
                "--allow-dir ../cache/kumiki/artifacts::/w:rw",
                "--allow-dir ../cache::/w:rw",
                "--allow-dir ../cache/kumiki/artifacts/inner::/w:rw",
                "--allow-dir to-cache::/w:rw",
                "--allow-dir to-cache/../../kumiki/./artifacts::/w:rw",
            ],
        ),
        refused(
            "rw grant: the settings folder",
            "the settings folder",
            &[
                "--allow-dir ../config/kumiki::/w:rw",
                "--allow-dir ../config::/w:rw",
                "--allow-dir to-config::/w:rw",
            ],
        ),
        refused(
            "rw grant: a plugin of the run",
            "a plugin of this run",
            &[
                "--allow-dir ../plugins::/w:rw",
                "--allow-dir to-plugins::/w:rw",
                "--grants grants.toml",
            ],
        ),
        refused(
            "rw grant: the grants or limits file",
            "s file, `",
            &[
                "--grants ../rules/empty.toml --allow-dir ../rules::/w:rw",
                "--limits ../rules/limits.toml --allow-dir ../rules::/w:rw",
            ],
        ),
        refused(
            "rw grant: an input",
            "an input of this run",
            &[
                "--allow-dir ../in::/w:rw ../in/in.txt",
                "--allow-dir ../in::/w:rw link.txt",
                // The guest could redirect the link, or replace the folder.
                "--allow-dir ../in::/w:rw ../in/to-outside.txt",
                "--allow-dir ../in::/w:rw ../in/to-outside/x.txt",
            ],
        ),
        refused(
            "rw grant: the output",
            "the output of this run",
            &[
                "-O ../out/o.txt --allow-dir ../out::/w:rw",
                "-O ../out/inner/o.txt --allow-dir ../out::/w:rw",
                "-O to-out/o.txt --allow-dir ../out::/w:rw",
            ],
        ),
        refused(
            "rw grant: everything",
            "would let plugins change",
            &["--allow-dir /::/w:rw", "--allow-dir ..::/w:rw"],
        ),
        Case::check("rw grant: requested or remembered", by_request).timeout(60),
        Case::check("rw grant: an unrelated folder", beside).timeout(60),
    ]
}

/// The program refuses each of these command lines, and the plugin writes nothing.
fn refused(name: &'static str, what: &'static str, command_lines: &'static [&'static str]) -> Case {
    let check = move || {
        let scene = scene()?;
        for arguments in command_lines {
            // An unrelated input if the arguments contain none.
            let input = match arguments.ends_with(".txt") {
                true => "",
                false => " ../outside/x.txt",
            };
            let output = scene.run(&format!("run -p ../plugins/p.wasm {arguments}{input}"))?;
            output
                .expect(2, &[what, "hint: "])
                .map_err(|fact| format!("{arguments}: {fact}"))?;
            let written = ["work", "plugins", "in", "out", "rules", "config/kumiki"]
                .iter()
                .any(|folder| scene.names(folder).iter().any(|name| name == "pwned"));
            if written {
                return Err(format!("{arguments}: the plugin wrote"));
            }
        }
        Ok(())
    };
    Case::check(name, check).timeout(90)
}

/// A scene with a plugin that writes to its last folder, and with files of every kind
/// that Kumiki reads and writes.
fn scene() -> Result<Scene, String> {
    let scene = Scene::with_cache()?;
    scene.file("plugins/p.wasm", intruder("p"))?;
    scene.file("in/in.txt", "hi\n")?;
    scene.file("rules/empty.toml", "")?;
    scene.file("rules/limits.toml", "[limits]\n")?;
    scene.folder("out/inner")?;
    scene.file("outside/x.txt", "hi\n")?;
    scene.file(
        "work/grants.toml",
        "[plugin.p]\ndirs = ['../plugins::/w:rw']\n",
    )?;
    // This fills the cache.
    let output = scene.run("run -p ../plugins/p.wasm --text hi")?;
    output.expect(0, &[])?;
    scene.folder("cache/kumiki/artifacts/inner")?;
    for (target, name) in [
        ("../cache/kumiki/artifacts", "work/to-cache"),
        ("../config/kumiki", "work/to-config"),
        ("../plugins", "work/to-plugins"),
        ("../out", "work/to-out"),
        ("../in/in.txt", "work/link.txt"),
        ("../outside/x.txt", "in/to-outside.txt"),
        ("../outside", "in/to-outside"),
    ] {
        scene.link(target, name)?;
    }
    Ok(scene)
}

/// The plugin requests the current folder, which contains the plugin.
fn by_request() -> Result<(), String> {
    let scene = scene()?;
    let plugin = requesting(&intruder("p"), "/:rw");
    scene.file("work/q.wasm", &plugin)?;
    let output = scene.run("run -p q.wasm --allow-requested --text hi")?;
    output.expect(2, &["a plugin of this run"])?;
    let answer = format!(
        "[plugin.{}]\ndirs = ['{}::/:rw']\n",
        blake3::hash(&plugin),
        scene.path_text("work")
    );
    scene.file("config/kumiki/allowed.toml", answer)?;
    let output = scene.run("run -p q.wasm --text hi")?;
    output.expect(2, &["a plugin of this run"])?;
    match scene.names("work").iter().any(|name| name == "pwned") {
        true => Err("the plugin wrote".into()),
        false => Ok(()),
    }
}

/// A writable grant of a folder without Kumiki's files is allowed, and so is a
/// read-only grant of everything else.
fn beside() -> Result<(), String> {
    let scene = scene()?;
    scene.folder("work/mine")?;
    let output = scene.run(
        "run -p ../plugins/p.wasm --allow-dir ..::/all:ro --allow-dir mine::/w:rw \
         -O ../out/o.txt ../in/in.txt",
    )?;
    output.expect(0, &[])?;
    let output = std::fs::read_to_string(scene.path("out/o.txt")).map_err(to_text)?;
    match (&*scene.names("work/mine"), output.contains("hi")) {
        ([one], true) if one == "pwned" => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

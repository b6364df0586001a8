//! Rows: an untrusted project with links, devices and pipes instead of files.

use std::fs;

use super::build_stamp::{build, project};
use crate::program::{SECRET, Scene, make_pipe, run};
use crate::suite::{Case, to_text};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::check("build: links in the folders that it writes", written).timeout(90),
        refused("build: a device as kumiki.toml", &BOTH, |scene| {
            replace(scene, "kumiki.toml", "/dev/zero")
        }),
        refused("build: a device as WIT", &BOTH, |scene| {
            replace(scene, "wit/a.wit", "/dev/zero")
        }),
        refused("build: a device as a source", &BUILD, |scene| {
            replace(scene, "src/x.h", "/dev/zero")
        }),
        refused("build: a pipe as a source", &BUILD, |scene| {
            scene.folder("work/src")?;
            make_pipe(&scene.path("work/src/x.c"))
        }),
        refused(
            "build: links to the project's own folder",
            &BUILD,
            |scene| {
                scene.link(".", "work/a")?;
                scene.link(".", "work/b")
            },
        ),
    ]
}

/// The commands that read a project, with the exit codes of their refusals.
const BOTH: [(&str, &[i32]); 2] = [("build", &[1, 2]), ("doctor .", &[1])];
const BUILD: [(&str, &[i32]); 1] = [("build", &[1, 2])];

/// The maximum memory of the program, in MiB.
const MAX_MEMORY: usize = 128;

/// Replaces a file of the project with a link.
fn replace(scene: &Scene, name: &str, target: &str) -> Result<(), String> {
    let name = format!("work/{name}");
    scene.file(&name, "")?;
    fs::remove_file(scene.path(&name)).map_err(to_text)?;
    scene.link(target, &name)
}

/// The commands must refuse a project that `plant` has changed, within 20 s of
/// processor time and [`MAX_MEMORY`].
fn refused(
    name: &'static str,
    commands: &'static [(&'static str, &'static [i32])],
    plant: fn(&Scene) -> Result<(), String>,
) -> Case {
    let check = move || {
        let scene = project()?;
        plant(&scene)?;
        for (arguments, codes) in commands {
            // Protects the machine from a program that reads without end.
            let script = format!("ulimit -v 2000000; ulimit -t 20; exec \"$0\" {arguments}");
            let mut command = scene.shell(&script);
            let output = run(command.env("WASI_SDK_PATH", scene.path("sdk")))?;
            output.within(MAX_MEMORY)?;
            if !output.code.is_some_and(|code| codes.contains(&code)) {
                return Err(format!("{arguments}: it was not refused: {output:?}"));
            }
            if !output.whole_text()?.contains("cannot ") && *arguments != "doctor ." {
                return Err(format!("{arguments}: no reason is given: {output:?}"));
            }
        }
        Ok(())
    };
    Case::check(name, check).timeout(60)
}

/// The project has links at all paths that Kumiki could write to. Nothing may be written
/// through them, and the project must be built.
fn written() -> Result<(), String> {
    let scene = project()?;
    scene.folder("work/target/kumiki/p")?;
    scene.link("../../../../outside", "work/target/kumiki/p/bindings")?;
    scene.link("../outside/p.wasm", "work/p.wasm")?;
    scene.file("outside/module.wasm", SECRET)?;
    let module = "../../../../outside/module.wasm";
    scene.link(module, "work/target/kumiki/p/module.wasm")?;
    let built = build(&scene, "cache")?;
    built.expect(0, &[])?;
    let names = scene.names("outside");
    let module = scene.read("outside/module.wasm")?;
    if names != ["module.wasm", "secret"] || module != SECRET.as_bytes() {
        return Err(format!("it wrote outside the project: {names:?}"));
    }
    let component = fs::symlink_metadata(scene.path("work/p.wasm")).map_err(to_text)?;
    if !component.is_file() {
        return Err("the link is still there instead of the component".to_owned());
    }
    if scene.names("cache/kumiki/builds").len() != 1 {
        return Err("the intermediate files are not in the cache folder".to_owned());
    }
    match build(&scene, "cache")? {
        again if again.stdout.text.contains("(unchanged)") => Ok(()),
        again => Err(format!("it was built again: {again:?}")),
    }
}

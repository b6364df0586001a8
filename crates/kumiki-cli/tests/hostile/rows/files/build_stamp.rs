//! A stranger's project that comes with a component and says that it is
//! up to date.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use test_components::{TEXT_PROCESSOR, TextPlugin, module};

use crate::program::scene::{Ran, Scene, run, told};
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "build: a stamp that came with the project",
            Answer,
            "",
            || planted().map(|()| Seen::answer()),
        )
        .patience(120),
    ]
}

/// A compiler of C that always gives the same module: what matters is whether
/// it is run.
const CLANG: &str = "#!/bin/sh\n\
    [ \"$1\" = --version ] && { echo 'a compiler 1.0'; exit 0; }\n\
    while [ $# -gt 1 ]; do shift; done\n\
    cp \"$(dirname \"$0\")/module.wasm\" \"$1\"\n";

fn planted() -> Result<(), String> {
    let scene = Scene::new()?;
    let module = module(TEXT_PROCESSOR, "text-plugin", &TextPlugin::new("p").core());
    scene.file("sdk/bin/module.wasm", module)?;
    scene.file("sdk/bin/clang", CLANG)?;
    fs::set_permissions(
        scene.path("sdk/bin/clang"),
        fs::Permissions::from_mode(0o755),
    )
    .map_err(told)?;
    scene.file("work/wit/world.wit", TEXT_PROCESSOR)?;
    scene.file("work/p.c", "int p;\n")?;
    let manifest = "name = 'p'\nlanguage = 'c'\nwit = 'wit'\nworld = 'text-plugin'\n";
    scene.file("work/kumiki.toml", manifest)?;

    // The stranger builds it, puts another component in its place, and mends
    // what says that it is the one that was built.
    build(&scene, "stranger")?.expect(0, &[])?;
    let component = scene.path("work/p.wasm");
    let honest = fs::read(&component).map_err(told)?;
    let evil = TextPlugin::new("evil").build();
    let stamp = scene.path("work/target/kumiki/p/stamp");
    if let Ok(text) = fs::read_to_string(&stamp) {
        let [honest, evil] = [&honest, &evil].map(|bytes| blake3::hash(bytes).to_string());
        fs::write(&stamp, text.replace(&honest, &evil)).map_err(told)?;
    }
    fs::write(&component, &evil).map_err(told)?;

    let built = build(&scene, "cache")?;
    built.expect(0, &[])?;
    if fs::read(&component).map_err(told)? != honest || built.stdout.contains("(unchanged)") {
        return Err(format!("the stranger's component was believed: {built:?}"));
    }
    // What Kumiki wrote itself it does believe.
    match build(&scene, "cache")? {
        again if again.stdout.contains("(unchanged)") => Ok(()),
        again => Err(format!("it was built again: {again:?}")),
    }
}

/// Builds the project as a user with this cache folder.
fn build(scene: &Scene, cache: &str) -> Result<Ran, String> {
    let mut command: Command = scene.command();
    command
        .arg("build")
        .env("WASI_SDK_PATH", scene.path("sdk"))
        .env("KUMIKI_TOOLS", scene.path("tools"))
        .env("XDG_CACHE_HOME", scene.path(cache));
    run(command)
}

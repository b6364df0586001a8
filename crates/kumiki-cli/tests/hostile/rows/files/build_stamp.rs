//! Rows: an untrusted project with a component and a stamp that claims that the
//! component is up to date.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use test_components::{TEXT_PROCESSOR, TextPlugin, module};

use crate::program::{Output, Scene, run};
use crate::suite::{Case, to_text};

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::check("build: a stamp in the project", planted).timeout(90)]
}

/// A C compiler that always writes the same module. The row checks whether it runs.
const CLANG: &str = "#!/bin/sh\n\
    [ \"$1\" = --version ] && { echo 'a compiler 1.0'; exit 0; }\n\
    while [ $# -gt 1 ]; do shift; done\n\
    cp \"$(dirname \"$0\")/module.wasm\" \"$1\"\n";

/// A project in `work`, and a compiler for it.
pub(super) fn project() -> Result<Scene, String> {
    let scene = Scene::with_cache()?;
    let module = module(TEXT_PROCESSOR, "text-plugin", &TextPlugin::new("p").core());
    scene.file("sdk/bin/module.wasm", module)?;
    scene.file("sdk/bin/clang", CLANG)?;
    fs::set_permissions(
        scene.path("sdk/bin/clang"),
        fs::Permissions::from_mode(0o755),
    )
    .map_err(to_text)?;
    scene.file("work/wit/world.wit", TEXT_PROCESSOR)?;
    scene.file("work/p.c", "int p;\n")?;
    let manifest = "name = 'p'\nlanguage = 'c'\nwit = 'wit'\nworld = 'text-plugin'\n";
    scene.file("work/kumiki.toml", manifest)?;
    Ok(scene)
}

fn planted() -> Result<(), String> {
    let scene = project()?;
    // The attacker builds it, replaces the component, and changes the stamp to match.
    build(&scene, "attacker")?.expect(0, &[])?;
    let component = scene.path("work/p.wasm");
    let honest = fs::read(&component).map_err(to_text)?;
    let evil = TextPlugin::new("evil").build();
    let stamp = scene.path("work/target/kumiki/p/stamp");
    if let Ok(text) = fs::read_to_string(&stamp) {
        let [honest, evil] = [&honest, &evil].map(|bytes| blake3::hash(bytes).to_string());
        fs::write(&stamp, text.replace(&honest, &evil)).map_err(to_text)?;
    }
    fs::write(&component, &evil).map_err(to_text)?;

    let built = build(&scene, "cache")?;
    built.expect(0, &[])?;
    if fs::read(&component).map_err(to_text)? != honest || built.stdout.text.contains("(unchanged)")
    {
        return Err(format!("the attacker's component was trusted: {built:?}"));
    }
    // Kumiki trusts a stamp that it wrote itself.
    match build(&scene, "cache")? {
        again if again.stdout.text.contains("(unchanged)") => Ok(()),
        again => Err(format!("it was built again: {again:?}")),
    }
}

/// Builds the project as a user with this cache folder.
pub(super) fn build(scene: &Scene, cache: &str) -> Result<Output, String> {
    let mut command = scene.command("build");
    command
        .env("WASI_SDK_PATH", scene.path("sdk"))
        .env("XDG_CACHE_HOME", scene.path(cache));
    run(&mut command)
}

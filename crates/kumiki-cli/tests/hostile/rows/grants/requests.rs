//! Rows: requests for folders that lead elsewhere through a symbolic link.

use crate::guests::files::{intruder, planter, requesting};
use crate::program::Scene;
use crate::suite::{Case, to_text};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        refused("requested folder: a relative link", "/data:rw", |scene| {
            scene.link("../outside", "work/data")
        }),
        refused("requested folder: an absolute link", "/data:rw", |scene| {
            scene.link(scene.path("outside"), "work/data")
        }),
        refused("requested folder: a chain of links", "/data:rw", |scene| {
            scene.link("other", "work/data")?;
            scene.link("../outside", "work/other")
        }),
        refused(
            "requested folder: a link on the way",
            "/data/in/it:rw",
            |scene| {
                scene.folder("outside/in/it")?;
                scene.link("../outside", "work/data")
            },
        ),
        case("requested: a reason that imitates Kumiki's output", forged),
        case("requested folder: below the current folder", granted),
        case("requested folder: a link created by a guest", guest_made),
        case("requested folder: a link in a granted folder", in_granted),
        case(
            "requested folder: a saved answer, redirected later",
            saved_answer,
        ),
    ]
}

fn case(name: &'static str, act: fn(&Scene) -> Result<(), String>) -> Case {
    Case::check(name, move || act(&Scene::with_cache()?)).timeout(60)
}

/// A plugin requests `folder`, which `prepare` makes a path to the outside.
fn refused(
    name: &'static str,
    folder: &'static str,
    prepare: fn(&Scene) -> Result<(), String>,
) -> Case {
    Case::check(name, move || {
        let scene = Scene::with_cache()?;
        prepare(&scene)?;
        scene.file("work/p.wasm", requesting(&intruder("p"), folder))?;
        let output = scene.run("run --allow-requested -p p.wasm --text hi")?;
        is_untouched(&scene)?;
        let flag = format!("`--allow-dir {}", scene.path_text("outside"));
        output.expect(2, &["is a symbolic link", &flag])
    })
    .timeout(60)
}

/// Fails if the plugin created something outside.
fn is_untouched(scene: &Scene) -> Result<(), String> {
    let mut folders = vec![scene.path("outside")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).map_err(to_text)? {
            let path = entry.map_err(to_text)?.path();
            if path.ends_with("pwned") {
                return Err(format!("it wrote {}", path.display()));
            }
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// The reason contains lines of a grants file, with more than is requested.
fn forged(scene: &Scene) -> Result<(), String> {
    let forgery = "words\\n  a grants file that allows it, such as a kumiki-grants.toml:\\n    \
                   [plugin.p]\\n    dirs = ['/home::/home:rw']";
    let section = format!("[env]\nLANG = \"{forgery}\"\n");
    let plugin =
        test_components::with_section(&intruder("p"), "kumiki-requests", section.as_bytes());
    scene.file("work/p.wasm", plugin)?;
    let output = scene.run("run -p p.wasm --text hi")?;
    let text = output.whole_text()?;
    if text
        .lines()
        .any(|line| line.trim_start().starts_with("dirs = "))
    {
        return Err(format!("it was shown like Kumiki's own output: {output:?}"));
    }
    match text.contains("its reason contains a line break") {
        true => Ok(()),
        false => Err(format!("it was not refused: {output:?}")),
    }
}

/// The guest can write to a folder that it was granted.
fn granted(scene: &Scene) -> Result<(), String> {
    scene.folder("work/data")?;
    scene.file("work/p.wasm", requesting(&intruder("p"), "/data:rw"))?;
    let output = scene.run("run --allow-requested -p p.wasm --text hi")?;
    output.expect(0, &[&scene.path_text("work/data")])?;
    match &*scene.names("work/data") {
        [one] if one == "pwned" => Ok(()),
        other => Err(format!("{other:?} in the granted folder")),
    }
}

/// A plugin creates a link in a folder that it was granted, and the plugin of a later
/// run requests the link.
fn guest_made(scene: &Scene) -> Result<(), String> {
    scene.folder("work/shared")?;
    scene.file("plant.wasm", planter("../../outside", "data"))?;
    scene.file("work/p.wasm", requesting(&intruder("p"), "/shared/data:rw"))?;
    let plant = scene.run("run -p ../plant.wasm --allow-dir shared::/s:rw --text hi")?;
    plant.expect(0, &[])?;
    if scene.names("work/shared") != ["data"] {
        return Err("the link was not created".into());
    }
    let output = scene.run("run --allow-requested -p p.wasm --text hi")?;
    is_untouched(scene)?;
    output.expect(2, &["is a symbolic link"])
}

/// A folder is granted read-only, and a plugin requests to write to a link in it.
fn in_granted(scene: &Scene) -> Result<(), String> {
    scene.folder("mine")?;
    scene.link("../outside", "mine/part")?;
    scene.file("work/p.wasm", requesting(&intruder("p"), "/a/part:rw"))?;
    let output =
        scene.run("run --allow-requested -p p.wasm --allow-dir ../mine::/a:ro --text hi")?;
    is_untouched(scene)?;
    output.expect(2, &["is a symbolic link"])
}

/// A request was allowed and the answer saved. Then a link replaces the folder.
fn saved_answer(scene: &Scene) -> Result<(), String> {
    let plugin = requesting(&intruder("p"), "/data:rw");
    let folder = scene.path_text("work/data");
    let answer = format!(
        "[plugin.{}]\ndirs = ['{folder}::/data:rw']\n",
        blake3::hash(&plugin)
    );
    scene.file("config/kumiki/allowed.toml", &answer)?;
    scene.file("work/p.wasm", &plugin)?;
    scene.folder("work/data")?;
    scene.run("run -p p.wasm --text hi")?.expect(0, &[])?;
    std::fs::remove_dir_all(scene.path("work/data")).map_err(to_text)?;
    scene.link("../outside", "work/data")?;
    let output = scene.run("run -p p.wasm --text hi")?;
    is_untouched(scene)?;
    output.expect(2, &["is a symbolic link"])
}

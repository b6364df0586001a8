//! Requests for folders that lead elsewhere by a symbolic link.

use crate::guests::folder_guest::{intruder, planter, requesting};
use crate::program::scene::{Scene, told};
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

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
        case("requested folder: below the current folder", granted),
        case("requested folder: a link that a guest made", guest_made),
        case("requested folder: a link in a granted folder", in_granted),
        case("requested folder: an answer redirected later", kept_answer),
    ]
}

fn case(name: &'static str, act: fn(&Scene) -> Result<(), String>) -> Case {
    let act = move || {
        let scene = Scene::new()?;
        act(&scene)?;
        Ok(Seen::answer())
    };
    Case::new(name, Answer, "", act).patience(60)
}

/// A plugin that requests `folder`, which `prepare` makes a way out.
fn refused(
    name: &'static str,
    folder: &'static str,
    prepare: fn(&Scene) -> Result<(), String>,
) -> Case {
    let act = move || {
        let scene = Scene::new()?;
        prepare(&scene)?;
        scene.file("work/p.wasm", requesting(&intruder("p"), folder))?;
        let ran = scene.kumiki("run --allow-requested -p p.wasm --text hi")?;
        is_untouched(&scene)?;
        let flag = format!("`--allow-dir {}", scene.text("outside"));
        ran.expect(2, &["is a symbolic link", &flag])?;
        Ok(Seen::answer())
    };
    Case::new(name, Answer, "", act).patience(60)
}

/// Nothing was made anywhere outside.
fn is_untouched(scene: &Scene) -> Result<(), String> {
    let mut folders = vec![scene.path("outside")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).map_err(told)? {
            let path = entry.map_err(told)?.path();
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

/// The guest of these rows does write where it may.
fn granted(scene: &Scene) -> Result<(), String> {
    scene.folder("work/data")?;
    scene.file("work/p.wasm", requesting(&intruder("p"), "/data:rw"))?;
    let ran = scene.kumiki("run --allow-requested -p p.wasm --text hi")?;
    ran.expect(0, &[&scene.text("work/data")])?;
    match &*scene.names("work/data") {
        [one] if one == "pwned" => Ok(()),
        other => Err(format!("{other:?} in the folder that it was granted")),
    }
}

/// A plugin with a granted folder plants a link there, which a later run's
/// plugin requests.
fn guest_made(scene: &Scene) -> Result<(), String> {
    scene.folder("work/shared")?;
    scene.file("plant.wasm", planter("../../outside", "data"))?;
    scene.file("work/p.wasm", requesting(&intruder("p"), "/shared/data:rw"))?;
    let plant = scene.kumiki("run -p ../plant.wasm --allow-dir shared::/s:rw --text hi")?;
    plant.expect(0, &[])?;
    if scene.names("work/shared") != ["data"] {
        return Err("the link was not made: no trial".into());
    }
    let ran = scene.kumiki("run --allow-requested -p p.wasm --text hi")?;
    is_untouched(scene)?;
    ran.expect(2, &["is a symbolic link"])
}

/// A folder is granted to read, and a plugin requests a part of it to change.
fn in_granted(scene: &Scene) -> Result<(), String> {
    scene.folder("mine")?;
    scene.link("../outside", "mine/part")?;
    scene.file("work/p.wasm", requesting(&intruder("p"), "/a/part:rw"))?;
    let ran =
        scene.kumiki("run --allow-requested -p p.wasm --allow-dir ../mine::/a:ro --text hi")?;
    is_untouched(scene)?;
    ran.expect(2, &["is a symbolic link"])
}

/// The folder of an answer that was kept is replaced by a link.
fn kept_answer(scene: &Scene) -> Result<(), String> {
    let plugin = requesting(&intruder("p"), "/data:rw");
    let folder = scene.text("work/data");
    let answer = format!(
        "[plugin.{}]\ndirs = ['{folder}::/data:rw']\n",
        blake3::hash(&plugin)
    );
    scene.file("config/kumiki/allowed.toml", &answer)?;
    scene.file("work/p.wasm", &plugin)?;
    scene.folder("work/data")?;
    scene.kumiki("run -p p.wasm --text hi")?.expect(0, &[])?;
    std::fs::remove_dir_all(scene.path("work/data")).map_err(told)?;
    scene.link("../outside", "work/data")?;
    let ran = scene.kumiki("run -p p.wasm --text hi")?;
    is_untouched(scene)?;
    ran.expect(2, &["is a symbolic link"])
}

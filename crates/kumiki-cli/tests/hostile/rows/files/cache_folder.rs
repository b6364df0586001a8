//! Caches that somebody else has had a hand in.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use crate::program::scene::{Scene, run, told};
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

/// Somebody else: `nobody` on most systems.
const OTHER: u32 = 65_534;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("cache: planted by another user, then handed over", planted),
        case(
            "cache: once writable by others, then chmod go-w",
            once_writable,
        ),
        case("cache: an artifact with a second name", hard_linked),
        case("cache: links in the place of its files", linked),
        case("cache: pipes in the place of its files", pipes),
        case("cache: a lock held by another process", locked),
    ]
}

fn case(name: &'static str, act: fn(&Scene) -> Result<(), String>) -> Case {
    let act = move || {
        let scene = Scene::new()?;
        scene.file("work/p.wasm", test_components::TextPlugin::new("p").build())?;
        act(&scene)?;
        Ok(Seen::answer())
    };
    Case::new(name, Answer, "", act).patience(300)
}

const HI: &str = "run -p p.wasm --text hi";
const FOLDER: &str = "cache/kumiki/artifacts";
/// What is said where the folder is not used.
const UNUSED: &str = "plugins are compiled each time";

/// Fills the cache.
fn fill(scene: &Scene) -> Result<(), String> {
    let ran = scene.kumiki(HI)?;
    ran.expect(0, &[])?;
    if ran.stderr.contains(UNUSED) || files(scene, "artifact").len() != 1 {
        return Err(format!("nothing was kept: {ran:?}"));
    }
    Ok(())
}

/// The files of the cache with this ending, or this name.
fn files(scene: &Scene, ending: &str) -> Vec<PathBuf> {
    let names = scene.names(FOLDER).into_iter();
    names
        .filter(|name| name.ends_with(ending))
        .map(|name| scene.path(FOLDER).join(name))
        .collect()
}

fn mode(scene: &Scene, bits: u32) -> Result<(), String> {
    fs::set_permissions(scene.path(FOLDER), fs::Permissions::from_mode(bits)).map_err(told)
}

/// Another user has filled a folder that everybody may write to, with a key
/// that this user does not know alone; then the folder is this user's. Only
/// root gives files away: elsewhere there is nothing to try.
fn planted(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let owner = fs::metadata(scene.path("work")).map_err(told)?.uid();
    if owner != 0 {
        return Ok(());
    }
    for name in scene.names(FOLDER) {
        chown(scene.path(FOLDER).join(name), Some(OTHER), None).map_err(told)?;
    }
    mode(scene, 0o777)?;
    for bits in [0o755, 0o700] {
        mode(scene, bits)?;
        scene.kumiki(HI)?.expect(0, &[UNUSED, "remove "])?;
    }
    Ok(())
}

fn once_writable(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    mode(scene, 0o777)?;
    mode(scene, 0o755)?;
    scene.kumiki(HI)?.expect(0, &[UNUSED, "remove "])?;
    // Once Kumiki has seen it so, no mode makes up for it.
    mode(scene, 0o777)?;
    scene.kumiki(HI)?.expect(0, &[UNUSED, "remove "])?;
    mode(scene, 0o700)?;
    scene.kumiki(HI)?.expect(0, &[UNUSED, "remove "])?;
    fs::remove_dir_all(scene.path(FOLDER)).map_err(told)?;
    fill(scene)
}

/// Whoever has another name of a file may be the one who made it.
fn hard_linked(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let [artifact] = &*files(scene, ".artifact") else {
        return Err("there is not one artifact".into());
    };
    fs::hard_link(artifact, scene.path("outside/name")).map_err(told)?;
    let before = fs::metadata(artifact).map_err(told)?;
    scene.kumiki(HI)?.expect(0, &[])?;
    let after = fs::metadata(artifact).map_err(told)?;
    match after.ino() == before.ino() {
        true => Err("the artifact with two names was used".into()),
        false => Ok(()),
    }
}

/// What is no file of the folder itself is not read, nor written through.
fn linked(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    for ending in [".artifact", ".seal", ".known"] {
        for path in files(scene, ending) {
            let moved = scene.path("outside/moved");
            fs::rename(&path, &moved).map_err(told)?;
            std::os::unix::fs::symlink(&moved, &path).map_err(told)?;
            let before = fs::read(&moved).map_err(told)?;
            scene.kumiki(HI)?.expect(0, &[])?;
            let kind = fs::symlink_metadata(&path).map_err(told)?.file_type();
            if kind.is_symlink() && ending != ".known" {
                return Err(format!("{} was followed", path.display()));
            }
            if fs::read(&moved).map_err(told)? != before {
                return Err(format!("{} was written through", path.display()));
            }
        }
    }
    let key = scene.path(FOLDER).join("key");
    fs::rename(&key, scene.path("outside/key")).map_err(told)?;
    scene.link("../../../outside/key", "cache/kumiki/artifacts/key")?;
    scene.kumiki(HI)?.expect(0, &[UNUSED, "remove "])
}

/// A pipe that nobody writes to keeps whoever opens it.
fn pipes(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let mut paths = files(scene, ".seal");
    paths.extend(files(scene, ".artifact"));
    paths.extend(files(scene, "key"));
    for path in paths {
        fs::remove_file(&path).map_err(told)?;
        let mut make = Command::new("mkfifo");
        make.arg(&path);
        run(make)?.expect(0, &[])?;
        scene.kumiki(HI)?.expect(0, &[])?;
    }
    Ok(())
}

/// This process holds all locks and does not give them back.
fn locked(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let held: Result<Vec<File>, String> = (0..256)
        .map(|shard| {
            let path = scene.path(FOLDER).join(format!("lock-{shard:02x}"));
            let file = File::options().create(true).append(true).open(&path);
            let file = file.map_err(told)?;
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, private).map_err(told)?;
            file.lock().map_err(told)?;
            Ok(file)
        })
        .collect();
    let held = held?;
    // What is there needs no lock.
    scene.kumiki(HI)?.expect(0, &[])?;
    scene.file("work/q.wasm", test_components::TextPlugin::new("q").build())?;
    let ran = scene.kumiki("run -p q.wasm --text hi")?;
    ran.expect(0, &["another process", "30 s"])?;
    drop(held);
    if !ran.stdout.contains("hi") {
        return Err(format!("no answer: {ran:?}"));
    }
    Ok(())
}

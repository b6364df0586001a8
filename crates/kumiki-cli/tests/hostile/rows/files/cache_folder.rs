//! Rows: a cache that another user has written to.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use test_components::TextPlugin;

use crate::program::{Scene, link, make_pipe};
use crate::suite::{Case, to_text};

/// Another user: `nobody` on most systems.
const OTHER: u32 = 65_534;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("cache: planted by another user, then handed over", planted),
        case(
            "cache: once writable by others, then chmod go-w",
            once_writable,
        ),
        case("cache: an artifact with a hard link", hard_linked),
        case("cache: links instead of its files", linked),
        case("cache: pipes instead of its files", pipes),
        case("cache: a lock held by another process", locked),
    ]
}

fn case(name: &'static str, act: fn(&Scene) -> Result<(), String>) -> Case {
    let check = move || {
        let scene = Scene::with_cache()?;
        scene.file("work/p.wasm", TextPlugin::new("p").build())?;
        act(&scene)
    };
    Case::check(name, check).timeout(90)
}

const HI: &str = "run -p p.wasm --text hi";
const FOLDER: &str = "cache/kumiki/artifacts";
/// The message if the folder is not used.
const UNUSED: &str = "plugins are compiled each time";

/// Fills the cache.
fn fill(scene: &Scene) -> Result<(), String> {
    let output = scene.run(HI)?;
    output.expect(0, &[])?;
    if output.stderr.text.contains(UNUSED) || files(scene, "artifact").len() != 1 {
        return Err(format!("no artifact was stored: {output:?}"));
    }
    Ok(())
}

/// The files of the cache whose names end with `ending`.
fn files(scene: &Scene, ending: &str) -> Vec<PathBuf> {
    let names = scene.names(FOLDER).into_iter();
    names
        .filter(|name| name.ends_with(ending))
        .map(|name| scene.path(FOLDER).join(name))
        .collect()
}

fn mode(scene: &Scene, bits: u32) -> Result<(), String> {
    fs::set_permissions(scene.path(FOLDER), fs::Permissions::from_mode(bits)).map_err(to_text)
}

/// Another user filled a folder that all users can write to, so the key is not a
/// secret. Then the folder is given to this user. Only root can change owners: without
/// root the row does nothing.
fn planted(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let owner = fs::metadata(scene.path("work")).map_err(to_text)?.uid();
    if owner != 0 {
        return Ok(());
    }
    for name in scene.names(FOLDER) {
        chown(scene.path(FOLDER).join(name), Some(OTHER), None).map_err(to_text)?;
    }
    mode(scene, 0o777)?;
    for bits in [0o755, 0o700] {
        mode(scene, bits)?;
        scene.run(HI)?.expect(0, &[UNUSED, "remove "])?;
    }
    Ok(())
}

fn once_writable(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    mode(scene, 0o777)?;
    mode(scene, 0o755)?;
    scene.run(HI)?.expect(0, &[UNUSED, "remove "])?;
    // Kumiki has seen this mode, so it does not trust the folder with any later mode.
    mode(scene, 0o777)?;
    scene.run(HI)?.expect(0, &[UNUSED, "remove "])?;
    mode(scene, 0o700)?;
    scene.run(HI)?.expect(0, &[UNUSED, "remove "])?;
    fs::remove_dir_all(scene.path(FOLDER)).map_err(to_text)?;
    fill(scene)
}

/// A file with a hard link may belong to another user.
fn hard_linked(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let [artifact] = &*files(scene, ".artifact") else {
        return Err("there is not exactly one artifact".into());
    };
    fs::hard_link(artifact, scene.path("outside/name")).map_err(to_text)?;
    let before = fs::metadata(artifact).map_err(to_text)?;
    scene.run(HI)?.expect(0, &[])?;
    let after = fs::metadata(artifact).map_err(to_text)?;
    match after.ino() == before.ino() {
        true => Err("the artifact with a hard link was used".into()),
        false => Ok(()),
    }
}

/// A link in the folder is followed neither for reading nor for writing.
fn linked(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    for ending in [".artifact", ".seal", ".known"] {
        for path in files(scene, ending) {
            let moved = scene.path("outside/moved");
            fs::rename(&path, &moved).map_err(to_text)?;
            link(&moved, &path)?;
            let before = fs::read(&moved).map_err(to_text)?;
            scene.run(HI)?.expect(0, &[])?;
            let kind = fs::symlink_metadata(&path).map_err(to_text)?.file_type();
            if kind.is_symlink() && ending != ".known" {
                return Err(format!("{} was followed", path.display()));
            }
            if fs::read(&moved).map_err(to_text)? != before {
                return Err(format!("{} was written through", path.display()));
            }
        }
    }
    let key = scene.path(FOLDER).join("key");
    fs::rename(&key, scene.path("outside/key")).map_err(to_text)?;
    scene.link("../../../outside/key", "cache/kumiki/artifacts/key")?;
    scene.run(HI)?.expect(0, &[UNUSED, "remove "])
}

/// Opening a pipe without a writer would block forever.
fn pipes(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let mut paths = files(scene, ".seal");
    paths.extend(files(scene, ".artifact"));
    paths.extend(files(scene, "key"));
    for path in paths {
        fs::remove_file(&path).map_err(to_text)?;
        make_pipe(&path)?;
        scene.run(HI)?.expect(0, &[])?;
    }
    Ok(())
}

/// This process holds all locks.
fn locked(scene: &Scene) -> Result<(), String> {
    fill(scene)?;
    let held: Result<Vec<File>, String> = (0..256)
        .map(|shard| {
            let path = scene.path(FOLDER).join(format!("lock-{shard:02x}"));
            let file = File::options().create(true).append(true).open(&path);
            let file = file.map_err(to_text)?;
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, private).map_err(to_text)?;
            file.lock().map_err(to_text)?;
            Ok(file)
        })
        .collect();
    let held = held?;
    // Reading an existing artifact needs no lock.
    scene.run(HI)?.expect(0, &[])?;
    scene.file("work/q.wasm", TextPlugin::new("q").build())?;
    let output = scene.run("run -p q.wasm --text hi")?;
    output.expect(0, &["another process", "30 s"])?;
    drop(held);
    if !output.stdout.text.contains("hi") {
        return Err(format!("no result: {output:?}"));
    }
    Ok(())
}

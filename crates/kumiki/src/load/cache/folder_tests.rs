use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

fn scene() -> (tempfile::TempDir, Folder) {
    let scene = tempfile::tempdir().unwrap();
    let folder = Folder::open(&scene.path().join("folder")).map_err(|error| error.message);
    (scene, folder.unwrap())
}

#[test]
fn only_private_regular_files_are_opened() {
    let (scene, folder) = scene();
    let at = |name: &str| folder.path().join(name);
    let open = |name: &str| match folder.open_file(name) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    folder.replace("file", b"bytes").unwrap();
    assert_eq!(open("file"), "");
    for (bits, refused) in [(0o600, false), (0o400, false), (0o640, true), (0o606, true)] {
        mode(&at("file"), bits);
        assert_eq!(
            open("file").contains("other users can"),
            refused,
            "{bits:o}"
        );
    }
    mode(&at("file"), 0o600);
    let outside = scene.path().join("outside");
    fs::hard_link(at("file"), &outside).unwrap();
    assert_eq!(open("file"), "it has 2 hard links");
    fs::remove_file(at("file")).unwrap();
    symlink(&outside, at("file")).unwrap();
    assert_ne!(open("file"), "", "a link is followed");
    fs::create_dir(at("inner")).unwrap();
    assert_eq!(open("inner"), "it is not a regular file");
    // Only root can change the owner.
    if rustix::process::geteuid().is_root() {
        folder.replace("other", b"bytes").unwrap();
        std::os::unix::fs::chown(at("other"), Some(65_534), None).unwrap();
        assert!(open("other").contains("another user"), "{}", open("other"));
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let (scene, folder) = scene();
    let outside = scene.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    symlink(&outside, folder.path().join("file")).unwrap();
    folder.create("file").unwrap_err();
    folder.lock("file", Duration::ZERO).unwrap_err();
    folder.replace("file", b"bytes").unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"mine");
    assert_eq!(folder.open_file("file").unwrap().1.len(), 5);
}

#[test]
fn write_new_does_not_replace_a_file() {
    let (_scene, folder) = scene();
    folder.write_new("file", b"first").unwrap();
    folder.write_new("file", b"second").unwrap();
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"first");
    assert_eq!(folder.names().unwrap(), ["file"]);
}

#[test]
fn lock_times_out() {
    let (_scene, folder) = scene();
    let held = folder.lock("lock", Duration::ZERO).unwrap();
    assert_eq!(held.metadata().unwrap().mode() & 0o777, 0o600);
    let start = Instant::now();
    let error = folder.lock("lock", Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= Duration::from_millis(20));
    drop(held);
    folder.lock("lock", Duration::ZERO).unwrap();
}

#[test]
fn folder_writable_by_others_is_refused() {
    let scene = tempfile::tempdir().unwrap();
    let open = |path: &Path| Folder::open(path).map(drop).map_err(|error| error.hint);
    let outer = scene.path().join("outer");
    let inner = outer.join("inner");
    open(&inner).unwrap();
    assert_eq!(fs::metadata(&inner).unwrap().mode() & 0o7777, 0o700);
    for (bits, refused) in [
        (0o777, true),
        (0o775, true),
        (0o1777, false),
        (0o755, false),
    ] {
        mode(&outer, bits);
        assert_eq!(open(&inner).is_err(), refused, "{bits:o}");
    }
    let link = scene.path().join("link");
    symlink(&inner, &link).unwrap();
    let opened = Folder::open(&link).map_err(|error| error.message).unwrap();
    assert_eq!(opened.path(), inner.canonicalize().unwrap());

    // Its files may be another user's, whatever its mode is now.
    for bits in [0o770, 0o777, 0o1777] {
        fs::create_dir(outer.join("other")).unwrap();
        let other = outer.join("other");
        open(&other).unwrap();
        fs::write(other.join("file"), "").unwrap();
        mode(&other, 0o755);
        assert_eq!(open(&other), Err(REMOVE_HINT), "once {bits:o}");
        mode(&other, 0o700);
        open(&other).unwrap();
        mode(&other, bits);
        assert_eq!(open(&other), Err(REMOVE_HINT), "{bits:o}");
        mode(&other, 0o700);
        assert_eq!(open(&other), Err(REMOVE_HINT), "once seen with {bits:o}");
        fs::remove_dir_all(&other).unwrap();
    }
    // An empty folder contains no files of other users.
    fs::create_dir(outer.join("empty")).unwrap();
    mode(&outer.join("empty"), 0o755);
    open(&outer.join("empty")).unwrap();
    assert_eq!(
        fs::metadata(outer.join("empty")).unwrap().mode() & 0o7777,
        0o700
    );

    fs::write(scene.path().join("file"), "").unwrap();
    open(&scene.path().join("file")).unwrap_err();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&inner, Some(65_534), None).unwrap();
        assert_eq!(open(&inner), Err(REMOVE_HINT));
        std::os::unix::fs::chown(&inner, Some(0), None).unwrap();
        std::os::unix::fs::chown(&outer, Some(65_534), None).unwrap();
        assert_eq!(open(&inner), Err(HOME_HINT));
    }
}

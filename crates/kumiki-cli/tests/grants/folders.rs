//! Access of a guest to files in granted folders and outside them.

use std::fs;
use std::path::Path;

use kumiki::{FolderGrant, Grants};
use kumiki_text::TextHost;
use libtest_mimic::Failed;

use crate::reach::Reach;
use crate::{NOT_FOUND, PERMISSION_DENIED};

/// A folder with `data/a`, `data/inner/b`, `other/c` and `secret`.
pub(crate) fn folders() -> Result<tempfile::TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    fs::create_dir_all(root.join("data/inner"))?;
    fs::create_dir(root.join("other"))?;
    fs::write(root.join("data/a"), "A")?;
    fs::write(root.join("data/inner/b"), "B")?;
    fs::write(root.join("other/c"), "C")?;
    fs::write(root.join("secret"), "S")?;
    Ok(folder)
}

pub(crate) fn read_only(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let grants = Grants::default().with_folder(FolderGrant::read_only(&data, "/data"));
    Reach::new(path, grants)?.expect(&[
        ("read /data/a", "A"),
        ("read /data/inner/b", "B"),
        ("read /data/inner/../a", "A"),
        ("list /data", "a|inner"),
        ("read /data/none", "error: NotFound"),
        ("write /data/a x", PERMISSION_DENIED),
        ("write /data/new x", PERMISSION_DENIED),
        ("append /data/a x", PERMISSION_DENIED),
        ("truncate /data/a", PERMISSION_DENIED),
        ("remove /data/a", PERMISSION_DENIED),
        ("make /data/new", PERMISSION_DENIED),
        ("rename /data/a /data/new", PERMISSION_DENIED),
        ("link /data/a /data/new", PERMISSION_DENIED),
        ("symlink a /data/new", PERMISSION_DENIED),
        // An inner folder is read-only, too.
        ("write /data/inner/b x", PERMISSION_DENIED),
        ("list /data", "a|inner"),
    ])?;
    assert_eq!(fs::read_to_string(data.join("a"))?, "A");
    assert_eq!(fs::read_to_string(data.join("inner/b"))?, "B");
    Ok(())
}

pub(crate) fn read_write(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let grants = Grants::default().with_folder(FolderGrant::read_write(&data, "work"));
    Reach::new(path, grants)?.expect(&[
        ("write work/new N", "done"),
        ("append work/new O", "done"),
        ("read work/new", "NO"),
        ("make work/folder", "done"),
        ("rename work/new work/folder/moved", "done"),
        ("link work/folder/moved work/again", "done"),
        ("symlink again work/soft", "done"),
        ("read work/soft", "NO"),
        ("truncate work/again", "done"),
        ("remove work/a", "done"),
        ("list work", "again|folder|inner|soft"),
    ])?;
    assert_eq!(fs::read_to_string(data.join("folder/moved"))?, "");
    assert!(!data.join("a").exists());
    Ok(())
}

pub(crate) fn paths_outside(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let grants = Grants::default().with_folder(FolderGrant::read_write(&data, "/data"));
    let absolute = format!("read {}", folder.path().join("secret").display());
    let stolen = format!("rename /data/a {}", folder.path().join("stolen").display());
    Reach::new(path, grants)?.expect(&[
        ("read /data/../secret", PERMISSION_DENIED),
        ("read /data/inner/../../secret", PERMISSION_DENIED),
        ("read /data/./../secret", PERMISSION_DENIED),
        ("read /data//../secret", PERMISSION_DENIED),
        ("list /data/..", PERMISSION_DENIED),
        ("list /data/../other", PERMISSION_DENIED),
        ("write /data/../written x", PERMISSION_DENIED),
        ("make /data/../made", PERMISSION_DENIED),
        ("remove /data/../secret", PERMISSION_DENIED),
        ("rename /data/a /data/../stolen", PERMISSION_DENIED),
        ("rename /data/../secret /data/stolen", PERMISSION_DENIED),
        ("link /data/../secret /data/stolen", PERMISSION_DENIED),
        ("link /data/a /data/../stolen", PERMISSION_DENIED),
        (&absolute, NOT_FOUND),
        (&stolen, NOT_FOUND),
        ("read /etc/passwd", NOT_FOUND),
        ("read secret", NOT_FOUND),
        ("list /data", "a|inner"),
    ])?;
    let mut left: Vec<_> = fs::read_dir(folder.path())?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<std::io::Result<_>>()?;
    left.sort();
    assert_eq!(left, ["data", "other", "secret"]);
    Ok(())
}

/// Symbolic links that were in the folder before the guest ran.
#[cfg(unix)]
pub(crate) fn host_links(path: &Path) -> Result<(), Failed> {
    use std::os::unix::fs::symlink;

    let folder = folders()?;
    let data = folder.path().join("data");
    symlink(folder.path().join("secret"), data.join("absolute"))?;
    symlink("../secret", data.join("relative"))?;
    symlink("../other", data.join("folder"))?;
    symlink("folder", data.join("twice"))?;
    symlink("inner/b", data.join("inside"))?;
    symlink("inner/../a", data.join("around"))?;
    symlink("../data/a", data.join("out-and-in"))?;
    let grants = Grants::default().with_folder(FolderGrant::read_write(&data, "/data"));
    Reach::new(path, grants)?.expect(&[
        ("read /data/absolute", PERMISSION_DENIED),
        ("read /data/relative", PERMISSION_DENIED),
        ("read /data/folder/c", PERMISSION_DENIED),
        ("list /data/folder", PERMISSION_DENIED),
        ("read /data/twice/c", PERMISSION_DENIED),
        ("read /data/out-and-in", PERMISSION_DENIED),
        ("write /data/relative x", PERMISSION_DENIED),
        ("write /data/folder/new x", PERMISSION_DENIED),
        ("rename /data/a /data/folder/a", PERMISSION_DENIED),
        ("link /data/a /data/folder/a", PERMISSION_DENIED),
        ("remove /data/folder/c", PERMISSION_DENIED),
        ("read /data/inside", "B"),
        ("read /data/around", "A"),
    ])?;
    assert_eq!(fs::read_to_string(folder.path().join("secret"))?, "S");
    assert_eq!(fs::read_dir(folder.path().join("other"))?.count(), 1);
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn host_links(_: &Path) -> Result<(), Failed> {
    // On Windows, tests have no permission to create symbolic links.
    Ok(())
}

pub(crate) fn guest_links(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let grants = Grants::default().with_folder(FolderGrant::read_write(&data, "/data"));
    let mut reach = Reach::new(path, grants)?;
    reach.expect(&[
        ("symlink /etc/passwd /data/absolute", PERMISSION_DENIED),
        // A link that leads out can be created, but not followed.
        ("symlink ../secret /data/relative", "done"),
        ("read /data/relative", PERMISSION_DENIED),
        ("write /data/relative x", PERMISSION_DENIED),
        ("symlink .. /data/up", "done"),
        ("read /data/up/secret", PERMISSION_DENIED),
        ("list /data/up", PERMISSION_DENIED),
        // A hard link to a symbolic link is to the link itself, not to its target.
        ("link /data/relative /data/hard", "done"),
        ("read /data/hard", PERMISSION_DENIED),
        // A link that is moved up does not lead out either.
        ("symlink ../a /data/inner/near", "done"),
        ("read /data/inner/near", "A"),
        ("rename /data/inner/near /data/near", "done"),
        ("read /data/near", PERMISSION_DENIED),
    ])?;
    assert_eq!(fs::read_to_string(folder.path().join("secret"))?, "S");
    Ok(())
}

pub(crate) fn between_folders(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let at = |name| folder.path().join(name);
    let grants = Grants::default()
        .with_folder(FolderGrant::read_only(at("data"), "/data"))
        .with_folder(FolderGrant::read_write(at("other"), "/other"));
    Reach::new(path, grants)?.expect(&[
        // A read-only file must not become writable.
        ("link /data/a /other/a", PERMISSION_DENIED),
        ("rename /data/a /other/a", PERMISSION_DENIED),
        ("rename /other/c /data/c", PERMISSION_DENIED),
        ("link /other/c /data/c", PERMISSION_DENIED),
        ("symlink ../data/a /other/soft", "done"),
        ("write /other/soft x", PERMISSION_DENIED),
        ("read /other/soft", PERMISSION_DENIED),
        ("read /other/../data/a", PERMISSION_DENIED),
        ("list /data", "a|inner"),
        ("list /other", "c|soft"),
    ])?;
    let grants = Grants::default()
        .with_folder(FolderGrant::read_write(at("data"), "/data"))
        .with_folder(FolderGrant::read_write(at("other"), "/other"));
    Reach::new(path, grants)?.expect(&[("rename /data/a /other/a", "done"), ("read /other/a", "A")])
}

/// Later changes to the path of a granted folder have no effect.
pub(crate) fn opened_once(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let grants = Grants::default().with_folder(FolderGrant::read_only(&data, "/data"));
    let mut reach = Reach::new(path, grants)?;
    fs::rename(&data, folder.path().join("moved"))?;
    fs::rename(folder.path().join("other"), &data)?;
    reach.expect(&[("read /data/a", "A"), ("read /data/c", "error: NotFound")])?;
    reach.0.restart();
    reach.expect(&[("read /data/a", "A"), ("list /data", "a|inner")])?;

    let grants = Grants::default().with_folder(FolderGrant::read_only("no-such", "/data"));
    let error = TextHost::builder().grants(grants.clone()).build().err();
    let error = error.ok_or("a missing folder was granted")?;
    assert_eq!(
        error.to_string(),
        "cannot grant `no-such::/data:ro`: there is no folder `no-such`"
    );
    let plugin = TextHost::new()?.load(path)?;
    assert!(matches!(
        plugin.with_grants(&grants),
        Err(kumiki::Error::Grant(_))
    ));
    Ok(())
}

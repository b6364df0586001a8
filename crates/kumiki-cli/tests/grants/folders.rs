//! Access of a guest to files in granted folders and outside of them.

use std::fs;
use std::path::Path;

use kumiki::{FolderGrant, Grants};
use kumiki_text::TextHost;
use libtest_mimic::Failed;

use crate::reach::Reach;
use crate::{NO_FOLDER, NO_WAY_OUT};

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
        ("write /data/a x", NO_WAY_OUT),
        ("write /data/new x", NO_WAY_OUT),
        ("append /data/a x", NO_WAY_OUT),
        ("truncate /data/a", NO_WAY_OUT),
        ("remove /data/a", NO_WAY_OUT),
        ("make /data/new", NO_WAY_OUT),
        ("rename /data/a /data/new", NO_WAY_OUT),
        ("link /data/a /data/new", NO_WAY_OUT),
        ("symlink a /data/new", NO_WAY_OUT),
        // Not through an inner folder either.
        ("write /data/inner/b x", NO_WAY_OUT),
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

pub(crate) fn no_way_out_by_paths(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let grants = Grants::default().with_folder(FolderGrant::read_write(&data, "/data"));
    let absolute = format!("read {}", folder.path().join("secret").display());
    let stolen = format!("rename /data/a {}", folder.path().join("stolen").display());
    Reach::new(path, grants)?.expect(&[
        ("read /data/../secret", NO_WAY_OUT),
        ("read /data/inner/../../secret", NO_WAY_OUT),
        ("read /data/./../secret", NO_WAY_OUT),
        ("read /data//../secret", NO_WAY_OUT),
        ("list /data/..", NO_WAY_OUT),
        ("list /data/../other", NO_WAY_OUT),
        ("write /data/../written x", NO_WAY_OUT),
        ("make /data/../made", NO_WAY_OUT),
        ("remove /data/../secret", NO_WAY_OUT),
        ("rename /data/a /data/../stolen", NO_WAY_OUT),
        ("rename /data/../secret /data/stolen", NO_WAY_OUT),
        ("link /data/../secret /data/stolen", NO_WAY_OUT),
        ("link /data/a /data/../stolen", NO_WAY_OUT),
        (&absolute, NO_FOLDER),
        (&stolen, NO_FOLDER),
        ("read /etc/passwd", NO_FOLDER),
        ("read secret", NO_FOLDER),
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
        ("read /data/absolute", NO_WAY_OUT),
        ("read /data/relative", NO_WAY_OUT),
        ("read /data/folder/c", NO_WAY_OUT),
        ("list /data/folder", NO_WAY_OUT),
        ("read /data/twice/c", NO_WAY_OUT),
        ("read /data/out-and-in", NO_WAY_OUT),
        ("write /data/relative x", NO_WAY_OUT),
        ("write /data/folder/new x", NO_WAY_OUT),
        ("rename /data/a /data/folder/a", NO_WAY_OUT),
        ("link /data/a /data/folder/a", NO_WAY_OUT),
        ("remove /data/folder/c", NO_WAY_OUT),
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
        ("symlink /etc/passwd /data/absolute", NO_WAY_OUT),
        // A link that leads out can be created, but not followed.
        ("symlink ../secret /data/relative", "done"),
        ("read /data/relative", NO_WAY_OUT),
        ("write /data/relative x", NO_WAY_OUT),
        ("symlink .. /data/up", "done"),
        ("read /data/up/secret", NO_WAY_OUT),
        ("list /data/up", NO_WAY_OUT),
        // A hard link to a symbolic link is to the link itself, not to its target.
        ("link /data/relative /data/hard", "done"),
        ("read /data/hard", NO_WAY_OUT),
        // A link does not lead out after it is moved deeper or higher either.
        ("symlink ../a /data/inner/near", "done"),
        ("read /data/inner/near", "A"),
        ("rename /data/inner/near /data/near", "done"),
        ("read /data/near", NO_WAY_OUT),
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
        ("link /data/a /other/a", NO_WAY_OUT),
        ("rename /data/a /other/a", NO_WAY_OUT),
        ("rename /other/c /data/c", NO_WAY_OUT),
        ("link /other/c /data/c", NO_WAY_OUT),
        ("symlink ../data/a /other/soft", "done"),
        ("write /other/soft x", NO_WAY_OUT),
        ("read /other/soft", NO_WAY_OUT),
        ("read /other/../data/a", NO_WAY_OUT),
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
    let error = error.ok_or("a folder was granted that is not there")?;
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

//! Folders opened name by name, so that each symbolic link on the way is seen.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// The most links that a path may pass, as on Linux.
const MOST_LINKS: usize = 40;

/// A folder, whatever it is called: its device and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FolderId(u64, u64);

impl FolderId {
    pub(super) fn of(folder: &Dir) -> io::Result<Self> {
        let metadata = folder.dir_metadata()?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

/// What a name in a folder is.
enum Step {
    Folder(Dir),
    /// A symbolic link, and what it says.
    Link(PathBuf),
}

/// Opens the folder `name` in `folder`, and never what a link of this name
/// leads to.
fn step(folder: &Dir, name: &OsStr) -> io::Result<Step> {
    folder
        .open_dir_nofollow(name)
        .map(Step::Folder)
        .or_else(|error| match folder.symlink_metadata(name) {
            Ok(metadata) if metadata.is_symlink() => {
                folder.read_link_contents(name).map(Step::Link)
            }
            _ => Err(error),
        })
}

/// Why a folder could not be opened without following links.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// There is a link, and so many names behind it.
    Link {
        behind: usize,
    },
    /// There is a `..` in the path.
    Parent,
    Other(io::Error),
}

/// Opens the folder at `path` below `base`. No link is followed, whatever
/// becomes of the path meanwhile.
pub(super) fn open_below(base: Dir, path: &Path) -> Result<Dir, NotOpened> {
    let mut folder = base;
    let mut components = path.components();
    while let Some(component) = components.next() {
        let name = match component {
            Component::CurDir => continue,
            Component::Normal(name) => name,
            _ => return Err(NotOpened::Parent),
        };
        folder = match step(&folder, name).map_err(NotOpened::Other)? {
            Step::Folder(folder) => folder,
            Step::Link(_) => {
                let behind = components.count();
                return Err(NotOpened::Link { behind });
            }
        };
    }
    Ok(folder)
}

/// Opens a folder by its path, as the system resolves it.
pub(super) fn open(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

/// An absolute path as the folder that it begins at, and what follows.
pub(super) fn split_root(path: &Path) -> (PathBuf, PathBuf) {
    let is_root =
        |component: &Component<'_>| matches!(component, Component::Prefix(_) | Component::RootDir);
    let root = path.components().take_while(is_root).collect();
    (root, path.components().skip_while(is_root).collect())
}

/// All folders that hold `folder`, itself first, the root last.
pub(super) fn holders(folder: &Dir) -> io::Result<Vec<FolderId>> {
    let mut holders = vec![FolderId::of(folder)?];
    let mut next = folder.open_parent_dir(ambient_authority())?;
    loop {
        let id = FolderId::of(&next)?;
        if holders.last() == Some(&id) {
            return Ok(holders);
        }
        holders.push(id);
        next = next.open_parent_dir(ambient_authority())?;
    }
}

/// What a path passes.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Each folder on the way, those that hold its links, too.
    pub(super) folders: Vec<FolderId>,
    /// The folder that it leads to, if it leads to one.
    pub(super) end: Option<FolderId>,
}

impl Way {
    /// Follows a path, with its links, as far as there is something.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let mut way = Self::default();
        let mut links = 0;
        // What is still to go, the next name last.
        let (root, rest) = split_root(&path);
        let mut names: Vec<OsString> = Vec::new();
        put(&mut names, &rest);
        let mut folders = vec![open(&root)?];
        way.folders.push(FolderId::of(&folders[0])?);
        while let Some(name) = names.pop() {
            if name == ".." {
                if folders.len() > 1 {
                    folders.pop();
                }
                continue;
            }
            let Some(folder) = folders.last() else { break };
            match step(folder, &name) {
                Ok(Step::Folder(folder)) => {
                    way.folders.push(FolderId::of(&folder)?);
                    folders.push(folder);
                }
                Ok(Step::Link(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(io::Error::other("it passes too many links"));
                    }
                    let (root, rest) = split_root(&target);
                    if !root.as_os_str().is_empty() {
                        folders = vec![open(&root)?];
                        way.folders.push(FolderId::of(&folders[0])?);
                    }
                    put(&mut names, &rest);
                }
                Err(error) if is_end(&error) => return Ok(way),
                Err(error) => return Err(error),
            }
        }
        way.end = folders.last().map(FolderId::of).transpose()?;
        Ok(way)
    }
}

/// Puts the names of a path on those that are still to go.
fn put(names: &mut Vec<OsString>, path: &Path) {
    let normal = path.components().filter(|name| *name != Component::CurDir);
    names.extend(normal.rev().map(|name| name.as_os_str().to_owned()));
}

/// A file, or nothing.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn id(path: &Path) -> FolderId {
        FolderId::of(&open(path).unwrap()).unwrap()
    }

    /// `a/b/c`, `a/b/file`, and links to them.
    fn scene() -> tempfile::TempDir {
        let scene = tempfile::tempdir().unwrap();
        let at = |name: &str| scene.path().join(name);
        fs::create_dir_all(at("a/b/c")).unwrap();
        fs::create_dir(at("links")).unwrap();
        fs::write(at("a/b/file"), "").unwrap();
        for (target, name) in [
            ("../a/b", "links/b"),
            ("b", "links/again"),
            ("round", "links/round"),
        ] {
            symlink(target, at(name)).unwrap();
        }
        symlink(at("a/b/file"), at("links/file")).unwrap();
        scene
    }

    #[test]
    fn no_link_is_followed_below_a_folder() {
        let scene = scene();
        let open_in = |path: &str| {
            let folder = open_below(open(scene.path()).unwrap(), Path::new(path));
            folder.map(|folder| FolderId::of(&folder).unwrap())
        };
        assert_eq!(open_in("a/b/c").unwrap(), id(&scene.path().join("a/b/c")));
        assert_eq!(open_in("./a//b/.").unwrap(), id(&scene.path().join("a/b")));
        assert_eq!(open_in("").unwrap(), id(scene.path()));
        for (path, expected) in [
            ("links/b", 0),
            ("links/b/c", 1),
            ("links/again/c/d", 2),
            ("links/round", 0),
            ("links/file", 0),
        ] {
            match open_in(path) {
                Err(NotOpened::Link { behind }) => assert_eq!(behind, expected, "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
        for path in ["..", "a/../a", "/a"] {
            assert!(matches!(open_in(path), Err(NotOpened::Parent)), "{path}");
        }
        for path in ["a/b/file", "a/none"] {
            assert!(matches!(open_in(path), Err(NotOpened::Other(_))), "{path}");
        }
    }

    #[test]
    fn a_way_has_each_folder_that_it_passes() {
        let scene = scene();
        let at = |name: &str| scene.path().join(name);
        for (path, folders, end) in [
            ("a/b/c", &["a", "a/b", "a/b/c"][..], Some("a/b/c")),
            ("a/b/file", &["a", "a/b"], None),
            ("a/none/more", &["a"], None),
            ("links/b/c", &["links", "a", "a/b", "a/b/c"], Some("a/b/c")),
            ("links/again", &["links", "a", "a/b"], Some("a/b")),
            ("links/file", &["links", "a", "a/b"], None),
            ("a/b/../../links/.", &["a", "a/b", "links"], Some("links")),
        ] {
            let way = Way::of(&at(path)).unwrap();
            for folder in folders {
                assert!(way.folders.contains(&id(&at(folder))), "{path}: {folder}");
            }
            assert!(way.folders.contains(&id(scene.path())), "{path}");
            assert_eq!(way.end, end.map(|end| id(&at(end))), "{path}");
            let unpassed = ["a/b/c", "links"].into_iter();
            for folder in unpassed.filter(|folder| !folders.contains(folder)) {
                assert!(!way.folders.contains(&id(&at(folder))), "{path}: {folder}");
            }
        }
        Way::of(&at("links/round")).unwrap_err();
    }

    #[test]
    fn holders_reach_to_the_root() {
        let scene = scene();
        let inner = scene.path().join("a/b/c");
        let holders = holders(&open(&scene.path().join("links/b/c")).unwrap()).unwrap();
        assert_eq!(holders.first(), Some(&id(&inner)));
        assert!(holders.contains(&id(scene.path())));
        assert_eq!(holders.last(), Some(&id(Path::new("/"))));
    }
}

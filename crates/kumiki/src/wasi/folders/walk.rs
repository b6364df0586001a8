//! Opens folders name by name, to detect each symbolic link on the way.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// Maximum symbolic links in the resolution of a path, as on Linux.
const MAX_LINKS: usize = 40;

/// Identifies a folder independently of its path: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FolderId(u64, u64);

impl FolderId {
    pub(super) fn of(folder: &Dir) -> io::Result<Self> {
        let metadata = folder.dir_metadata()?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

/// What a name in a folder refers to.
enum Step {
    Folder(Dir),
    /// A symbolic link with this target.
    Link(PathBuf),
}

/// Opens the folder `name` in `folder`, without following a symbolic link.
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
    /// The path contains a symbolic link, which `remaining` names follow.
    Link {
        remaining: usize,
    },
    /// The path contains `..`.
    Parent,
    Other(io::Error),
}

/// Opens the folder at `path` below `base` without following symbolic links, even if the
/// path changes meanwhile.
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
                let remaining = components.count();
                return Err(NotOpened::Link { remaining });
            }
        };
    }
    Ok(folder)
}

/// Opens a folder by its path, following symbolic links.
pub(super) fn open(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

/// Splits an absolute path into its root and the rest. The root of a relative path is empty.
pub(super) fn split_root(path: &Path) -> (PathBuf, PathBuf) {
    let is_root =
        |component: &Component<'_>| matches!(component, Component::Prefix(_) | Component::RootDir);
    let root = path.components().take_while(is_root).collect();
    (root, path.components().skip_while(is_root).collect())
}

/// Returns `folder` and all folders that contain it, up to the root.
pub(super) fn ancestors(folder: &Dir) -> io::Result<Vec<FolderId>> {
    let mut ancestors = vec![FolderId::of(folder)?];
    let mut next = folder.open_parent_dir(ambient_authority())?;
    loop {
        let id = FolderId::of(&next)?;
        if ancestors.last() == Some(&id) {
            return Ok(ancestors);
        }
        ancestors.push(id);
        next = next.open_parent_dir(ambient_authority())?;
    }
}

/// The folders that the resolution of a path visits.
#[derive(Debug, Default)]
pub(super) struct ResolvedPath {
    /// Each folder on the way, including those that contain its symbolic links.
    pub(super) visited: Vec<FolderId>,
    /// The folder that the path leads to, if it is one.
    pub(super) target: Option<FolderId>,
}

impl ResolvedPath {
    /// Resolves a path, following symbolic links, up to the first name that does not exist.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let mut resolved = Self::default();
        let mut links = 0;
        // The names that remain, the next one last.
        let (root, rest) = split_root(&path);
        let mut names: Vec<OsString> = Vec::new();
        push_names(&mut names, &rest);
        let mut folders = vec![open(&root)?];
        resolved.visited.push(FolderId::of(&folders[0])?);
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
                    resolved.visited.push(FolderId::of(&folder)?);
                    folders.push(folder);
                }
                Ok(Step::Link(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(io::Error::other("too many symbolic links in the path"));
                    }
                    let (root, rest) = split_root(&target);
                    if !root.as_os_str().is_empty() {
                        folders = vec![open(&root)?];
                        resolved.visited.push(FolderId::of(&folders[0])?);
                    }
                    push_names(&mut names, &rest);
                }
                Err(error) if is_missing_or_file(&error) => return Ok(resolved),
                Err(error) => return Err(error),
            }
        }
        resolved.target = folders.last().map(FolderId::of).transpose()?;
        Ok(resolved)
    }
}

/// Pushes the names of a path onto the stack of those that remain.
fn push_names(names: &mut Vec<OsString>, path: &Path) {
    let normal = path.components().filter(|name| *name != Component::CurDir);
    names.extend(normal.rev().map(|name| name.as_os_str().to_owned()));
}

fn is_missing_or_file(error: &io::Error) -> bool {
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
            ("loop", "links/loop"),
        ] {
            symlink(target, at(name)).unwrap();
        }
        symlink(at("a/b/file"), at("links/file")).unwrap();
        scene
    }

    #[test]
    fn open_below_follows_no_link() {
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
            ("links/loop", 0),
            ("links/file", 0),
        ] {
            match open_in(path) {
                Err(NotOpened::Link { remaining }) => assert_eq!(remaining, expected, "{path}"),
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
    fn resolved_path_contains_each_visited_folder() {
        let scene = scene();
        let at = |name: &str| scene.path().join(name);
        for (path, visited, target) in [
            ("a/b/c", &["a", "a/b", "a/b/c"][..], Some("a/b/c")),
            ("a/b/file", &["a", "a/b"], None),
            ("a/none/more", &["a"], None),
            ("links/b/c", &["links", "a", "a/b", "a/b/c"], Some("a/b/c")),
            ("links/again", &["links", "a", "a/b"], Some("a/b")),
            ("links/file", &["links", "a", "a/b"], None),
            ("a/b/../../links/.", &["a", "a/b", "links"], Some("links")),
        ] {
            let resolved = ResolvedPath::of(&at(path)).unwrap();
            let contains = |folder: &str| resolved.visited.contains(&id(&at(folder)));
            for folder in visited {
                assert!(contains(folder), "{path}: {folder}");
            }
            assert!(resolved.visited.contains(&id(scene.path())), "{path}");
            assert_eq!(
                resolved.target,
                target.map(|target| id(&at(target))),
                "{path}"
            );
            let others = ["a/b/c", "links"].into_iter();
            for folder in others.filter(|folder| !visited.contains(folder)) {
                assert!(!contains(folder), "{path}: {folder}");
            }
        }
        ResolvedPath::of(&at("links/loop")).unwrap_err();
    }

    #[test]
    fn ancestors_reach_to_the_root() {
        let scene = scene();
        let inner = scene.path().join("a/b/c");
        let ancestors = ancestors(&open(&scene.path().join("links/b/c")).unwrap()).unwrap();
        assert_eq!(ancestors.first(), Some(&id(&inner)));
        assert!(ancestors.contains(&id(scene.path())));
        assert_eq!(ancestors.last(), Some(&id(Path::new("/"))));
    }
}

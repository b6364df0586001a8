//! Who asks for paths in granted folders. WASI itself denies what was not
//! granted; here it is found out which folder it was, so that a person can be
//! told. Only what can be denied is here, in the place of wasmtime's own
//! functions of the same names.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir as OpenDir, WasiFilesystemCtxView};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    DescriptorFlags, ErrorCode, Host as _, HostDescriptor as _, NewTimestamp, OpenFlags, PathFlags,
};

use super::guard::Guard;
use super::{Denial, FolderAccess, FolderGrant};
use crate::wasi::WASI_VERSION;

/// How much of a path is told, in characters.
const PATH: usize = 256;

/// The folders of one instance.
pub(crate) struct Folders {
    granted: Vec<FolderGrant>,
    /// The same, open.
    opened: Arc<[OpenDir]>,
    /// Which of them each descriptor of the guest lies in. A number that is
    /// given away again is entered again: nothing has to be taken out.
    of: HashMap<u32, usize>,
    told: Vec<Told>,
}

#[derive(Clone, Copy, Default)]
struct Told {
    change: bool,
    way_out: bool,
}

impl Folders {
    pub(super) fn new(granted: &[FolderGrant], opened: &Arc<[OpenDir]>) -> Self {
        Self {
            granted: granted.to_vec(),
            opened: opened.clone(),
            of: HashMap::new(),
            told: vec![Told::default(); granted.len()],
        }
    }
}

/// What one instance's paths go through.
pub(crate) struct Paths<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) folders: &'a mut Folders,
    pub(crate) filesystem: WasiFilesystemCtxView<'a>,
}

type Dir = Resource<Descriptor>;

/// A path, and the number of the descriptor that it begins at.
type Place<'a> = (u32, &'a str);

/// What comes of a function that may fail as files do.
type Answered<R> = wasmtime::Result<(Result<R, ErrorCode>,)>;

/// Where an instance keeps its paths.
type Get<T> = fn(&mut T) -> Paths<'_>;

/// Links what can be denied in the place of WASI's own.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    paths: Get<T>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let name = format!("wasi:filesystem/preopens@{WASI_VERSION}");
    linker.instance(&name)?.func_wrap(
        "get-directories",
        move |mut store: StoreContextMut<'_, T>, ()| Ok((paths(store.data_mut()).directories()?,)),
    )?;
    let name = format!("wasi:filesystem/types@{WASI_VERSION}");
    link_open(&mut linker.instance(&name)?, paths)?;
    link_one(&mut linker.instance(&name)?, paths)?;
    link_two(&mut linker.instance(&name)?, paths)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_open<T: Send + 'static>(
    linker: &mut LinkerInstance<'_, T>,
    paths: Get<T>,
) -> wasmtime::Result<()> {
    type Parameters = (Dir, PathFlags, String, OpenFlags, DescriptorFlags);
    linker.func_wrap(
        "[method]descriptor.open-at",
        move |mut store: StoreContextMut<'_, T>, parameters: Parameters| {
            let (dir, follow, path, how, flags) = parameters;
            let mut paths = paths(store.data_mut());
            let changes = how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
                || flags.contains(DescriptorFlags::WRITE);
            let (from, told) = (dir.rep(), path.clone());
            let opened = paths.filesystem.open_at(dir, follow, path, how, flags);
            if let (Ok(opened), Some(folder)) = (&opened, paths.folders.of.get(&from)) {
                let folder = *folder;
                paths.folders.of.insert(opened.rep(), folder);
            }
            paths.answer(opened, changes, &[(from, &told)])
        },
    )?;
    linker.func_wrap(
        "[method]descriptor.stat-at",
        move |mut store: StoreContextMut<'_, T>, (dir, follow, path): (Dir, PathFlags, String)| {
            let mut paths = paths(store.data_mut());
            let (from, told) = (dir.rep(), path.clone());
            let found = paths.filesystem.stat_at(dir, follow, path);
            paths.answer(found, false, &[(from, &told)])
        },
    )
}

/// What changes one path.
fn link_one<T: Send + 'static>(
    linker: &mut LinkerInstance<'_, T>,
    paths: Get<T>,
) -> wasmtime::Result<()> {
    type Change = fn(&mut WasiFilesystemCtxView<'_>, Dir, String) -> FsResult<()>;
    let changes: [(&str, Change); 3] = [
        ("create-directory-at", |files, dir, path| {
            files.create_directory_at(dir, path)
        }),
        ("remove-directory-at", |files, dir, path| {
            files.remove_directory_at(dir, path)
        }),
        ("unlink-file-at", |files, dir, path| {
            files.unlink_file_at(dir, path)
        }),
    ];
    for (name, change) in changes {
        linker.func_wrap(
            &format!("[method]descriptor.{name}"),
            move |mut store: StoreContextMut<'_, T>, (dir, path): (Dir, String)| {
                let mut paths = paths(store.data_mut());
                let (from, told) = (dir.rep(), path.clone());
                let done = change(&mut paths.filesystem, dir, path);
                paths.answer(done, true, &[(from, &told)])
            },
        )?;
    }
    type Times = (Dir, PathFlags, String, NewTimestamp, NewTimestamp);
    linker.func_wrap(
        "[method]descriptor.set-times-at",
        move |mut store: StoreContextMut<'_, T>, (dir, follow, path, read, written): Times| {
            let mut paths = paths(store.data_mut());
            let (from, told) = (dir.rep(), path.clone());
            let files = &mut paths.filesystem;
            let done = files.set_times_at(dir, follow, path, read, written);
            paths.answer(done, true, &[(from, &told)])
        },
    )
}

/// What speaks of two paths.
fn link_two<T: Send + 'static>(
    linker: &mut LinkerInstance<'_, T>,
    paths: Get<T>,
) -> wasmtime::Result<()> {
    linker.func_wrap(
        "[method]descriptor.symlink-at",
        move |mut store: StoreContextMut<'_, T>, (dir, target, path): (Dir, String, String)| {
            let mut paths = paths(store.data_mut());
            let (from, told) = (dir.rep(), (target.clone(), path.clone()));
            let done = paths.filesystem.symlink_at(dir, target, path);
            paths.answer(done, true, &[(from, &told.1), (from, &told.0)])
        },
    )?;
    type Link = (Dir, PathFlags, String, Dir, String);
    linker.func_wrap(
        "[method]descriptor.link-at",
        move |mut store: StoreContextMut<'_, T>, (dir, follow, path, to, name): Link| {
            let mut paths = paths(store.data_mut());
            let (from, told) = ((dir.rep(), to.rep()), (path.clone(), name.clone()));
            let done = paths.filesystem.link_at(dir, follow, path, to, name);
            paths.answer(done, true, &[(from.0, &told.0), (from.1, &told.1)])
        },
    )?;
    linker.func_wrap(
        "[method]descriptor.rename-at",
        move |mut store: StoreContextMut<'_, T>,
              (dir, path, to, name): (Dir, String, Dir, String)| {
            let mut paths = paths(store.data_mut());
            let (from, told) = ((dir.rep(), to.rep()), (path.clone(), name.clone()));
            let done = paths.filesystem.rename_at(dir, path, to, name);
            paths.answer(done, true, &[(from.0, &told.0), (from.1, &told.1)])
        },
    )
}

impl Paths<'_> {
    /// The granted folders, in the order in which they were opened.
    fn directories(&mut self) -> wasmtime::Result<Vec<(Dir, String)>> {
        let Folders {
            granted,
            opened,
            of,
            ..
        } = &mut *self.folders;
        let mut directories = Vec::with_capacity(granted.len());
        for (folder, (granted, opened)) in granted.iter().zip(&**opened).enumerate() {
            let dir = Descriptor::Dir(opened.clone());
            let dir = self.filesystem.table.push(dir)?;
            of.insert(dir.rep(), folder);
            directories.push((dir, granted.guest.clone()));
        }
        Ok(directories)
    }

    /// Hands the guest its answer, and tells of a denial.
    fn answer<R>(
        &mut self,
        result: FsResult<R>,
        changes: bool,
        places: &[Place<'_>],
    ) -> Answered<R> {
        let error = match result {
            Ok(result) => return Ok((Ok(result),)),
            Err(error) => self.filesystem.convert_error_code(error)?,
        };
        if error == ErrorCode::NotPermitted && !(changes && self.read_only(places)) {
            self.way_out(changes, places);
        }
        Ok((Err(error),))
    }

    /// Tells of the first of these places that may only be read, if one is.
    fn read_only(&mut self, places: &[Place<'_>]) -> bool {
        let Folders {
            granted, of, told, ..
        } = &mut *self.folders;
        let mut folders = places.iter().filter_map(|(from, _)| of.get(from));
        let read_only = folders.find(|folder| granted[**folder].access == FolderAccess::ReadOnly);
        let Some(folder) = read_only else {
            return false;
        };
        if !std::mem::replace(&mut told[*folder].change, true) {
            let grant = granted[*folder].to_change();
            self.guard.tell(Denial::Change(&grant));
        }
        true
    }

    /// Tells of the first of these places that leads out of its folder. What
    /// only reads is permitted everywhere else; what changes may also be denied
    /// by the system.
    fn way_out(&mut self, changes: bool, places: &[Place<'_>]) {
        let Folders {
            granted, of, told, ..
        } = &mut *self.folders;
        let mut out = places
            .iter()
            .filter(|(_, path)| !changes || leads_out(path));
        let Some((from, path)) = out.next() else {
            return;
        };
        let Some(folder) = of.get(from) else { return };
        if !std::mem::replace(&mut told[*folder].way_out, true) {
            let path: String = path.chars().take(PATH).collect();
            self.guard.tell(Denial::WayOut {
                folder: &granted[*folder],
                path: &path,
            });
        }
    }
}

/// Whether a path leads out of its folder by what it says; a link may lead
/// anywhere.
fn leads_out(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_paths_lead_out() {
        for (path, out) in [
            ("a", false),
            ("a/../b", false),
            ("./a//b/..", false),
            ("..a", false),
            ("..", true),
            ("../a", true),
            ("a/../../b", true),
            ("./..", true),
            ("/a", true),
        ] {
            assert_eq!(leads_out(path), out, "{path}");
        }
    }
}

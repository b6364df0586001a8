//! The folder of artifacts: made, and looked at from outside. Whoever can write
//! to it, or to a folder above it, could put machine code there for others to
//! run.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a folder is not used, and what to do about it.
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

impl Fault {
    fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            message: message.into(),
            hint,
        }
    }
}

/// The real path of a folder, made if need be, that only this user writes to.
#[cfg(unix)]
pub(super) fn open(folder: &Path) -> Result<PathBuf, Fault> {
    const HINT: &str = "name a folder that this user may write to";
    let cannot = |error: io::Error| Fault::new(format!("cannot use it: {error}"), HINT);
    make(folder).map_err(cannot)?;
    let folder = folder.canonicalize().map_err(cannot)?;
    let user = user(&folder).map_err(cannot)?;
    let mut above = false;
    for place in folder.ancestors() {
        check(place, user, above)?;
        above = true;
    }
    Ok(folder)
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    if let Some(parent) = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The number of this user, by a file that it makes.
#[cfg(unix)]
fn user(folder: &Path) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let path = temporary(&folder.join("user"));
    let user = create(&path)?.metadata()?.uid();
    fs::remove_file(path)?;
    Ok(user)
}

/// Whether nobody but `user` and root can put something in a folder's place, or,
/// for the folder itself, into it. In a folder with the sticky bit, such as
/// `/tmp`, everybody may write, and nobody may rename what is another's.
#[cfg(unix)]
fn check(folder: &Path, user: u32, above: bool) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = folder
        .symlink_metadata()
        .map_err(|error| Fault::new(format!("cannot look at it: {error}"), ELSEWHERE))?;
    let (owner, mode) = (metadata.uid(), metadata.mode());
    let place = folder.display();
    if owner != user && !(above && owner == 0) {
        let message = format!("`{place}` belongs to another user (number {owner})");
        return Err(Fault::new(message, ELSEWHERE));
    }
    let (others_write, sticky) = (mode & 0o022 != 0, mode & 0o1000 != 0);
    if others_write && !(above && sticky) {
        let message = format!(
            "others can write to `{place}` (its mode is {:o})",
            mode & 0o7777
        );
        return Err(Fault::new(
            message,
            "`chmod go-w` that folder, or name another",
        ));
    }
    Ok(())
}

#[cfg(unix)]
const ELSEWHERE: &str = "name a folder in this user's own home folder";

/// Makes a file that is not there yet, for its owner's eyes only.
#[cfg(unix)]
pub(super) fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// 32 bytes that nobody can guess.
#[cfg(unix)]
pub(super) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// On other systems nothing here can tell who may write to a folder.
#[cfg(not(unix))]
pub(super) fn open(_: &Path) -> Result<PathBuf, Fault> {
    Err(Fault::new(
        "artifacts are kept on Unix only",
        "do without a cache",
    ))
}

#[cfg(not(unix))]
pub(super) fn create(path: &Path) -> io::Result<File> {
    File::create_new(path)
}

#[cfg(not(unix))]
pub(super) fn random() -> io::Result<[u8; 32]> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A name beside `path` that nobody else has.
pub(super) fn temporary(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{count}.tmp", std::process::id()));
    path.with_file_name(name)
}

//! Reads files of a project: regular files only, each up to a bound. A project
//! may come from a stranger, who can put a device, a pipe or a link to one in the
//! place of any file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::Error;

/// The most bytes of a file that people write: a manifest, WIT, a module.
pub(crate) const TEXT: u64 = 4 << 20;

/// The most bytes of a component beside its sources.
pub(crate) const COMPONENT: u64 = 1 << 30;

/// Opens a regular file. A pipe is not waited for.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let refused = || io::Error::other("it is no regular file");
    // Some devices act when they are opened.
    if !path.metadata()?.is_file() {
        return Err(refused());
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(refused()),
    }
}

/// Reads a regular file of at most so many bytes.
pub(crate) fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it has over {most} bytes"))),
        false => Ok(bytes),
    }
}

/// Reads a file of a project as text: a manifest, a WIT or a module, which is a
/// regular file of at most 4 MiB.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be read, is longer, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Error> {
    let text = bytes(path, TEXT).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    });
    text.map_err(Error::io("read", path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "1234").unwrap();
        assert_eq!(bytes(&path, 4).unwrap(), b"1234");
        let error = bytes(&path, 3).unwrap_err();
        assert_eq!(error.to_string(), "it has over 3 bytes");
        File::create(&path).unwrap().set_len(TEXT + 1).unwrap();
        assert!(read_text(&path).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), mode).unwrap();
        std::os::unix::fs::symlink("pipe", at("to-pipe")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("to-device")).unwrap();
        for name in ["pipe", "to-pipe", "to-device", "."] {
            let error = bytes(&at(name), 10).unwrap_err();
            assert_eq!(error.to_string(), "it is no regular file", "{name}");
        }
        fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink("file", at("to-file")).unwrap();
        assert_eq!(read_text(&at("to-file")).unwrap(), "text");
    }
}

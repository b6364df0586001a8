//! Reads files of a project, only regular files and each up to a size limit. In
//! an untrusted project, any file can be a device, a pipe or a link to one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::Error;

/// The maximum size of a hand-written file (a manifest, WIT, a module), in
/// bytes.
pub(crate) const MAX_TEXT: u64 = 4 << 20;

/// The maximum size of a component next to its sources, in bytes.
pub(crate) const MAX_COMPONENT: u64 = 1 << 30;

/// Opens a regular file, without waiting for a pipe.
///
/// # Errors
/// The file cannot be opened, or is a device, a pipe or a folder.
pub fn open(path: &Path) -> io::Result<File> {
    let refused = || io::Error::other("not a regular file");
    // Opening some devices has side effects, so check first.
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

/// Reads a regular file of at most `max_bytes` bytes.
pub(crate) fn bytes(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(max_bytes + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > max_bytes {
        true => Err(io::Error::other(format!("larger than {max_bytes} bytes"))),
        false => Ok(bytes),
    }
}

/// Reads a project's file as text, such as a manifest, WIT or a module. It must
/// be a regular file of at most 4 MiB.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, is larger, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Error> {
    let text = bytes(path, MAX_TEXT).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    });
    text.map_err(Error::io("read", path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_above_the_limit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "1234").unwrap();
        assert_eq!(bytes(&path, 4).unwrap(), b"1234");
        let error = bytes(&path, 3).unwrap_err();
        assert_eq!(error.to_string(), "larger than 3 bytes");
        File::create(&path).unwrap().set_len(MAX_TEXT + 1).unwrap();
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
            assert_eq!(error.to_string(), "not a regular file", "{name}");
        }
        fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink("file", at("to-file")).unwrap();
        assert_eq!(read_text(&at("to-file")).unwrap(), "text");
    }
}

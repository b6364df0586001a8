//! Writes components atomically and records what each was built from.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::job::{Built, Options};
use crate::reading;
use crate::requests::with_requests;
use crate::stamps::Stamps;

/// The path of a component, and the stamps that record what it was built from.
pub(crate) struct Output<'a> {
    component: &'a Path,
    requests: &'a str,
    stamps: Option<&'a Stamps>,
}

impl<'a> Output<'a> {
    /// Creates an output for a component with these requests.
    pub(crate) fn new(component: &'a Path, requests: &'a str, options: &'a Options) -> Self {
        Self {
            component,
            requests,
            stamps: options.stamps.as_ref(),
        }
    }

    /// Returns the existing component, if it was built from the same inputs and
    /// not modified since.
    pub(crate) fn fresh(&self, fingerprint: Fingerprint) -> Option<Built> {
        let stamps = self.stamps?;
        let bytes = reading::bytes(self.component, reading::MAX_COMPONENT).ok()?;
        let parts = self.parts(fingerprint, &bytes);
        let parts = parts.each_ref().map(|part| part.as_bytes().as_slice());
        let is_fresh = stamps.has(self.component, &parts);
        is_fresh.then(|| self.built(&bytes, true))
    }

    /// Writes a component atomically, with the project's requests, and records
    /// its stamp.
    pub(crate) fn write(&self, component: &[u8], fingerprint: Fingerprint) -> Result<Built, Error> {
        let bytes = with_requests(component, self.requests);
        replace(self.component, &bytes)?;
        if let Some(stamps) = self.stamps {
            let parts = self.parts(fingerprint, &bytes);
            let parts = parts.each_ref().map(|part| part.as_bytes().as_slice());
            stamps.put(self.component, &parts)?;
        }
        Ok(self.built(&bytes, false))
    }

    /// The hashes that a stamp covers.
    fn parts(&self, fingerprint: Fingerprint, component: &[u8]) -> [blake3::Hash; 3] {
        let [component, requests] = [component, self.requests.as_bytes()].map(blake3::hash);
        [fingerprint.hash(), component, requests]
    }

    fn built(&self, bytes: &[u8], fresh: bool) -> Built {
        Built {
            path: self.component.to_owned(),
            bytes: bytes.len() as u64,
            fresh,
        }
    }
}

/// Replaces a file atomically: writes a temporary file next to it and renames
/// it. A reader, or a host that has the old file mapped, sees either the old
/// file or the new one. A symbolic link at either path is replaced, not
/// followed. Missing folders are created.
///
/// # Errors
/// [`Error::Io`], with the file or folder.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    // Hidden, so that it is not treated as a source.
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(name);
    let write = || {
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::File::create_new(&temporary)?.write_all(bytes)
    };
    write().map_err(Error::io("write", &temporary))?;
    let renamed = fs::rename(&temporary, path);
    renamed
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .map_err(Error::io("write", path))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Hasher;

    #[test]
    fn replace_does_not_follow_symlinks() {
        let scene = tempfile::tempdir().unwrap();
        let at = |name: &str| scene.path().join(name);
        fs::write(at("outside"), "untouched").unwrap();
        let temporary = format!(".file.{}.tmp", std::process::id());
        for name in ["file", &temporary] {
            std::os::unix::fs::symlink("outside", at(name)).unwrap();
        }
        replace(&at("file"), b"ours").unwrap();
        assert!(at("file").symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read(at("file")).unwrap(), b"ours");
        assert_eq!(fs::read(at("outside")).unwrap(), b"untouched");
        assert!(!at(&temporary).exists());
    }

    #[test]
    fn component_is_fresh_until_an_input_or_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("plugins/a.wasm");
        let stamps = Stamps::open(folder.path().join("stamps")).unwrap();
        let options = Options::new("work").with_stamps(stamps);
        let output = Output::new(&component, "", &options);
        let one = Hasher::new().bytes("source", b"1").finish();
        let two = Hasher::new().bytes("source", b"2").finish();

        assert!(output.fresh(one).is_none(), "nothing built yet");
        assert!(!output.write(b"component", one).unwrap().fresh);
        assert_eq!(output.fresh(one).unwrap().bytes, 9);
        assert!(output.fresh(two).is_none(), "other sources");
        let other = Output::new(&component, "[env]", &options);
        assert!(other.fresh(one).is_none(), "other requests");
        let without = Options::new("work");
        let without = Output::new(&component, "", &without);
        assert!(without.fresh(one).is_none(), "no stamps");
        fs::write(&component, "changed").unwrap();
        assert!(output.fresh(one).is_none(), "the component was modified");
        fs::remove_file(&component).unwrap();
        assert!(output.fresh(one).is_none(), "the component was removed");
    }
}

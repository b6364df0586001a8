//! Writes components so that nobody ever sees half of one, and remembers what
//! each was made from.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::job::Built;
use crate::requests::with_requests;

/// Where a component goes, and the stamp that says what it was made from.
pub(crate) struct Output<'a> {
    component: &'a Path,
    stamp: PathBuf,
    requests: &'a str,
}

impl<'a> Output<'a> {
    /// A component that gets these requests; the stamp lies in `work`, the
    /// project's folder of intermediate files.
    pub(crate) fn new(component: &'a Path, requests: &'a str, work: &Path) -> Self {
        Self {
            component,
            stamp: work.join("stamp"),
            requests,
        }
    }

    /// The component that is there, if it was made from the same things and was
    /// not touched since.
    pub(crate) fn fresh(&self, fingerprint: Fingerprint) -> Option<Built> {
        let stamp = fs::read_to_string(&self.stamp).ok()?;
        let bytes = fs::read(self.component).ok()?;
        (stamp == self.stamp_text(fingerprint, &bytes)).then(|| self.built(&bytes, true))
    }

    /// Puts a new component in place, with what its project requests, then
    /// stamps it.
    pub(crate) fn write(&self, component: &[u8], fingerprint: Fingerprint) -> Result<Built, Error> {
        let bytes = with_requests(component, self.requests);
        replace(self.component, &bytes)?;
        replace(&self.stamp, self.stamp_text(fingerprint, &bytes).as_bytes())?;
        Ok(self.built(&bytes, false))
    }

    fn stamp_text(&self, fingerprint: Fingerprint, component: &[u8]) -> String {
        let [component, requests] = [component, self.requests.as_bytes()].map(blake3::hash);
        format!("{fingerprint} {component} {requests}\n")
    }

    fn built(&self, bytes: &[u8], fresh: bool) -> Built {
        Built {
            path: self.component.to_owned(),
            bytes: bytes.len() as u64,
            fresh,
        }
    }
}

/// Writes beside the file, then renames: a reader, or a host that has the old
/// one mapped, sees the old file or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    // Hidden, so that nobody takes it for a source.
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(name);
    fs::write(&temporary, bytes).map_err(Error::io("write", &temporary))?;
    fs::rename(&temporary, path).map_err(Error::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Hasher;

    #[test]
    fn fresh_only_while_nothing_changed() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("plugins/a.wasm");
        let output = Output::new(&component, "", &folder.path().join("work"));
        let one = Hasher::new().bytes("source", b"1").finish();
        let two = Hasher::new().bytes("source", b"2").finish();

        assert!(output.fresh(one).is_none(), "nothing built yet");
        assert!(!output.write(b"component", one).unwrap().fresh);
        assert_eq!(output.fresh(one).unwrap().bytes, 9);
        assert!(output.fresh(two).is_none(), "other sources");
        let other = Output::new(&component, "[env]", &folder.path().join("work"));
        assert!(other.fresh(one).is_none(), "other requests");
        fs::write(&component, "someone else's").unwrap();
        assert!(
            output.fresh(one).is_none(),
            "another hand wrote the component"
        );
        fs::remove_file(&component).unwrap();
        assert!(output.fresh(one).is_none(), "the component is gone");
        let left: Vec<_> = fs::read_dir(folder.path().join("work")).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file is left: {left:?}");
    }
}

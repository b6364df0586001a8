//! Reads a project.

use std::fs;
use std::path::Path;

use kumiki_build::{Error, Project};

use crate::failure::Failure;

pub(crate) fn read(folder: &Path) -> Result<Project, Failure> {
    if let Err(error) = fs::metadata(folder) {
        let hint = "check the path, relative to the current folder";
        return Err(Failure::path("folder", folder, &error, hint));
    }
    Project::read(folder).map_err(|error| match &error {
        Error::Io { path, source, .. } => {
            let hint = "name a plugin's folder, or create one with `kumiki new NAME --lang \
                        rust|c|js|python|go`";
            Failure::path("file", path, source, hint)
        }
        _ => Failure::usage(error.to_string(), error.hint().unwrap_or_default()),
    })
}

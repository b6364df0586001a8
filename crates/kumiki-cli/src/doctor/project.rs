//! Examines a plugin's project: its `kumiki.toml`, WIT and toolchain.

use std::path::Path;

use kumiki_build::{Error, Probe, Profile, Project, Tools, unknown_imports};

use super::Diagnosis;
use crate::failure::causes;

/// Examines the project in a folder; builds nothing.
pub(crate) fn examine(folder: &Path, tools: &Tools) -> Vec<Diagnosis> {
    let project = match Project::read(folder) {
        Ok(project) => project,
        Err(error) => {
            let fix = error.hint().unwrap_or_default();
            return vec![Diagnosis::severe(error.to_string(), fix)];
        }
    };
    let mut diagnoses = Vec::new();
    if let Probe::Missing(missing) = project.probe(tools, Profile::Speed) {
        diagnoses.push(Diagnosis::severe(missing.what, missing.hint));
    }
    match unknown_imports(&project) {
        Ok(imports) => diagnoses.extend(
            imports
                .iter()
                .map(|import| Diagnosis::severe(import.to_string(), import.hint())),
        ),
        Err(error @ Error::Io { .. }) => diagnoses.push(Diagnosis::severe(
            error.to_string(),
            "create the file, or set `entry` in kumiki.toml",
        )),
        // Faults of the WIT are reported by other checks.
        Err(_) => {}
    }
    diagnoses.extend(project.wit_faults().iter().map(|error| match error {
        Error::Io { .. } => {
            let causes = causes(error).join(": ");
            let fix = "replace it with a WIT file, or remove it";
            Diagnosis::severe(format!("{error}: {causes}"), fix)
        }
        _ => Diagnosis::severe(error.to_string(), error.hint().unwrap_or_default()),
    }));
    diagnoses
}

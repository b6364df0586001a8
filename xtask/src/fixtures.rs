//! Builds the guests: the three example plugins into `target/plugins`, all
//! others into `target/fixtures`.
//!
//! If a toolchain is missing, `NAME.missing` is written instead of `NAME.wasm`. It
//! says what to do, and the tests that need the guest show it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kumiki_build::{Built, Error, Job, Project, Toolchain, build_all};

use crate::place::Place;
use crate::setup::with_hint;

/// A guest: its folder under `guests/` and the output folder of its component.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    folder: &'static str,
    shelf: Shelf,
}

#[derive(Clone, Copy, PartialEq)]
enum Shelf {
    Plugins,
    Fixtures,
}

/// The three plugins of the demo.
pub(crate) const PLUGINS: &[Guest] = &[
    plugin("examples/text-upper"),
    plugin("examples/text-reverse-c"),
    plugin("examples/text-wordcount-js"),
];

/// The other guests that the tests need.
const FIXTURES: &[Guest] = &[
    fixture("examples/event-filter-rust"),
    fixture("examples/text-title-py"),
    fixture("examples/text-slug-go"),
    fixture("conformance/batch-rust"),
    fixture("conformance/enrich-rust"),
    fixture("conformance/enrich-c"),
    fixture("conformance/enrich-js"),
    fixture("conformance/enrich-python"),
    fixture("conformance/enrich-go"),
    fixture("conformance/coding-js"),
    fixture("conformance/errors-js"),
    fixture("conformance/matrix-rust"),
    fixture("conformance/matrix-c"),
    fixture("conformance/matrix-js"),
    fixture("conformance/matrix-starlingmonkey"),
    fixture("conformance/matrix-python"),
    fixture("conformance/matrix-go"),
    fixture("conformance/leak-c"),
    fixture("conformance/stream-rust"),
    fixture("conformance/stream-c"),
    fixture("conformance/stream-js"),
    fixture("conformance/stream-python"),
    fixture("conformance/stream-go"),
    fixture("conformance/errors-starlingmonkey"),
    fixture("conformance/errors-ts"),
    fixture("conformance/probe"),
    fixture("conformance/reach"),
    fixture("conformance/reach-0-3"),
    fixture("conformance/sdk-rust"),
    fixture("conformance/wait-rust"),
    fixture("foreign/upper-wasip1"),
    fixture("foreign/upper-wasip2"),
    fixture("foreign/upper-starlingmonkey"),
    fixture("foreign/upper-python"),
];

const fn plugin(folder: &'static str) -> Guest {
    Guest {
        folder,
        shelf: Shelf::Plugins,
    }
}

const fn fixture(folder: &'static str) -> Guest {
    Guest {
        folder,
        shelf: Shelf::Fixtures,
    }
}

/// The toolchains that the three example plugins are built with.
pub(crate) const PLUGIN_TOOLCHAINS: &[Toolchain] =
    &[Toolchain::Rust, Toolchain::C, Toolchain::JavaScript];

/// Builds the three example plugins only.
pub(crate) fn plugins(place: &Place) -> Result<()> {
    build(place, PLUGINS)
}

/// Builds every guest.
pub(crate) fn all(place: &Place) -> Result<()> {
    let guests = [PLUGINS, FIXTURES].concat();
    build(place, &guests)?;
    remove_strays(&place.plugins(), PLUGINS)?;
    remove_strays(&place.fixtures(), FIXTURES)
}

/// Returns the build jobs of all guests.
pub(crate) fn jobs(place: &Place) -> Result<Vec<Job>> {
    jobs_of(place, &[PLUGINS, FIXTURES].concat())
}

fn jobs_of(place: &Place, guests: &[Guest]) -> Result<Vec<Job>> {
    let job = |guest: &Guest| {
        let project = Project::read(&place.guests().join(guest.folder)).map_err(with_hint)?;
        let folder = match guest.shelf {
            Shelf::Plugins => place.plugins(),
            Shelf::Fixtures => place.fixtures(),
        };
        let output = folder.join(format!("{}.wasm", project.name));
        Ok(Job { project, output })
    };
    guests.iter().map(job).collect()
}

fn build(place: &Place, guests: &[Guest]) -> Result<()> {
    let _lock = place.lock()?;
    let jobs = jobs_of(place, guests)?;
    let results = build_all(&jobs, &place.tools, &place.build_options());
    let (mut built, mut fresh, mut missing, mut failed) = (0, 0, 0, Vec::new());
    for (job, result) in jobs.iter().zip(results) {
        let name = &job.project.name;
        match keep(place, job, result)? {
            Kept::Built => built += 1,
            Kept::Fresh => fresh += 1,
            Kept::Missing => missing += 1,
            Kept::Failed => failed.push(name.as_str()),
        }
    }
    eprintln!("xtask: {built} built, {fresh} unchanged, {missing} missing");
    if !failed.is_empty() {
        let failed = failed.join(", ");
        bail!(
            "guests not built: {failed}\n\
             hint: fix the errors above, then run `cargo xtask fixtures`"
        );
    }
    Ok(())
}

enum Kept {
    Built,
    Fresh,
    Missing,
    Failed,
}

/// Keeps the component, or writes the reason why it is missing.
fn keep(place: &Place, job: &Job, result: Result<Built, Error>) -> Result<Kept> {
    let reason_file = job.output.with_extension("missing");
    let name = &job.project.name;
    let error = match result {
        Ok(Built { path, bytes, fresh }) => {
            remove(&reason_file)?;
            if fresh {
                return Ok(Kept::Fresh);
            }
            eprintln!(
                "xtask: built {} ({} KB)",
                place.show(&path),
                bytes.div_ceil(1000)
            );
            return Ok(Kept::Built);
        }
        Err(error) => error,
    };

    remove(&job.output)?;
    let is_missing = error.missing().is_some();
    let reason = format!("{:#}", with_hint(error));
    eprintln!("xtask: {name} was not built: {reason}");
    if !is_missing {
        remove(&reason_file)?;
        return Ok(Kept::Failed);
    }
    let text = format!("{reason}\nhint: or set up everything: cargo xtask setup\n");
    fs::create_dir_all(reason_file.parent().unwrap_or(Path::new(".")))?;
    fs::write(&reason_file, text)
        .with_context(|| format!("cannot write {}", reason_file.display()))?;
    let required = place.is_required(job.project.toolchain());
    Ok(if required {
        Kept::Failed
    } else {
        Kept::Missing
    })
}

/// Removes the components of guests that no longer exist, so that no test uses them.
fn remove_strays(folder: &Path, guests: &[Guest]) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let ours = |guest: &Guest| Path::new(guest.folder).file_name() == path.file_stem();
        if !guests.iter().any(ours) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(file: &PathBuf) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests")
    }

    #[test]
    fn every_guest_is_built() {
        let listed: Vec<_> = [PLUGINS, FIXTURES]
            .concat()
            .iter()
            .map(|guest| guests().join(guest.folder))
            .collect();
        for kind in ["examples", "conformance", "foreign"] {
            for entry in fs::read_dir(guests().join(kind)).unwrap() {
                let folder = entry.unwrap().path();
                assert!(
                    !folder.is_dir() || listed.contains(&folder),
                    "{} is a guest that xtask/src/fixtures.rs does not build",
                    folder.display()
                );
            }
        }
    }

    #[test]
    fn guests_are_named_after_their_folders() {
        for guest in [PLUGINS, FIXTURES].concat() {
            let project = Project::read(&guests().join(guest.folder)).unwrap();
            let folder = Path::new(guest.folder).file_name().unwrap();
            assert_eq!(project.name.as_str(), folder, "{}", guest.folder);
        }
    }

    #[test]
    fn demo_has_one_plugin_per_toolchain() {
        let toolchains: Vec<_> = PLUGINS
            .iter()
            .map(|guest| {
                Project::read(&guests().join(guest.folder))
                    .unwrap()
                    .toolchain()
            })
            .collect();
        assert_eq!(toolchains, PLUGIN_TOOLCHAINS);
    }
}

//! The C files: Kumiki's own in `quickjs/src`, and those of quickjs-ng with changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Library, patches};
use crate::place::Place;

/// The files of quickjs-ng that are compiled by themselves; `library.c` includes
/// `quickjs.c`.
const QUICKJS: [&str; 3] = ["dtoa.c", "libregexp.c", "libunicode.c"];

/// Includes `quickjs.c`, and is the only file in which some functions are compiled for
/// speed.
const LIBRARY: &str = "library.c";

/// Compiles modules, which plugins cannot.
const COMPILER: &str = "compiler.c";

pub(super) struct Sources {
    /// Kumiki's own files.
    own: PathBuf,
    /// A copy of quickjs-ng's files, changed.
    quickjs: PathBuf,
}

impl Sources {
    /// Copies and changes the files of quickjs-ng.
    pub(super) fn write(place: &Place, work: &Path) -> Result<Self> {
        let quickjs = work.join("sources");
        if quickjs.exists() {
            fs::remove_dir_all(&quickjs)?;
        }
        fs::create_dir_all(&quickjs)?;
        for entry in fs::read_dir(package(place)?.join("quickjs"))? {
            let path = entry?.path();
            let name = path.file_name().context("a name")?;
            let extension = path.extension().and_then(|extension| extension.to_str());
            if !matches!(extension, Some("c" | "h")) {
                continue;
            }
            let mut text = fs::read_to_string(&path)?;
            if name == "quickjs.c" {
                text = patches::apply(text)?;
            } else if name == "libregexp.c" {
                text = patches::apply_to_regexp(text)?;
            }
            fs::write(quickjs.join(name), text)?;
        }
        fs::write(quickjs.join("wit_dylib.h"), wit_dylib::C_HEADER)?;
        Ok(Self {
            own: place.root.join("quickjs/src"),
            quickjs,
        })
    }

    /// The files of a library, sorted by name, the largest first.
    pub(super) fn files(&self, library: Library) -> Vec<PathBuf> {
        let own = fs::read_dir(&self.own).into_iter().flatten().flatten();
        let mut names: Vec<_> = own
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
            .filter(|path| library == Library::Compiler || !path.ends_with(COMPILER))
            .collect();
        names.extend(QUICKJS.map(|name| self.quickjs.join(name)));
        names.sort_by_key(|path| (!path.ends_with(LIBRARY), path.clone()));
        names
    }

    /// Whether all of a file is Kumiki's.
    pub(super) fn is_own(&self, file: &Path) -> bool {
        file.starts_with(&self.own) && !file.ends_with(LIBRARY)
    }

    pub(super) fn is_fast(&self, file: &Path) -> bool {
        file.ends_with(LIBRARY)
    }

    pub(super) fn folders(&self) -> [&Path; 2] {
        [&self.own, &self.quickjs]
    }
}

/// The folder of the package with quickjs-ng's sources, which Cargo downloads and checks.
fn package(place: &Place) -> Result<PathBuf> {
    let mut cargo: Command = place.cargo();
    cargo.args([
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--manifest-path",
    ]);
    let output = cargo.arg(place.root.join("quickjs/Cargo.toml")).output()?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut manifests = packages
        .filter(|package| package["name"] == "rquickjs-sys")
        .filter_map(|package| package["manifest_path"].as_str());
    let manifest = manifests
        .next()
        .context("cargo metadata lists no rquickjs-sys")?;
    let folder = Path::new(manifest).parent();
    Ok(folder.context("a manifest has a folder")?.to_owned())
}

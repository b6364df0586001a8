//! Where things are, and what the environment asks for.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use kumiki_build::{Options, Stamps, Toolchain, Tools};

pub(crate) struct Place {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, where everything goes that is made.
    pub(crate) target: PathBuf,
    pub(crate) tools: Tools,
    /// The toolchains that must not be missing.
    required: Vec<Toolchain>,
}

impl Place {
    pub(crate) fn find() -> Result<Self> {
        // Cargo says where this package is; a program started by hand knows
        // where it was built.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or(PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .context("xtask has no folder above it")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => absolute(PathBuf::from(target))?,
            None => root.join("target"),
        };
        let way = env::var("KUMIKI_RUST").unwrap_or_default();
        let way = way
            .parse()
            .map_err(|error| anyhow!("KUMIKI_RUST: {error}"))?;
        let tools = Tools::new(target.join("tools")).with_rust(way);
        Ok(Self {
            root,
            target,
            tools,
            required: required()?,
        })
    }

    /// Cargo in this repository, as a person calls it there: what the cargo that
    /// runs us says of our own package is not passed on. Some build scripts look
    /// at it, and half of all would be compiled anew after each `cargo build`.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        cargo
    }

    pub(crate) fn guests(&self) -> PathBuf {
        self.root.join("guests")
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    pub(crate) fn fixtures(&self) -> PathBuf {
        self.target.join("fixtures")
    }

    /// Where tests and the demo keep compiled plugins.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.target.join("artifacts")
    }

    pub(crate) fn build_options(&self) -> Options {
        let work = self.target.join("guests");
        // Without stamps every guest is built anew.
        let stamps = Stamps::open(work.join("stamps")).ok();
        Options::new(work).with_stamps(stamps)
    }

    pub(crate) fn is_required(&self, toolchain: Toolchain) -> bool {
        self.required.contains(&toolchain)
    }

    /// As people write it: from the repository's folder, where it lies within.
    pub(crate) fn show<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// Keeps a second xtask waiting while the file is held: both would write
    /// the same tools and fixtures.
    pub(crate) fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.target)?;
        let path = self.target.join("xtask.lock");
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }
}

fn required() -> Result<Vec<Toolchain>> {
    let list = env::var("KUMIKI_REQUIRE").unwrap_or_default();
    let names = list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| {
            name.parse()
                .map_err(|error| anyhow!("KUMIKI_REQUIRE: {error}"))
        })
        .collect()
}

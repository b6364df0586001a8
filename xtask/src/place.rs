//! Paths of the repository, and settings from environment variables.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use kumiki_build::{Options, Stamps, Toolchain, Tools};

pub(crate) struct Place {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, which has all outputs.
    pub(crate) target: PathBuf,
    pub(crate) tools: Tools,
    /// Toolchains whose absence is an error.
    required: Vec<Toolchain>,
}

impl Place {
    pub(crate) fn find() -> Result<Self> {
        // Set by cargo; a program started directly uses the path of its build.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or(PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .context("the folder of xtask has no parent")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => absolute(PathBuf::from(target))?,
            None => root.join("target"),
        };
        let rust = env::var("KUMIKI_RUST").unwrap_or_default();
        let rust = rust
            .parse()
            .map_err(|error| anyhow!("KUMIKI_RUST: {error}"))?;
        let tools = Tools::new(target.join("tools")).with_rust(rust);
        Ok(Self {
            root,
            target,
            tools,
            required: required()?,
        })
    }

    /// Returns a cargo command for this repository without the variables about the
    /// xtask package that the outer cargo set. Some build scripts depend on them, and
    /// half of all crates would be recompiled after each `cargo build`.
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

    /// The compile cache of the tests and the demo.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.target.join("artifacts")
    }

    pub(crate) fn build_options(&self) -> Options {
        let work = self.target.join("guests");
        // Without stamps every guest is rebuilt.
        let stamps = Stamps::open(work.join("stamps")).ok();
        Options::new(work).with_stamps(stamps)
    }

    pub(crate) fn is_required(&self, toolchain: Toolchain) -> bool {
        self.required.contains(&toolchain)
    }

    /// Displays a path relative to the repository if it is inside.
    pub(crate) fn show<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// Locks the target folder until the returned file is dropped, because a second
    /// xtask would write the same tools and fixtures.
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

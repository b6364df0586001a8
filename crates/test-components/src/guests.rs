//! Finds guests built from source by `cargo xtask fixtures`, for tests that need a
//! real language.
//!
//! If a guest is missing, its tests are shown as ignored, with a label that says how
//! to build it. If `KUMIKI_REQUIRE` names the guest's language, they fail instead.
//! These tests use libtest-mimic because Rust's own harness cannot ignore a test at
//! run time.

use std::path::{Path, PathBuf};

/// The languages and tools of the guests, with the names that `KUMIKI_REQUIRE` uses.
const LANGUAGES: &[(&str, &str)] = &[
    ("text-upper", "rust"),
    ("text-reverse-c", "c"),
    ("text-wordcount-js", "js"),
    ("text-title-py", "python"),
    ("text-slug-go", "go"),
    ("event-filter-rust", "rust"),
    ("enrich-rust", "rust"),
    ("enrich-c", "c"),
    ("enrich-js", "js"),
    ("enrich-python", "python"),
    ("enrich-go", "go"),
    ("coding-js", "js"),
    ("errors-js", "js"),
    ("matrix-rust", "rust"),
    ("matrix-c", "c"),
    ("matrix-js", "js"),
    ("matrix-starlingmonkey", "starlingmonkey"),
    ("matrix-python", "python"),
    ("matrix-go", "go"),
    ("leak-c", "c"),
    ("stream-rust", "rust"),
    ("stream-c", "c"),
    ("stream-js", "js"),
    ("stream-python", "python"),
    ("stream-go", "go"),
    ("errors-starlingmonkey", "starlingmonkey"),
    ("errors-ts", "js"),
    ("probe", "rust"),
    ("reach", "rust"),
    ("reach-0-3", "rust"),
    ("batch-rust", "rust"),
    ("sdk-rust", "rust"),
    ("wait-rust", "rust"),
    ("upper-wasip1", "rust"),
    ("upper-wasip2", "rust"),
    ("upper-python", "python"),
    ("upper-starlingmonkey", "starlingmonkey"),
];

/// A guest: its file, or the reason why it is missing.
pub struct Guest {
    /// The name of the guest and of its folder under `guests/`.
    pub name: &'static str,
    /// The component, or what is missing and how to install it.
    pub component: Result<PathBuf, String>,
    required: bool,
}

impl Guest {
    /// Finds a guest by its name.
    ///
    /// # Panics
    /// If no guest of this name is listed here: the test is faulty.
    #[must_use]
    pub fn find(name: &'static str) -> Self {
        let (_, language) = LANGUAGES
            .iter()
            .find(|(guest, _)| *guest == name)
            .expect("the guest is listed");
        let required = std::env::var("KUMIKI_REQUIRE").unwrap_or_default();
        let required = required
            .split(',')
            .any(|required| required.trim() == *language);
        Self {
            name,
            component: find(name),
            required,
        }
    }

    /// Returns why it is missing and what to do, short enough for a label; empty if
    /// it is available.
    #[must_use]
    pub fn label(&self) -> String {
        let fact = |why: &String| why.lines().next().unwrap_or_default().to_owned();
        match self.component.as_ref().err().map(fact) {
            Some(fact) => format!("{fact}; run `cargo xtask test`"),
            None => String::new(),
        }
    }

    /// Whether tests of this guest are ignored.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        self.component.is_err() && !self.required
    }

    /// Returns the component's file.
    ///
    /// # Errors
    /// What is missing and how to install it.
    pub fn path(&self) -> Result<&Path, String> {
        self.component.as_deref().map_err(Clone::clone)
    }
}

fn find(name: &str) -> Result<PathBuf, String> {
    let target = target_folder();
    let folders = [
        std::env::var_os("KUMIKI_PLUGINS").map_or_else(|| target.join("plugins"), PathBuf::from),
        std::env::var_os("KUMIKI_FIXTURES").map_or_else(|| target.join("fixtures"), PathBuf::from),
    ];
    for folder in &folders {
        let component = folder.join(name).with_extension("wasm");
        if component.is_file() {
            return Ok(component);
        }
        if let Ok(why) = std::fs::read_to_string(folder.join(name).with_extension("missing")) {
            return Err(why.trim().to_owned());
        }
    }
    Err("it is not built\nhint: run `cargo xtask fixtures`".to_owned())
}

/// Returns the compile cache of the tests: some guests take many seconds to compile.
#[must_use]
pub fn artifacts() -> PathBuf {
    std::env::var_os("KUMIKI_CACHE")
        .map_or_else(|| target_folder().join("artifacts"), PathBuf::from)
}

/// Returns cargo's target folder. The test program is in a subfolder such as
/// `debug/deps`.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .ancestors()
        .nth(3)
        .map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

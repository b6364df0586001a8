//! Guests built from source by `cargo xtask fixtures`, for tests that need a
//! real language.
//!
//! A guest that is not there makes a test that is shown as ignored, with the
//! way to get it in its label; where `KUMIKI_REQUIRE` names the guest's
//! language it makes a test that fails. Tests therefore run under libtest-mimic:
//! Rust's own harness cannot ignore a test at run time.

use std::path::{Path, PathBuf};

/// The languages and tools that guests are written in, as `KUMIKI_REQUIRE`
/// spells them.
const LANGUAGES: &[(&str, &str)] = &[
    ("text-upper", "rust"),
    ("text-reverse-c", "c"),
    ("text-wordcount-js", "js"),
    ("text-title-py", "python"),
    ("text-slug-go", "go"),
    ("event-filter-rust", "rust"),
    ("errors-js", "js"),
    ("matrix-rust", "rust"),
    ("matrix-c", "c"),
    ("matrix-js", "js"),
    ("matrix-starlingmonkey", "starlingmonkey"),
    ("matrix-python", "python"),
    ("matrix-go", "go"),
    ("leak-c", "c"),
    ("errors-starlingmonkey", "starlingmonkey"),
    ("errors-ts", "js"),
    ("probe", "rust"),
    ("reach", "rust"),
    ("batch-rust", "rust"),
    ("sdk-rust", "rust"),
    ("upper-wasip1", "rust"),
    ("upper-wasip2", "rust"),
    ("upper-python", "python"),
    ("upper-starlingmonkey", "starlingmonkey"),
];

/// A guest: its file, or why there is none.
pub struct Guest {
    /// Its name, which is its folder's under `guests/`.
    pub name: &'static str,
    /// The component, or what is missing and how to get it.
    pub component: Result<PathBuf, String>,
    required: bool,
}

impl Guest {
    /// Looks for a guest by its name.
    ///
    /// # Panics
    /// When no guest of this name is listed here: a faulty test.
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

    /// Why there is none and what to do, short enough for a label; empty where
    /// it is there.
    #[must_use]
    pub fn label(&self) -> String {
        let fact = |why: &String| why.lines().next().unwrap_or_default().to_owned();
        match self.component.as_ref().err().map(fact) {
            Some(fact) => format!("{fact}; run `cargo xtask test`"),
            None => String::new(),
        }
    }

    /// Whether tests of this guest are to be ignored.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        self.component.is_err() && !self.required
    }

    /// The component's file.
    ///
    /// # Errors
    /// What is missing and how to get it.
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
    Err("it is not built\nhint: cargo xtask fixtures".to_owned())
}

/// Where the tests keep compiled guests: some take many seconds to compile.
#[must_use]
pub fn artifacts() -> PathBuf {
    std::env::var_os("KUMIKI_CACHE")
        .map_or_else(|| target_folder().join("artifacts"), PathBuf::from)
}

/// Where cargo puts what it builds: the tests' own program lies in it, in
/// `debug/deps` or the like.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .ancestors()
        .nth(3)
        .map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

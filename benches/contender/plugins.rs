//! Selects the component for each kind of work.

use std::path::PathBuf;

use kumiki_turns::Work;
use test_components::guests::Guest;

/// Returns the component's bytes.
///
/// # Errors
/// If it is not built: what is missing and how to install it.
pub(crate) fn component(work: Work) -> Result<Vec<u8>, String> {
    if work == Work::Echo {
        return Ok(test_components::TextPlugin::new("echo").build());
    }
    std::fs::read(file(work)?).map_err(|error| error.to_string())
}

/// Returns the component's file. The echo has none, because it is built here.
pub(crate) fn file(work: Work) -> Result<PathBuf, String> {
    let name = match work {
        Work::Echo => return Err("the echo has no file".to_owned()),
        Work::Bare => "batch-rust",
        Work::Upper => "text-upper",
        Work::Words => "text-wordcount-js",
        Work::Title => "text-title-py",
        Work::Reverse => "text-reverse-c",
        Work::Slug => "text-slug-go",
    };
    Guest::find(name).path().map(PathBuf::from)
}

/// Creates distinct components that do the same: each has a number in a custom section.
pub(crate) fn distinct(work: Work, count: usize) -> Result<Vec<Vec<u8>>, String> {
    let component = component(work)?;
    let numbered =
        |number: usize| test_components::with_section(&component, "number", &number.to_le_bytes());
    Ok((0..count).map(numbered).collect())
}

/// Returns the output folder of the benchmark.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("KUMIKI_BENCH").map_or_else(std::env::temp_dir, PathBuf::from)
}

//! Reads any bytes as a `kumiki.toml`, in a folder that otherwise contains only a
//! `wit` folder. Nothing may panic, and an error has the number of one of its lines.

#![no_main]

use std::fs;
use std::sync::OnceLock;

use kumiki_build::{Error, Project};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

fuzz_target!(|bytes: &[u8]| {
    let folder = folder().path();
    fs::write(folder.join("kumiki.toml"), bytes).expect("the file is writable");
    match Project::read(folder) {
        Ok(project) => {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(!project.name.is_empty() && project.name.chars().all(plain));
            assert!(project.wit.exists() && !project.world.is_empty());
            let _ = project.toolchain();
        }
        Err(error) => {
            if let Error::Project {
                line: Some(line), ..
            } = &error
            {
                let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
                assert!((1..=lines).contains(line), "line {line} of {lines}");
            }
            let _ = format!("{error} {:?}", error.hint());
        }
    }
});

/// A folder that lasts as long as the process.
fn folder() -> &'static TempDir {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("wit")).expect("a folder in it");
        folder
    })
}

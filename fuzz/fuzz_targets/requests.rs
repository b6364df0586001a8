//! Reads any bytes as the requests section of a component. Nothing may panic. The
//! grants created for the requests cover them, and grant no folder outside the base.

#![no_main]

use std::fs;
use std::path::{Component, Path};
use std::sync::OnceLock;

use kumiki::{Grants, GrantsFile, PermissionRequests, PluginName};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use test_components::with_section;

/// An empty component.
const SMALLEST: &[u8] = b"\0asm\x0d\0\x01\0";

fuzz_target!(|bytes: &[u8]| {
    let component = with_section(SMALLEST, "kumiki-requests", bytes);
    let requests = match PermissionRequests::of("fuzzed", &component) {
        Ok(requests) => requests,
        Err(error) => {
            let _ = format!("{error} {:?}", error.hint());
            return;
        }
    };
    let none = Grants::default();
    assert_eq!(requests.missing_from(&none), requests);
    let base = Path::new("base");
    let grants = requests.grants_beside(&none, base);
    assert!(requests.missing_from(&grants).is_empty(), "{requests}");
    for folder in grants.folders() {
        let folder = folder.to_string();
        let (host, _) = folder.split_once("::").expect("both sides");
        let mut steps = Path::new(host).components();
        assert_eq!(steps.next(), Some(Component::Normal(base.as_os_str())));
        assert!(
            steps.all(|step| matches!(step, Component::Normal(_))),
            "{host}"
        );
    }
    let name = PluginName::Stem("fuzzed".to_owned());
    let file = GrantsFile::default().with_plugin(name, &grants);
    let path = folder().path().join("grants.toml");
    fs::write(&path, file.to_string()).expect("the file is writable");
    let read = GrantsFile::read(&path).expect("the file is valid");
    // Paths in a grants file are relative to its folder.
    let based = requests.grants_beside(&none, &folder().path().join(base));
    assert_eq!(read.grants_of("fuzzed"), based, "{file}");
});

/// A folder that lasts as long as the process.
fn folder() -> &'static TempDir {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder"))
}

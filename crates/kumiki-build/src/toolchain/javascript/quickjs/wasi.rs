//! The imports of WASI behind `Date`, `performance` and `Math.random`.

use wit_parser::{CloneMaps, Resolve, Span, WorldId};

const WASI: &str = include_str!("wasi.wit");

/// The worlds in `wasi.wit`, what a plugin that needs them mentions, and what they import.
const WORLDS: [(&str, &str, &str); 3] = [
    ("date", "Date", "wasi:clocks/wall-clock"),
    ("performance", "performance", "wasi:clocks/monotonic-clock"),
    ("random", "random", "wasi:random/random"),
];

/// Adds imports to a world for what the modules mention, unless it has them already.
///
/// # Errors
/// Returns why they do not fit.
pub(super) fn add_imports(
    resolve: &mut Resolve,
    world: WorldId,
    sources: &[&str],
) -> Result<(), String> {
    for (name, mentioned, interface) in WORLDS {
        let imports = resolve.worlds[world].imports.keys();
        let mut names = imports.map(|key| resolve.name_world_key(key));
        let has = names.any(|name| name.split('@').next() == Some(interface));
        let is_mentioned = sources.iter().any(|source| source.contains(mentioned));
        if is_mentioned && !has {
            merge(resolve, world, name)?;
        }
    }
    Ok(())
}

fn merge(resolve: &mut Resolve, world: WorldId, name: &str) -> Result<(), String> {
    let mut wasi = Resolve::default();
    let package = wasi
        .push_source("wasi.wit", WASI)
        .map_err(|error| error.to_string())?;
    let added = wasi
        .select_world(&[package], Some(name))
        .map_err(|error| error.to_string())?;
    let remap = resolve.merge(wasi).map_err(|error| error.to_string())?;
    let added = remap
        .map_world(added, Span::default())
        .map_err(|error| error.to_string())?;
    resolve
        .merge_worlds(added, world, &mut CloneMaps::default())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(wit: &str, source: &str) -> Vec<String> {
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some("w")).unwrap();
        add_imports(&mut resolve, world, &[source]).unwrap();
        let imports = resolve.worlds[world].imports.keys();
        imports.map(|key| resolve.name_world_key(key)).collect()
    }

    #[test]
    fn only_what_is_mentioned_is_imported() {
        let wit = "package a:b; world w { export f: func(); }";
        assert!(imports(wit, "1 + 1").is_empty());
        assert_eq!(imports(wit, "Math.random()"), ["wasi:random/random@0.2.0"]);
        let both = imports(wit, "new Date(); performance.now()");
        assert_eq!(
            both,
            [
                "wasi:clocks/wall-clock@0.2.0",
                "wasi:clocks/monotonic-clock@0.2.0"
            ]
        );
    }

    #[test]
    fn imports_of_the_world_are_kept() {
        let wit = "package a:b; world w { import wasi:random/random@0.2.3; export f: func(); } \
                   package wasi:random@0.2.3 { interface random { get-random-u64: func() -> u64; } }";
        assert_eq!(imports(wit, "Math.random()"), ["wasi:random/random@0.2.3"]);
    }
}

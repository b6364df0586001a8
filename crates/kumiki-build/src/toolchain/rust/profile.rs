//! What cargo's release profile is told, beyond what the author's manifest says.

use std::path::Path;

use crate::job::Profile;
use crate::reading::read_text;

/// What pays in a plugin, which is called on every record. With opt-level `s`
/// upper-casing was eight times slower, to save 5 KB.
const SPEED: [(&str, &str); 5] = [
    ("opt-level", "3"),
    ("lto", "true"),
    ("codegen-units", "1"),
    ("panic", "abort"),
    ("strip", "true"),
];

/// Wins over what the manifest says.
const SIZE: [(&str, &str); 5] = [
    ("opt-level", "s"),
    ("lto", "true"),
    ("codegen-units", "1"),
    ("panic", "abort"),
    ("strip", "true"),
];

/// Wins over what the manifest says.
const DEBUG: [(&str, &str); 2] = [("strip", "none"), ("debug", "line-tables-only")];

/// Environment variables that set cargo's release profile for the workspace at
/// `root`: for speed only what its manifest leaves open, for its author may
/// have measured.
pub(super) fn environment(profile: Profile, root: &Path) -> Vec<(String, &'static str)> {
    let manifest = read_text(&root.join("Cargo.toml")).unwrap_or_default();
    settings(profile, &manifest)
        .into_iter()
        .map(|(key, value)| {
            let key = key.to_uppercase().replace('-', "_");
            (format!("CARGO_PROFILE_RELEASE_{key}"), value)
        })
        .collect()
}

fn settings(profile: Profile, manifest: &str) -> Vec<(&'static str, &'static str)> {
    let (forced, offered): (&[_], &[_]) = match profile {
        Profile::Speed => (&[], &SPEED),
        Profile::Size => (&SIZE, &[]),
        Profile::Debug => (&DEBUG, &SPEED),
    };
    // Cargo itself will say what is wrong with a manifest that cannot be read.
    let manifest: toml::Table = toml::from_str(manifest).unwrap_or_default();
    let release = manifest
        .get("profile")
        .and_then(|profiles| profiles.get("release"));
    let is_open = |key: &str| release.is_none_or(|release| release.get(key).is_none());
    let is_forced = |key: &str| forced.iter().any(|(forced, _)| *forced == key);
    let offered = offered
        .iter()
        .filter(|(key, _)| is_open(key) && !is_forced(key));
    forced.iter().chain(offered).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[profile.release]\nopt-level = 's'\nstrip = false\n";

    #[test]
    fn the_manifest_wins_for_speed_only() {
        type Case = (
            Profile,
            &'static str,
            &'static [(&'static str, &'static str)],
        );
        let cases: [Case; 4] = [
            (Profile::Speed, "", &SPEED),
            (
                Profile::Speed,
                MANIFEST,
                &[("lto", "true"), ("codegen-units", "1"), ("panic", "abort")],
            ),
            (Profile::Size, MANIFEST, &SIZE),
            (
                Profile::Debug,
                MANIFEST,
                &[
                    ("strip", "none"),
                    ("debug", "line-tables-only"),
                    ("lto", "true"),
                    ("codegen-units", "1"),
                    ("panic", "abort"),
                ],
            ),
        ];
        for (profile, manifest, expected) in cases {
            assert_eq!(settings(profile, manifest), expected, "{profile:?}");
        }
        assert_eq!(settings(Profile::Speed, "not toml ["), SPEED);
    }
}

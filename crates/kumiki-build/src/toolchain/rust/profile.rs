//! Settings of cargo's release profile, in addition to those in the author's
//! manifest.

use std::path::Path;

use crate::job::Profile;
use crate::reading::read_text;

/// Settings for speed, because a plugin is called on every record. With
/// opt-level `s`, upper-casing was eight times slower, to save 5 KB.
const SPEED: [(&str, &str); 5] = [
    ("opt-level", "3"),
    ("lto", "true"),
    ("codegen-units", "1"),
    ("panic", "abort"),
    ("strip", "true"),
];

/// Settings for size; they override the manifest.
const SIZE: [(&str, &str); 5] = [
    ("opt-level", "s"),
    ("lto", "true"),
    ("codegen-units", "1"),
    ("panic", "abort"),
    ("strip", "true"),
];

/// Settings for debugging; they override the manifest.
const DEBUG: [(&str, &str); 2] = [("strip", "none"), ("debug", "line-tables-only")];

/// Returns the environment variables that set cargo's release profile for the
/// workspace at `root`. For speed, settings in its manifest win, because the
/// author may have measured them.
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
    let (forced, defaults): (&[_], &[_]) = match profile {
        Profile::Speed => (&[], &SPEED),
        Profile::Size => (&SIZE, &[]),
        Profile::Debug => (&DEBUG, &SPEED),
    };
    // Cargo itself reports a manifest that cannot be parsed.
    let manifest: toml::Table = toml::from_str(manifest).unwrap_or_default();
    let release = manifest
        .get("profile")
        .and_then(|profiles| profiles.get("release"));
    let is_unset = |key: &str| release.is_none_or(|release| release.get(key).is_none());
    let is_forced = |key: &str| forced.iter().any(|(forced, _)| *forced == key);
    let defaults = defaults
        .iter()
        .filter(|(key, _)| is_unset(key) && !is_forced(key));
    forced.iter().chain(defaults).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[profile.release]\nopt-level = 's'\nstrip = false\n";

    #[test]
    fn manifest_overrides_settings_only_for_speed() {
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

//! The identity of a run: what its results depend on, for `--resume`. The library adds
//! the inputs and the version.

use std::fs;
use std::path::PathBuf;

use kumiki_pipeline::RunIdentity;

use crate::arguments::RunArguments;
use crate::failure::Failure;
use crate::grants::RunGrants;

/// Collects the arguments, limits, grants and plugins of a run. Values that may be
/// secret are hashed.
pub(super) fn identity(
    arguments: &RunArguments,
    plugins: &[PathBuf],
    grants: &RunGrants,
) -> Result<RunIdentity, Failure> {
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let secret = |text: String| hash(text.as_bytes());
    let mut all = RunIdentity::new();
    for (name, value) in [
        ("`--chain`", arguments.chain.to_string()),
        ("`--field`", format!("{:?}", arguments.field)),
        ("`--into`", format!("{:?}", arguments.into)),
        ("`--input-format`", format!("{:?}", arguments.input_format)),
        ("`--output`", format!("{:?}", arguments.output)),
        ("`--skip-blank`", arguments.skip_blank.to_string()),
        ("`--line-limit`", arguments.line_limit.to_string()),
        (
            "the lifetime of instances",
            format!("{:?}", arguments.instances.recycling()),
        ),
        ("`--config`", secret(format!("{:?}", arguments.config))),
        (
            "the set of limits",
            secret(format!("{:?}", arguments.limits.resolve()?)),
        ),
    ] {
        all.insert(name.to_owned(), value);
    }
    let order = secret(format!("{plugins:?}"));
    all.insert("the order of plugins".to_owned(), order);
    for path in plugins {
        let bytes = fs::read(path)
            .map_err(|error| Failure::path("plugin", path, &error, "check the path"))?;
        let grants = secret(format!("{:?}", grants.of(path, Some(&bytes))));
        let name = path.display();
        all.insert(format!("plugin `{name}`"), hash(&bytes));
        all.insert(format!("the set of grants of `{name}`"), grants);
    }
    Ok(all)
}

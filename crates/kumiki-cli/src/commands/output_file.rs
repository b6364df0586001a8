//! `kumiki run --output-file`: whether the file may be written, and where to go
//! on with it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::arguments::RunArguments;
use crate::failure::Failure;
use crate::files::number;
use crate::grants::RunGrants;
use crate::run::{
    Identity, Journal, Mark, OutputPlace, ParquetFile, ParquetTarget, PartFile, State, part, place,
};

/// The file that a run writes, before any plugin runs: its folder is open, and so
/// is what there is of it to go on with.
pub(super) struct Output {
    place: OutputPlace,
    before: Option<(File, State)>,
}

/// Opens what the file is made of, if it may be written: nothing that the run
/// reads may be lost, and nothing that an earlier run has done.
pub(super) fn open(
    arguments: &RunArguments,
    plugins: &[PathBuf],
) -> Result<Option<Output>, Failure> {
    let Some(path) = &arguments.output_file else {
        return Ok(None);
    };
    check(arguments, path, plugins)?;
    let place = OutputPlace::of(path).map_err(|error| cannot_write(path, &error))?;
    refuse_special(&place, path)?;
    let is_there = place.folder.has(&place.part);
    let part = part(path);
    if is_there && !arguments.resume {
        return Err(Failure::wrong_use(
            format!(
                "`{}` is there, from a run that did not come to its end",
                part.display()
            ),
            "go on with it, `--resume`, or remove it to begin anew",
        ));
    }
    let before = match is_there {
        true => Some(before(&place, &part, longest_state(arguments, plugins))?),
        false => None,
    };
    Ok(Some(Output { place, before }))
}

/// Refuses to put a file in the place of a device, a pipe, a socket or a link: the
/// finished output takes its name by a rename, which would remove it.
fn refuse_special(place: &OutputPlace, path: &Path) -> Result<(), Failure> {
    match place.special() {
        Ok(None) => Ok(()),
        Ok(Some(kind)) => Err(Failure::wrong_use(
            format!(
                "`{}` is {kind}, and only a regular file is replaced",
                path.display()
            ),
            "name a regular file; or leave out `--output-file` and redirect standard output: \
             `kumiki run ... > PATH`",
        )),
        Err(error) => Err(cannot_write(path, &error)),
    }
}

/// The most bytes of the state of a run: it has two lines for each plugin and one
/// for each input. In JSON a byte of a path becomes six at most.
fn longest_state(arguments: &RunArguments, plugins: &[PathBuf]) -> u64 {
    let paths = arguments.files.iter().chain(plugins);
    let lines = paths.map(|path| 2 * (6 * path.as_os_str().len() + 300));
    ((64 << 10) + lines.sum::<usize>()) as u64
}

/// What there is of a file, and how far it is good.
fn before(output: &OutputPlace, part: &Path, longest: u64) -> Result<(File, State), Failure> {
    let unknown = |error: io::Error| {
        let name = place(&output.part);
        Failure::wrong_use(
            format!("nothing says how far `{}` is good", part.display()),
            format!("remove `{}` to begin anew", part.display()),
        )
        .because(format!(
            "`{}`: {error}",
            part.with_file_name(name).display()
        ))
    };
    let state = output.folder.open(&place(&output.part));
    let state = state
        .and_then(|file| State::read(&file, longest))
        .map_err(unknown)?;
    let file = output.folder.open(&output.part);
    let file = file.and_then(|file| match number(&file)? == state.file {
        true => Ok(file),
        false => Err(io::Error::other(
            "it is a copy, or another file has its name",
        )),
    });
    let file = file.map_err(|error| {
        Failure::wrong_use(
            format!("cannot go on with `{}`: {error}", part.display()),
            "remove it to begin anew",
        )
    })?;
    Ok((file, state))
}

fn check(arguments: &RunArguments, path: &Path, plugins: &[PathBuf]) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::wrong_use(
            "standard output is written where no file is named",
            "leave out `--output-file`",
        ));
    }
    if path.is_dir() {
        return Err(Failure::wrong_use(
            format!("`{}` is a folder, not a file", path.display()),
            "name a file in it: `--output-file FOLDER/FILE`",
        ));
    }
    let part = part(path);
    for (paths, what) in [(&arguments.files[..], "an input"), (plugins, "a plugin")] {
        for other in paths {
            if is_same(path, other) || is_same(&part, other) {
                return Err(Failure::wrong_use(
                    format!(
                        "`{}` is {what} of this run, and would be overwritten",
                        other.display()
                    ),
                    "give `--output-file` another name",
                ));
            }
        }
    }
    if arguments.resume && !is_repeatable(arguments) {
        return Err(Failure::wrong_use(
            "standard input cannot be read again from its beginning",
            "`--resume` is for files: name them",
        ));
    }
    Ok(())
}

/// The file of a run, and where the run begins.
#[derive(Default)]
pub(super) struct Begun {
    pub(super) file: Option<PartFile>,
    /// Where to go on; none where it begins anew.
    pub(super) from: Option<Mark>,
    /// How many results were missing up to there.
    pub(super) failed: u64,
}

/// Begins the file, if there is to be one, or goes on with it.
pub(super) fn begin(
    arguments: &RunArguments,
    output: Option<Output>,
    plugins: &[PathBuf],
    grants: &RunGrants,
) -> Result<Begun, Failure> {
    let (Some(path), Some(output)) = (&arguments.output_file, output) else {
        return Ok(Begun::default());
    };
    let Output { place, before } = output;
    let failure = |error: io::Error| cannot_write(path, &error);
    if !is_repeatable(arguments) {
        return Ok(Begun {
            file: Some(PartFile::create(place, None).map_err(failure)?),
            ..Begun::default()
        });
    }
    let identity = identity(arguments, plugins, grants)?;
    let journal = |state| {
        let name = self::place(&place.part);
        Journal::new(place.folder.clone(), name, state)
    };
    let Some((file, state)) = before else {
        let journal = journal(State::new(identity));
        return Ok(Begun {
            file: Some(PartFile::create(place, Some(journal)).map_err(failure)?),
            ..Begun::default()
        });
    };
    compare(&state.identity, &identity, &part(path))?;
    let (from, failed) = (Some(state.mark), state.failed);
    let (bytes, journal) = (state.bytes, journal(state));
    Ok(Begun {
        file: Some(PartFile::resume(place, file, bytes, journal).map_err(failure)?),
        from,
        failed,
    })
}

/// Begins a file of Parquet.
pub(super) fn begin_table(
    arguments: &RunArguments,
    output: Option<Output>,
    target: &ParquetTarget,
    output_limit: usize,
) -> Result<Option<ParquetFile>, Failure> {
    let (Some(path), Some(output)) = (&arguments.output_file, output) else {
        return Ok(None);
    };
    let file = ParquetFile::create(output.place, target, output_limit);
    file.map(Some).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::wrong_use(
        format!("cannot write `{}`: {error}", part(path).display()),
        "name a file in a folder that is there and that you may write to",
    )
}

/// Whether the input may be read once more.
fn is_repeatable(arguments: &RunArguments) -> bool {
    let files = &arguments.files;
    !files.is_empty() && files.iter().all(|path| path.as_os_str() != "-")
}

/// Whether the run is the one that began the file.
fn compare(before: &Identity, now: &Identity, part: &Path) -> Result<(), Failure> {
    let names = before.keys().chain(now.keys());
    let Some(name) = names
        .into_iter()
        .find(|name| before.get(*name) != now.get(*name))
    else {
        return Ok(());
    };
    let part = part.display();
    let message = match (before.get(name), now.get(name)) {
        (Some(_), Some(_)) => format!("{name} is not as it was when `{part}` was begun"),
        (Some(_), None) => format!("{name} is no part of this run, and `{part}` was begun with it"),
        (None, _) => format!("{name} is new, and `{part}` was begun without it"),
    };
    Err(Failure::wrong_use(
        message,
        format!("go on with what it was begun with, or remove `{part}` to begin anew"),
    ))
}

/// What the results depend on. What may be a secret is there as its hash.
fn identity(
    arguments: &RunArguments,
    plugins: &[PathBuf],
    grants: &RunGrants,
) -> Result<Identity, Failure> {
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let secret = |text: String| hash(text.as_bytes());
    let mut all = BTreeMap::new();
    for (name, value) in [
        ("`--chain`", arguments.chain.to_string()),
        ("`--field`", format!("{:?}", arguments.field)),
        ("`--into`", format!("{:?}", arguments.into)),
        ("`--input-format`", format!("{:?}", arguments.input_format)),
        ("`--output`", format!("{:?}", arguments.output)),
        ("`--skip-blank`", arguments.skip_blank.to_string()),
        ("`--line-limit`", arguments.line_limit.to_string()),
        ("`--config`", secret(format!("{:?}", arguments.config))),
        (
            "the limits",
            secret(format!("{:?}", arguments.limits.resolve()?)),
        ),
        (
            "the version of kumiki",
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ] {
        all.insert(name.to_owned(), value);
    }
    let order = |paths: &[PathBuf]| secret(format!("{paths:?}"));
    all.insert("the order of inputs".to_owned(), order(&arguments.files));
    all.insert("the order of plugins".to_owned(), order(plugins));
    for path in plugins {
        let bytes = fs::read(path)
            .map_err(|error| Failure::path("plugin", path, &error, "check the path"))?;
        let grants = secret(format!("{:?}", grants.of(path, Some(&bytes))));
        let name = path.display();
        all.insert(format!("plugin `{name}`"), hash(&bytes));
        all.insert(format!("what `{name}` is granted"), grants);
    }
    for path in &arguments.files {
        let metadata = fs::metadata(path)
            .map_err(|error| Failure::path("file", path, &error, "check the path"))?;
        let changed = metadata.modified().ok();
        let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |time| time.as_nanos());
        let value = format!("{} bytes, changed at {changed}", metadata.len());
        all.insert(format!("input `{}`", path.display()), value);
    }
    Ok(all)
}

/// Whether both are there and the same, whatever they are called.
fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

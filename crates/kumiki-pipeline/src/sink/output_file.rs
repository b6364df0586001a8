//! The file that a run writes: whether it may be written, and where to resume.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::part_file::PartFile;
use crate::error::{Change, Error};
use crate::files::folder::file_number;
use crate::files::part_path::{PartPath, part_path};
use crate::formats::parquet::table::TableTarget;
use crate::formats::parquet::write::ParquetWriter;
use crate::input::open::OpenInputs;
use crate::journal::{Journal, Position, RunIdentity, State, journal_name};

/// A file for the results. Until it is complete it has another path, see
/// [`part_path`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OutputFile {
    /// The path of the file, compressed when it ends in `.gz` or `.zst`.
    pub path: PathBuf,
    /// Whether to continue a run that left the file incomplete.
    pub resume: bool,
    /// The files of the plugins, which must not be overwritten.
    pub plugins: Vec<PathBuf>,
}

impl OutputFile {
    /// A file that is written from its beginning.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            resume: false,
            plugins: Vec::new(),
        }
    }

    /// Continues a run that left the file incomplete, if there is one.
    #[must_use]
    pub fn resumed(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Refuses to overwrite these files of plugins.
    #[must_use]
    pub fn with_plugins(mut self, plugins: impl Into<Vec<PathBuf>>) -> Self {
        self.plugins = plugins.into();
        self
    }
}

/// An output that may be written. Its folder is open, and so is the part of it that
/// an earlier run has written.
pub(crate) struct ReservedFile {
    path: PathBuf,
    part: PartPath,
    earlier: Option<(File, State)>,
    is_resumable: bool,
}

impl ReservedFile {
    /// Checks that the file may be written: that nothing is lost that the run reads
    /// or that an earlier run has written.
    pub(crate) fn open(file: &OutputFile, inputs: &OpenInputs) -> Result<Self, Error> {
        let path = &file.path;
        check(file, inputs)?;
        let part = PartPath::of(path).map_err(|source| cannot_create(path, source))?;
        refuse_special(&part, path)?;
        // Without a journal, an empty part is of a run that failed before its first result.
        let is_left_over =
            part.folder.is_empty_file(&part.part) && !part.folder.has(&journal_name(&part.part));
        let is_there = part.folder.has(&part.part) && (file.resume || !is_left_over);
        if is_there && !file.resume {
            return Err(Error::Incomplete {
                part: part_path(path),
            });
        }
        let earlier = match is_there {
            true => Some(open_earlier(
                &part,
                &part_path(path),
                max_state(file, inputs),
            )?),
            false => None,
        };
        Ok(Self {
            path: path.clone(),
            part,
            earlier,
            is_resumable: inputs.are_files(),
        })
    }

    /// As [`ReservedFile::open`], for one of the files in an output folder. They are never
    /// resumed: what an earlier run left incomplete is replaced.
    pub(crate) fn in_folder(part: PartPath, path: &Path) -> Result<Self, Error> {
        refuse_special(&part, path)?;
        Ok(Self {
            path: path.to_owned(),
            part,
            earlier: None,
            is_resumable: false,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the run can be resumed after an interrupt.
    pub(crate) fn is_resumable(&self) -> bool {
        self.is_resumable
    }

    /// Does not keep the state that resuming needs.
    pub(crate) fn not_resumable(self) -> Self {
        Self {
            is_resumable: false,
            ..self
        }
    }

    /// Creates the file, or continues the one of an earlier run.
    pub(crate) fn begin(self, identity: RunIdentity) -> Result<BegunFile, Error> {
        let Self {
            path,
            part,
            earlier,
            is_resumable,
        } = self;
        let failure = |source| cannot_create(&path, source);
        let begun = |file| BegunFile {
            file,
            resumed: None,
        };
        if !is_resumable {
            return PartFile::create(part, None).map(begun).map_err(failure);
        }
        let (folder, name) = (part.folder.clone(), journal_name(&part.part));
        let journal = |state| Journal::new(folder, name, state);
        let Some((file, state)) = earlier else {
            let journal = journal(State::new(identity));
            let file = PartFile::create(part, Some(journal));
            return file.map(begun).map_err(failure);
        };
        compare(&state.identity, &identity, &path)?;
        let resumed = Some((state.position, state.failed));
        let bytes = state.bytes;
        let file = PartFile::resume(part, file, bytes, journal(state)).map_err(failure)?;
        Ok(BegunFile { file, resumed })
    }

    /// Creates a Parquet file. A row group ends when it has `group_limit` bytes.
    pub(crate) fn begin_table(
        self,
        target: &TableTarget,
        group_limit: usize,
    ) -> Result<ParquetWriter, Error> {
        let file = ParquetWriter::create(self.part, target, group_limit);
        file.map_err(|source| cannot_create(&self.path, source))
    }
}

/// A file that is open for results.
pub(crate) struct BegunFile {
    pub(crate) file: PartFile,
    /// The position that an earlier run has reached, and how many results were
    /// missing there.
    pub(crate) resumed: Option<(Position, u64)>,
}

/// Refuses a device, a pipe, a socket or a link. The complete output gets its name by
/// a rename, which would remove it.
fn refuse_special(part: &PartPath, path: &Path) -> Result<(), Error> {
    match part.special() {
        Ok(None) => Ok(()),
        Ok(Some(kind)) => Err(Error::OutputIsSpecial {
            path: path.to_owned(),
            kind,
        }),
        Err(source) => Err(cannot_create(path, source)),
    }
}

/// Maximum bytes of the state of a run. It has two lines for each plugin and one for
/// each input. In JSON a byte of a path takes six bytes at most.
fn max_state(file: &OutputFile, inputs: &OpenInputs) -> u64 {
    let inputs = inputs.list.iter().filter_map(|input| input.file.as_ref());
    let paths = inputs.map(|file| &file.path).chain(&file.plugins);
    let lines = paths.map(|path| 2 * (6 * path.as_os_str().len() + 300));
    ((64 << 10) + lines.sum::<usize>()) as u64
}

/// Opens the incomplete file of an earlier run, and reads its state of at most
/// `max_state` bytes.
fn open_earlier(output: &PartPath, part: &Path, max_state: u64) -> Result<(File, State), Error> {
    let name = journal_name(&output.part);
    let state = output.folder.open(&name);
    let state = state.and_then(|file| State::read(&file, max_state));
    let state = state.map_err(|source| Error::NoState {
        part: part.to_owned(),
        state: part.with_file_name(&name),
        source,
    })?;
    let file = output.folder.open(&output.part);
    let file = file.and_then(|file| match file_number(&file)? == state.file {
        true => Ok(file),
        false => Err(io::Error::other(
            "it is a copy, or was replaced by another file",
        )),
    });
    let file = file.map_err(|source| Error::Resume {
        part: part.to_owned(),
        source,
    })?;
    Ok((file, state))
}

fn check(file: &OutputFile, inputs: &OpenInputs) -> Result<(), Error> {
    let path = &file.path;
    if path.as_os_str() == "-" {
        return Err(Error::OutputIsStream);
    }
    if path.is_dir() {
        return Err(Error::OutputIsFolder { path: path.clone() });
    }
    let part = part_path(path);
    let is_same = |other: &Path| is_same_file(path, other) || is_same_file(&part, other);
    let files = inputs.list.iter().filter_map(|input| input.file.as_ref());
    let inputs_read = files.map(|file| (file.path.as_path(), "an input"));
    let plugins = file.plugins.iter().map(|path| (path.as_path(), "a plugin"));
    for (other, what) in inputs_read.chain(plugins) {
        if is_same(other) {
            return Err(Error::OutputIsRead {
                path: other.to_owned(),
                what,
            });
        }
    }
    match file.resume && !inputs.are_files() {
        true => Err(Error::StreamNotResumable),
        false => Ok(()),
    }
}

/// Adds what the results depend on in the inputs, and the version of the engine.
pub(crate) fn add_inputs(identity: &mut RunIdentity, inputs: &OpenInputs) {
    let files = inputs.list.iter().filter_map(|input| input.file.as_ref());
    let order: Vec<_> = files.clone().map(|file| &file.path).collect();
    let order = blake3::hash(format!("{order:?}").as_bytes());
    for file in files {
        let value = format!("{} bytes, changed at {}", file.size, file.modified);
        identity.insert(format!("input `{}`", file.path.display()), value);
    }
    identity.insert("the order of inputs".to_owned(), order.to_hex().to_string());
    let version = env!("CARGO_PKG_VERSION").to_owned();
    identity.insert("the version of kumiki".to_owned(), version);
}

/// Whether this run is the one that began the file.
fn compare(before: &RunIdentity, now: &RunIdentity, path: &Path) -> Result<(), Error> {
    let mut names = before.keys().chain(now.keys());
    let Some(what) = names.find(|name| before.get(*name) != now.get(*name)) else {
        return Ok(());
    };
    Err(Error::OtherRun {
        part: part_path(path),
        what: what.clone(),
        change: match (before.get(what), now.get(what)) {
            (Some(_), Some(_)) => Change::Changed,
            (Some(_), None) => Change::Removed,
            (None, _) => Change::Added,
        },
    })
}

fn cannot_create(path: &Path, source: io::Error) -> Error {
    Error::Create {
        part: part_path(path),
        source,
    }
}

/// Whether both paths lead to the same existing file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

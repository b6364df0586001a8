//! The folder that a run writes files into, one for each input.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::output_file::ReservedFile;
use super::part_file::PartFile;
use crate::error::Error;
use crate::files::folder::Folder;
use crate::files::part_path::{PartPath, part_path};
use crate::input::open::{OpenInput, OpenInputs};
use crate::journal::RunIdentity;

/// A folder for the results of whole texts, one file for each input, with its name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OutputFolder {
    /// The path of the folder, which is created if it does not exist.
    pub path: PathBuf,
    /// Folders whose files are inputs. An input in one of them keeps its path below the
    /// folder; others keep only their name.
    pub roots: Vec<PathBuf>,
    /// Files that must not be overwritten, such as those of plugins.
    pub protected: Vec<PathBuf>,
}

impl OutputFolder {
    /// Writes into this folder.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            roots: Vec::new(),
            protected: Vec::new(),
        }
    }

    /// Refuses to overwrite these files.
    #[must_use]
    pub fn with_protected(mut self, files: impl Into<Vec<PathBuf>>) -> Self {
        self.protected = files.into();
        self
    }

    /// Keeps the paths of inputs below these folders.
    #[must_use]
    pub fn with_roots(mut self, roots: impl Into<Vec<PathBuf>>) -> Self {
        self.roots = roots.into();
        self
    }

    /// The path of an input's output, below the folder.
    fn target(&self, input: &Path) -> Option<PathBuf> {
        let below = self.roots.iter().find_map(|it| input.strip_prefix(it).ok());
        match below.filter(|below| *below != Path::new("")) {
            Some(below) => {
                let mut parts = below.components();
                let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
                is_below.then(|| below.to_owned())
            }
            None => input.file_name().map(PathBuf::from),
        }
    }
}

/// The files of an output folder, in the order of the inputs.
///
/// The folder is opened once, before any plugin runs, and links in it are not followed.
pub(crate) struct ReservedFolder {
    path: PathBuf,
    folder: Folder,
    /// The paths of the files below the folder.
    names: Vec<PathBuf>,
}

impl ReservedFolder {
    /// Chooses a file for each input and creates their folders.
    pub(crate) fn open(output: &OutputFolder, inputs: &OpenInputs) -> Result<Self, Error> {
        let names = names(output, inputs)?;
        let path = &output.path;
        let failed = |folder: &Path, source| failure(folder.to_owned(), source);
        let folder = Folder::open_or_create(path).map_err(|source| failed(path, source))?;
        let mut last = None;
        for parent in names.iter().filter_map(|name| name.parent()) {
            if last != Some(parent) {
                let below = folder.below(parent);
                below.map_err(|source| failed(&path.join(parent), source))?;
            }
            last = Some(parent);
        }
        let reserved = Self {
            path: path.clone(),
            folder,
            names,
        };
        reserved.refuse_read(inputs, &output.protected)?;
        Ok(reserved)
    }

    /// Refuses to write over a file that the run reads, also while an output is incomplete.
    fn refuse_read(&self, inputs: &OpenInputs, protected: &[PathBuf]) -> Result<(), Error> {
        let inputs = inputs.list.iter().filter_map(|input| input.file.as_ref());
        let inputs = inputs.map(|file| (&file.path, "an input"));
        let protected = protected.iter().map(|path| (path, "a plugin or a setting"));
        let read: HashMap<_, _> = inputs
            .chain(protected)
            .filter_map(|(path, what)| Some((fs::canonicalize(path).ok()?, (path, what))))
            .collect();
        let targets = self.names.iter().map(|name| self.path.join(name));
        let targets = targets.flat_map(|target| [part_path(&target), target]);
        // A file that does not exist yet cannot be one of them.
        let mut targets = targets.filter_map(|it| fs::canonicalize(it).ok());
        match targets.find_map(|target| read.get(&target)) {
            Some((path, what)) => Err(Error::OutputIsRead {
                path: (*path).clone(),
                what,
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns each input with its output.
    pub(crate) fn tasks(self, inputs: Vec<OpenInput>) -> impl Iterator<Item = Target> {
        let Self {
            path,
            folder,
            names,
        } = self;
        let pairs = inputs.into_iter().zip(names);
        pairs.map(move |(input, name)| Target {
            input,
            path: path.join(&name),
            folder: folder.clone(),
            name,
        })
    }
}

/// Chooses the name of the output of each input. No two outputs have the same name, also
/// while one of them is incomplete.
fn names(output: &OutputFolder, inputs: &OpenInputs) -> Result<Vec<PathBuf>, Error> {
    let mut names = Vec::with_capacity(inputs.list.len());
    let mut chosen = HashMap::new();
    let same = |first: &Path, second: &Path, name: &Path| Error::SameOutput {
        first: first.to_owned(),
        second: second.to_owned(),
        output: output.path.join(name),
    };
    for input in &inputs.list {
        let file = input.file.as_ref().ok_or(Error::FolderNeedsFiles)?;
        let name = output.target(&file.path).ok_or(Error::FolderNeedsFiles)?;
        if let Some(first) = chosen.insert(name.clone(), &file.path) {
            return Err(same(first, &file.path, &name));
        }
        names.push(name);
    }
    for name in &names {
        let part = part_path(name);
        if let (Some(first), Some(second)) = (chosen.get(name), chosen.get(&part)) {
            return Err(same(first, second, &part));
        }
    }
    Ok(names)
}

/// Why a folder cannot be opened for outputs.
fn failure(path: PathBuf, source: io::Error) -> Error {
    match path.is_file() {
        true => Error::OutputIsFile { path },
        false => Error::Create { part: path, source },
    }
}

/// An input, and its output.
pub(crate) struct Target {
    pub(crate) input: OpenInput,
    pub(crate) path: PathBuf,
    folder: Folder,
    /// The path below the folder.
    name: PathBuf,
}

impl Target {
    /// Creates the output.
    pub(crate) fn begin(&self) -> Result<PartFile, Error> {
        let parent = self.name.parent().unwrap_or(Path::new(""));
        let folder = self.folder.below(parent);
        let folder = folder.map_err(|source| failure(self.path.clone(), source))?;
        let name = self.name.file_name().unwrap_or_default().to_owned();
        let file = ReservedFile::in_folder(PartPath::within(folder, name), &self.path)?;
        Ok(file.begin(RunIdentity::new())?.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_keep_their_path_below_a_root() {
        let folder = OutputFolder::new("out").with_roots([PathBuf::from("in"), "/data/".into()]);
        for (input, target) in [
            ("in/a.txt", Some("a.txt")),
            ("in/b/a.txt", Some("b/a.txt")),
            ("/data/b/a.txt", Some("b/a.txt")),
            ("other/a.txt", Some("a.txt")),
            ("a.txt", Some("a.txt")),
            ("in/../a.txt", None),
            ("..", None),
        ] {
            assert_eq!(
                folder.target(Path::new(input)),
                target.map(PathBuf::from),
                "{input}"
            );
        }
    }
}

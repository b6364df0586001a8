//! The folder that a run writes files into, one for each input.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::output_file::ReservedFile;
use super::part_file::PartFile;
use crate::error::Error;
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
pub(crate) struct ReservedFolder {
    path: PathBuf,
    files: Vec<PathBuf>,
}

impl ReservedFolder {
    /// Chooses a file for each input and creates their folders.
    pub(crate) fn open(folder: &OutputFolder, inputs: &OpenInputs) -> Result<Self, Error> {
        let mut files = Vec::with_capacity(inputs.list.len());
        let mut chosen = HashMap::new();
        for input in &inputs.list {
            let file = input.file.as_ref().ok_or(Error::FolderNeedsFiles)?;
            let name = folder.target(&file.path).ok_or(Error::FolderNeedsFiles)?;
            let target = folder.path.join(&name);
            if let Some(first) = chosen.insert(name, file.path.clone()) {
                return Err(Error::SameOutput {
                    first,
                    second: file.path.clone(),
                    output: target,
                });
            }
            files.push(target);
        }
        let reserved = Self {
            path: folder.path.clone(),
            files,
        };
        reserved.create_folders()?;
        reserved.refuse_read(inputs, &folder.protected)?;
        Ok(reserved)
    }

    /// Refuses to write over a file that the run reads.
    fn refuse_read(&self, inputs: &OpenInputs, protected: &[PathBuf]) -> Result<(), Error> {
        let inputs = inputs.list.iter().filter_map(|input| input.file.as_ref());
        let inputs = inputs.map(|file| (&file.path, "an input"));
        let protected = protected.iter().map(|path| (path, "a plugin or a setting"));
        let read: HashMap<_, _> = inputs
            .chain(protected)
            .filter_map(|(path, what)| Some((fs::canonicalize(path).ok()?, (path, what))))
            .collect();
        // A file that is not there yet is none of them.
        let mut targets = self.files.iter().filter_map(|it| fs::canonicalize(it).ok());
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

    fn create_folders(&self) -> Result<(), Error> {
        let parents = self.files.iter().filter_map(|file| file.parent());
        let mut last = None;
        for parent in parents.chain([self.path.as_path()]) {
            if last != Some(parent) {
                fs::create_dir_all(parent).map_err(|source| match parent.is_file() {
                    true => Error::OutputIsFile {
                        path: parent.to_owned(),
                    },
                    false => Error::Create {
                        part: parent.to_owned(),
                        source,
                    },
                })?;
            }
            last = Some(parent);
        }
        Ok(())
    }

    /// Returns each input with its output.
    pub(crate) fn tasks(self, inputs: Vec<OpenInput>) -> impl Iterator<Item = Target> {
        let pairs = inputs.into_iter().zip(self.files);
        pairs.map(|(input, path)| Target { input, path })
    }
}

/// An input, and the path of its output.
pub(crate) struct Target {
    pub(crate) input: OpenInput,
    path: PathBuf,
}

impl Target {
    /// Creates the output.
    pub(crate) fn begin(&self) -> Result<PartFile, Error> {
        let file = ReservedFile::in_folder(&self.path)?;
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

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
    /// The path of the folder, which is created if there is none.
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
        reserved.refuse_inputs(inputs)?;
        reserved.refuse_protected(&folder.protected)?;
        Ok(reserved)
    }

    /// Refuses to write over a file that the run reads besides its inputs.
    fn refuse_protected(&self, protected: &[PathBuf]) -> Result<(), Error> {
        let protected = protected.iter().map(|path| (fs::canonicalize(path), path));
        let protected: Vec<_> = protected
            .filter_map(|(real, path)| Some((real.ok()?, path)))
            .collect();
        for target in &self.files {
            let Ok(target) = fs::canonicalize(target) else {
                continue;
            };
            if let Some((_, path)) = protected.iter().find(|(real, _)| *real == target) {
                return Err(Error::OutputIsRead {
                    path: (*path).clone(),
                    what: "a plugin or a setting",
                });
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn create_folders(&self) -> Result<(), Error> {
        let parents = self.files.iter().filter_map(|file| file.parent());
        let mut last = None;
        for parent in parents.chain([self.path.as_path()]) {
            if last != Some(parent) {
                fs::create_dir_all(parent).map_err(|source| Error::Create {
                    part: parent.to_owned(),
                    source,
                })?;
            }
            last = Some(parent);
        }
        Ok(())
    }

    /// Refuses to write over an input.
    fn refuse_inputs(&self, inputs: &OpenInputs) -> Result<(), Error> {
        let files = inputs.list.iter().filter_map(|input| input.file.as_ref());
        for (input, target) in files.zip(&self.files) {
            let folder = |path: &Path| path.parent().and_then(|it| fs::canonicalize(it).ok());
            let is_same_name = input.path.file_name() == target.file_name();
            let of_input = match input.path.parent() {
                Some(parent) if parent.as_os_str().is_empty() => fs::canonicalize(".").ok(),
                _ => folder(&input.path),
            };
            if is_same_name && of_input.is_some() && of_input == folder(target) {
                return Err(Error::OutputIsRead {
                    path: input.path.clone(),
                    what: "an input",
                });
            }
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

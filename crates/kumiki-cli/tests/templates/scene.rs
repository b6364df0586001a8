//! The folder in which a test creates and builds a project.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use libtest_mimic::Failed;

use crate::tools;

/// More than there are tests at once on most machines.
static SLOTS: [Mutex<()>; 8] = [const { Mutex::new(()) }; 8];

/// A folder to work in. It and the folder of intermediate files are those of an earlier
/// test, because cargo would rebuild the dependencies, and perhaps std, for a new one.
pub(crate) struct Scene {
    pub(crate) folder: PathBuf,
    work: PathBuf,
    _slot: MutexGuard<'static, ()>,
}

impl Scene {
    pub(crate) fn new(language: &str) -> Result<Self, Failed> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates");
        let (slot, number) = free_slot();
        let name = format!("{language}-{number}");
        let folder = root.join(&name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            work: root.join("work").join(&name),
            _slot: slot,
        })
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output, Failed> {
        Ok(self.command(arguments).output()?)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut kumiki = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        kumiki
            .current_dir(&self.folder)
            .env("KUMIKI_TOOLS", tools())
            .env("KUMIKI_WORK", &self.work);
        kumiki.args(arguments);
        kumiki
    }

    /// Runs the program, which must succeed.
    pub(crate) fn run_ok(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let output = self.run(arguments)?;
        if output.status.success() {
            return Ok(output);
        }
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let arguments = arguments.join(" ");
        Err(format!("kumiki {arguments}: {}\n{stdout}\n{stderr}", output.status).into())
    }
}

/// Takes the first slot that no other test has.
fn free_slot() -> (MutexGuard<'static, ()>, usize) {
    for (number, slot) in SLOTS.iter().enumerate() {
        match slot.try_lock() {
            Ok(guard) => return (guard, number),
            // Its test failed.
            Err(TryLockError::Poisoned(error)) => return (error.into_inner(), number),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    let first = SLOTS[0].lock();
    (first.unwrap_or_else(PoisonError::into_inner), 0)
}

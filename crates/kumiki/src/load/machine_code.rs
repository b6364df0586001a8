//! Loading of artifacts as machine code. No other module does this.

#[cfg(feature = "cache")]
use std::fs::File;
#[cfg(feature = "cache")]
use std::path::Path;

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// What wasmtime compiles to machine code: a component, or a core module that components
/// share.
pub(crate) trait MachineCode: Sized {
    /// Whether this is a core module.
    const IS_MODULE: bool;

    /// Compiles a component or module in this process.
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self>;

    /// Returns its artifact.
    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;

    /// Loads an artifact as machine code.
    ///
    /// # Safety
    /// The bytes must be an unchanged result of [`MachineCode::serialize`], or of
    /// wasmtime's `precompile_…` functions.
    #[expect(unsafe_code, reason = "as wasmtime's `deserialize`")]
    unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self>;

    /// Maps an artifact's file into memory as machine code.
    ///
    /// # Safety
    /// As for [`MachineCode::deserialize`]; and the file must not change while it is
    /// mapped.
    #[cfg(feature = "cache")]
    #[expect(unsafe_code, reason = "as wasmtime's `deserialize_file`")]
    unsafe fn deserialize_file(engine: &Engine, artifact: &Path) -> wasmtime::Result<Self>;
}

macro_rules! machine_code {
    ($type:ident, $is_module:literal) => {
        impl MachineCode for $type {
            const IS_MODULE: bool = $is_module;

            fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
                Self::from_binary(engine, bytes)
            }

            fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
                self.serialize()
            }

            #[expect(unsafe_code, reason = "as wasmtime's `deserialize`")]
            unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Self> {
                // SAFETY: the caller's.
                unsafe { Self::deserialize(engine, artifact) }
            }

            #[cfg(feature = "cache")]
            #[expect(unsafe_code, reason = "as wasmtime's `deserialize_file`")]
            unsafe fn deserialize_file(engine: &Engine, artifact: &Path) -> wasmtime::Result<Self> {
                // SAFETY: the caller's.
                unsafe { Self::deserialize_file(engine, artifact) }
            }
        }
    };
}

machine_code!(Component, false);
machine_code!(Module, true);

/// Maps an open artifact into memory as code.
#[cfg(feature = "cache")]
pub(super) fn map<C: MachineCode>(engine: &Engine, artifact: &File) -> wasmtime::Result<C> {
    // SAFETY: wasmtime compiled this file for this engine, and this user's Kumiki stored
    // it: its seal, made with a key that only this user can read, was verified against
    // all of its bytes, now or when the file had the same identity. The file is mapped
    // through the handle that was checked. No other user can write to it: it belongs to
    // this user, is inaccessible to others, has no other hard link, and is in a folder
    // that is inaccessible to others (`cache::folder::Folder`). Kumiki never writes to an
    // artifact after renaming it to its final name.
    #[expect(unsafe_code, reason = "mapping makes a cached plugin quick to load")]
    unsafe {
        C::deserialize_file(engine, &path_of(artifact))
    }
}

/// Returns a path that always leads to this open file, because wasmtime accepts only
/// paths.
#[cfg(all(feature = "cache", unix))]
fn path_of(file: &File) -> std::path::PathBuf {
    use std::os::fd::AsRawFd as _;

    // On Linux this opens the file again; elsewhere it duplicates the handle.
    let folder = match cfg!(target_os = "linux") {
        true => "/proc/self/fd",
        false => "/dev/fd",
    };
    Path::new(folder).join(file.as_raw_fd().to_string())
}

#[cfg(all(feature = "cache", not(unix)))]
fn path_of(_: &File) -> std::path::PathBuf {
    // There are no artifacts on this system.
    std::path::PathBuf::new()
}

/// Copies machine code to another engine, which must have the same compiler settings.
pub(crate) fn copy<C: MachineCode>(code: &C, engine: &Engine) -> wasmtime::Result<C> {
    load(engine, &code.serialize()?)
}

/// Loads an artifact that was just compiled.
pub(super) fn load<C: MachineCode>(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<C> {
    // SAFETY: wasmtime has just produced these bytes, in this process or in a child
    // process that runs the embedder's program. They came through a pipe that no other
    // process can access, so they are as trustworthy as the compiler in this process.
    // wasmtime checks that they are for this engine.
    #[expect(unsafe_code, reason = "compiling it again could take half a minute")]
    unsafe {
        C::deserialize(engine, artifact)
    }
}

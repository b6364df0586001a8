//! Artifacts become code here, and nowhere else.

use std::fs::File;
use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Maps an open artifact into memory as code.
pub(super) fn map(engine: &Engine, artifact: &File) -> wasmtime::Result<Component> {
    // SAFETY: the file is one that wasmtime wrote for this engine and this
    // user's Kumiki put here: its seal, made with a key that only this user
    // can read, was checked against all of its bytes, now or when the file
    // looked as it did now. It is mapped by the handle that was looked at, and
    // nobody else can write to it: it is this user's own, closed to others, has
    // no other name, and lies in a folder that is closed to them as well
    // (`folder::Folder`). Kumiki itself never writes to an artifact that has its
    // name already.
    #[expect(
        unsafe_code,
        reason = "mapping is what makes a cached plugin quick to load"
    )]
    unsafe {
        Component::deserialize_file(engine, path_of(artifact))
    }
}

/// A path to an open file and no other, as wasmtime opens components by paths
/// only.
#[cfg(unix)]
fn path_of(file: &File) -> std::path::PathBuf {
    use std::os::fd::AsRawFd as _;

    // Not on every Unix is it the same to open it: there it is the same handle.
    let folder = match cfg!(target_os = "linux") {
        true => "/proc/self/fd",
        false => "/dev/fd",
    };
    Path::new(folder).join(file.as_raw_fd().to_string())
}

#[cfg(not(unix))]
fn path_of(_: &File) -> std::path::PathBuf {
    // There are no artifacts.
    std::path::PathBuf::new()
}

/// The same machine code for another engine, which must differ in nothing that
/// is compiled in.
pub(crate) fn copy(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    load(engine, &component.serialize()?)
}

/// The component of an artifact that was written just now.
pub(super) fn load(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: wasmtime has just written these bytes, here or in a process that
    // this one started for it, by a program that the embedder names, and they
    // came through a pipe that nobody else has: they are trusted as the
    // compiler in this process is. Whether they are this engine's is checked
    // when they are read.
    #[expect(unsafe_code, reason = "compiling it again could take half a minute")]
    unsafe {
        Component::deserialize(engine, artifact)
    }
}

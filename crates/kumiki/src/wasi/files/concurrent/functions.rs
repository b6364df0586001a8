//! The functions of `wasi:filesystem` of WASI 0.3.

use std::iter;

use wasmtime::AsContextMut as _;
use wasmtime::component::{Access, Accessor, FutureReader, Resource, StreamReader};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as Preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::HostDescriptor as Functions;
use wasmtime_wasi::p3::bindings::filesystem::preopens;
use wasmtime_wasi::p3::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize,
    Host, HostDescriptor, HostDescriptorWithStore, MetadataHashValue, NewTimestamp, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p3::filesystem::{FilesystemError, FilesystemResult};

use super::end::{End, Ended};
use super::folder_stream::FolderStream;
use super::read_stream::ReadStream;
use super::write_stream::WriteStream;
use super::{ConcurrentFiles, convert, functions};
use crate::wasi::files::entries::DESCRIPTORS;
use crate::wasi::files::streams::{StreamFile, WritePosition};
use crate::wasi::files::{FileFunctions, Files};

type Fd = Resource<Descriptor>;

impl Host for FileFunctions<Files<'_>> {
    fn convert_error_code(&mut self, error: FilesystemError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }
}

impl preopens::Host for FileFunctions<Files<'_>> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        Preopens::get_directories(self)
    }
}

impl HostDescriptor for FileFunctions<Files<'_>> {
    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        Functions::drop(self, fd)
    }
}

/// Converts the result of a function of 0.2.
fn converted<R, S>(result: FsResult<R>, convert: fn(R) -> S) -> FilesystemResult<S> {
    result.map(convert).map_err(convert::error)
}

/// Maximum bytes of a path. An instance may start many operations at a time, and each one
/// that waits holds its paths.
const MAX_PATH: usize = 4096;

/// Returns paths, unless one is too long.
fn paths<const N: usize>(paths: [String; N]) -> Result<[String; N], ErrorCode> {
    match paths.iter().any(|path| path.len() > MAX_PATH) {
        true => Err(ErrorCode::NameTooLong),
        false => Ok(paths),
    }
}

/// Returns what a stream needs, or the error code for the future beside it.
fn prepare<R>(result: FsResult<R>) -> wasmtime::Result<Result<R, ErrorCode>> {
    match result {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(error) => convert::error(error).downcast().map(Err),
    }
}

/// Writes a stream to a file.
fn write<U: 'static>(
    mut store: Access<'_, U, ConcurrentFiles>,
    fd: &Fd,
    mut data: StreamReader<u8>,
    position: WritePosition,
) -> wasmtime::Result<FutureReader<Ended>> {
    let target = store.get().with(|files| {
        let file = files.writable(fd)?;
        Ok(StreamFile::new(file, files.threads.clone()))
    });
    let (mut end, future) = End::future(store.as_context_mut())?;
    match prepare(target)? {
        Ok(target) => data.pipe(&mut store, WriteStream::new(target, position, end))?,
        Err(code) => {
            end.report(Err(code));
            data.close(&mut store)?;
        }
    }
    Ok(future)
}

impl<U: Send + 'static> HostDescriptorWithStore<U> for ConcurrentFiles {
    fn read_via_stream(
        mut store: Access<'_, U, Self>,
        fd: Fd,
        offset: Filesize,
    ) -> wasmtime::Result<(StreamReader<u8>, FutureReader<Ended>)> {
        let source = store.get().with(|files| {
            let file = files.readable(&fd)?;
            Ok(StreamFile::new(file, files.threads.clone()))
        });
        let (mut end, future) = End::future(store.as_context_mut())?;
        let stream = match prepare(source)? {
            Ok(source) => StreamReader::new(&mut store, ReadStream::new(source, offset, end))?,
            Err(code) => {
                end.report(Err(code));
                StreamReader::new(&mut store, iter::empty())?
            }
        };
        Ok((stream, future))
    }

    fn write_via_stream(
        store: Access<'_, U, Self>,
        fd: Fd,
        data: StreamReader<u8>,
        offset: Filesize,
    ) -> wasmtime::Result<FutureReader<Ended>> {
        write(store, &fd, data, WritePosition::At(offset))
    }

    fn append_via_stream(
        store: Access<'_, U, Self>,
        fd: Fd,
        data: StreamReader<u8>,
    ) -> wasmtime::Result<FutureReader<Ended>> {
        write(store, &fd, data, WritePosition::End)
    }

    fn read_directory(
        mut store: Access<'_, U, Self>,
        fd: Fd,
    ) -> wasmtime::Result<(StreamReader<DirectoryEntry>, FutureReader<Ended>)> {
        let folder = store.get().with(|files| {
            let (folder, permit) = (files.get(&fd)?, files.permit(DESCRIPTORS)?);
            Ok((folder, permit, files.threads.clone()))
        });
        let (mut end, future) = End::future(store.as_context_mut())?;
        let stream = match prepare(folder)? {
            Ok((folder, permit, threads)) => {
                let entries = FolderStream::new(folder, permit, threads, end);
                StreamReader::new(&mut store, entries)?
            }
            Err(code) => {
                end.report(Err(code));
                StreamReader::new(&mut store, iter::empty())?
            }
        };
        Ok((stream, future))
    }

    async fn advise(
        store: &Accessor<U, Self>,
        fd: Fd,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FilesystemResult<()> {
        let advice = convert::advice(advice);
        let done = functions(store).advise(fd, offset, length, advice).await;
        converted(done, |()| ())
    }

    async fn sync_data(store: &Accessor<U, Self>, fd: Fd) -> FilesystemResult<()> {
        converted(functions(store).sync_data(fd).await, |()| ())
    }

    async fn get_flags(store: &Accessor<U, Self>, fd: Fd) -> FilesystemResult<DescriptorFlags> {
        let flags = functions(store).get_flags(fd).await;
        converted(flags, convert::flags_of_descriptor)
    }

    async fn get_type(store: &Accessor<U, Self>, fd: Fd) -> FilesystemResult<DescriptorType> {
        let type_ = functions(store).get_type(fd).await;
        converted(type_, convert::descriptor_type)
    }

    async fn set_size(store: &Accessor<U, Self>, fd: Fd, size: Filesize) -> FilesystemResult<()> {
        converted(functions(store).set_size(fd, size).await, |()| ())
    }

    async fn set_times(
        store: &Accessor<U, Self>,
        fd: Fd,
        read: NewTimestamp,
        written: NewTimestamp,
    ) -> FilesystemResult<()> {
        let read = convert::new_timestamp(read)?;
        let written = convert::new_timestamp(written)?;
        let done = functions(store).set_times(fd, read, written).await;
        converted(done, |()| ())
    }

    async fn sync(store: &Accessor<U, Self>, fd: Fd) -> FilesystemResult<()> {
        converted(functions(store).sync(fd).await, |()| ())
    }

    async fn create_directory_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        path: String,
    ) -> FilesystemResult<()> {
        let [path] = paths([path])?;
        let done = functions(store).create_directory_at(fd, path).await;
        converted(done, |()| ())
    }

    async fn stat(store: &Accessor<U, Self>, fd: Fd) -> FilesystemResult<DescriptorStat> {
        converted(functions(store).stat(fd).await, convert::stat)
    }

    async fn stat_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        follow: PathFlags,
        path: String,
    ) -> FilesystemResult<DescriptorStat> {
        let [path] = paths([path])?;
        let follow = convert::path_flags(follow);
        let stat = functions(store).stat_at(fd, follow, path).await;
        converted(stat, convert::stat)
    }

    async fn set_times_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        follow: PathFlags,
        path: String,
        read: NewTimestamp,
        written: NewTimestamp,
    ) -> FilesystemResult<()> {
        let [path] = paths([path])?;
        let follow = convert::path_flags(follow);
        let read = convert::new_timestamp(read)?;
        let written = convert::new_timestamp(written)?;
        let mut functions = functions(store);
        let done = functions.set_times_at(fd, follow, path, read, written);
        converted(done.await, |()| ())
    }

    async fn link_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        follow: PathFlags,
        path: String,
        to: Fd,
        name: String,
    ) -> FilesystemResult<()> {
        let [path, name] = paths([path, name])?;
        let follow = convert::path_flags(follow);
        let done = functions(store).link_at(fd, follow, path, to, name).await;
        converted(done, |()| ())
    }

    async fn open_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        follow: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> FilesystemResult<Fd> {
        let [path] = paths([path])?;
        let follow = convert::path_flags(follow);
        let (how, flags) = (convert::open_flags(how), convert::descriptor_flags(flags));
        let opened = functions(store).open_at(fd, follow, path, how, flags).await;
        converted(opened, |opened| opened)
    }

    async fn readlink_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        path: String,
    ) -> FilesystemResult<String> {
        let [path] = paths([path])?;
        let target = functions(store).readlink_at(fd, path).await;
        converted(target, |target| target)
    }

    async fn remove_directory_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        path: String,
    ) -> FilesystemResult<()> {
        let [path] = paths([path])?;
        let done = functions(store).remove_directory_at(fd, path).await;
        converted(done, |()| ())
    }

    async fn rename_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        path: String,
        to: Fd,
        name: String,
    ) -> FilesystemResult<()> {
        let [path, name] = paths([path, name])?;
        let done = functions(store).rename_at(fd, path, to, name).await;
        converted(done, |()| ())
    }

    async fn symlink_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        target: String,
        path: String,
    ) -> FilesystemResult<()> {
        let [target, path] = paths([target, path])?;
        let done = functions(store).symlink_at(fd, target, path).await;
        converted(done, |()| ())
    }

    async fn unlink_file_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        path: String,
    ) -> FilesystemResult<()> {
        let [path] = paths([path])?;
        let done = functions(store).unlink_file_at(fd, path).await;
        converted(done, |()| ())
    }

    async fn is_same_object(
        store: &Accessor<U, Self>,
        fd: Fd,
        other: Fd,
    ) -> wasmtime::Result<bool> {
        functions(store).is_same_object(fd, other).await
    }

    async fn metadata_hash(
        store: &Accessor<U, Self>,
        fd: Fd,
    ) -> FilesystemResult<MetadataHashValue> {
        let hash = functions(store).metadata_hash(fd).await;
        converted(hash, convert::metadata_hash)
    }

    async fn metadata_hash_at(
        store: &Accessor<U, Self>,
        fd: Fd,
        follow: PathFlags,
        path: String,
    ) -> FilesystemResult<MetadataHashValue> {
        let [path] = paths([path])?;
        let follow = convert::path_flags(follow);
        let hash = functions(store).metadata_hash_at(fd, follow, path).await;
        converted(hash, convert::metadata_hash)
    }
}

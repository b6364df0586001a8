//! The functions of `wasi:filesystem`.

use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, Filesize, Host, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::io::streams::{Error, InputStream, OutputStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::entries::{DESCRIPTORS, Entries};
use super::streams::{FileInput, FileOutput, WritePosition};
use super::{Fd, FileAccess, FileFunctions, Files, Opened, now, own, trap};

/// Maximum bytes of one write. A longer one writes only this many, and the guest receives
/// the number.
const MAX_WRITE: usize = 1 << 20;

impl<A: FileAccess> preopens::Host for FileFunctions<A> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        self.with(|files| {
            let opened = files.folders.opened().enumerate();
            let folders = opened.map(|(folder, (dir, name))| {
                let opened = Opened {
                    descriptor: Descriptor::Dir(dir.clone()),
                    permit: None,
                    folder,
                };
                Ok((own(&files.table.push(opened)?), name.to_owned()))
            });
            folders.collect()
        })
    }
}

impl<A: FileAccess> Host for FileFunctions<A> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.with(|files| {
            let error = files.table.get(&error)?.downcast_ref::<std::io::Error>();
            Ok(error.map(ErrorCode::from))
        })
    }
}

impl Files<'_> {
    /// Converts the times of a file to the instance's clocks.
    fn convert_times(&self, stat: FsResult<DescriptorStat>) -> FsResult<DescriptorStat> {
        let mut stat = stat?;
        for time in [
            &mut stat.data_access_timestamp,
            &mut stat.data_modification_timestamp,
            &mut stat.status_change_timestamp,
        ] {
            *time = time.map(|time| self.clocks.convert_file_time(time));
        }
        Ok(stat)
    }

    /// Replaces "now" with the time of the instance's clocks.
    fn resolve_now(&self, time: NewTimestamp) -> NewTimestamp {
        match (time, self.clocks.now_for_files()) {
            (NewTimestamp::Now, Some(now)) => NewTimestamp::Timestamp(now),
            (time, _) => time,
        }
    }

    /// Returns a file that may be written to.
    pub(super) fn writable(&self, fd: &Fd) -> FsResult<Opened> {
        let opened = self.get(fd)?;
        match &opened.descriptor {
            Descriptor::Dir(_) => Err(ErrorCode::BadDescriptor.into()),
            Descriptor::File(file) if file.perms.write_not_permitted() => {
                Err(ErrorCode::NotPermitted.into())
            }
            Descriptor::File(_) => Ok(opened),
        }
    }

    /// Returns a file that may be read from.
    pub(super) fn readable(&self, fd: &Fd) -> FsResult<Opened> {
        let opened = self.get(fd)?;
        match &opened.descriptor {
            Descriptor::Dir(_) => Err(ErrorCode::IsDirectory.into()),
            Descriptor::File(_) => Ok(opened),
        }
    }

    fn output(&mut self, fd: &Fd, position: WritePosition) -> FsResult<Resource<OutputStream>> {
        let file = self.writable(fd)?;
        let output = FileOutput::new(file, self.threads.clone(), position);
        let stream: DynOutputStream = Box::new(output);
        Ok(self.table.push(stream)?)
    }
}

impl<A: FileAccess> HostDescriptor for FileFunctions<A> {
    async fn advise(
        &mut self,
        fd: Fd,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.call(&fd, async move |view, fd| {
            view.advise(fd, offset, length, advice).await
        })
        .await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.call(&fd, async |view, fd| view.sync_data(fd).await)
            .await
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.call(&fd, async |view, fd| view.get_flags(fd).await)
            .await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.call(&fd, async |view, fd| view.get_type(fd).await)
            .await
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        self.call(&fd, async move |view, fd| view.set_size(fd, size).await)
            .await
    }

    async fn set_times(
        &mut self,
        fd: Fd,
        read: NewTimestamp,
        written: NewTimestamp,
    ) -> FsResult<()> {
        let (read, written) = self.with(|it| (it.resolve_now(read), it.resolve_now(written)));
        self.call(&fd, async move |view, fd| {
            view.set_times(fd, read, written).await
        })
        .await
    }

    async fn read(
        &mut self,
        fd: Fd,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.call(&fd, async move |view, fd| {
            view.read(fd, length, offset).await
        })
        .await
    }

    async fn write(&mut self, fd: Fd, mut bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        bytes.truncate(MAX_WRITE);
        self.call(&fd, async move |view, fd| {
            view.write(fd, bytes, offset).await
        })
        .await
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        let taken = self.with(|files| FsResult::Ok((files.get(&fd)?, files.permit(DESCRIPTORS)?)));
        let (opened, permit) = taken?;
        let entries = self
            .wait(move || Entries::open(&opened.descriptor, Arc::new(permit)))
            .await?;
        Ok(own(&self.with(|files| files.table.push(entries))?))
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.call(&fd, async |view, fd| view.sync(fd).await).await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let reported = path.clone();
        let done = self
            .call(&fd, async move |view, fd| {
                view.create_directory_at(fd, path).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        let stat = self.call(&fd, async |view, fd| view.stat(fd).await).await;
        self.with(|files| files.convert_times(stat))
    }

    async fn stat_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let reported = path.clone();
        let stat = self
            .call(&fd, async move |view, fd| {
                view.stat_at(fd, follow, path).await
            })
            .await;
        let stat = self.report_denial(stat, false, &[(&fd, &reported)]);
        self.with(|files| files.convert_times(stat))
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        read: NewTimestamp,
        written: NewTimestamp,
    ) -> FsResult<()> {
        let (read, written) = self.with(|it| (it.resolve_now(read), it.resolve_now(written)));
        let reported = path.clone();
        let done = self
            .call(&fd, async move |view, fd| {
                view.set_times_at(fd, follow, path, read, written).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    async fn link_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        to: Fd,
        name: String,
    ) -> FsResult<()> {
        let reported = (path.clone(), name.clone());
        let done = self
            .call_with(&fd, &to, async move |view, fd, to| {
                view.link_at(fd, follow, path, to, name).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported.0), (&to, &reported.1)])
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        let changes = how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
            || flags.contains(DescriptorFlags::WRITE);
        let reported = path.clone();
        let taken = self.with(|files| FsResult::Ok((files.get(&fd)?.folder, files.permit(1)?)));
        let (folder, permit) = taken?;
        let opened = self
            .call(&fd, async move |view, fd| {
                let opened = view.open_at(fd, follow, path, how, flags).await?;
                let descriptor = view.table.delete(opened)?;
                // The permit is held from before the file is opened until it is closed, even if
                // the call was abandoned.
                Ok(Opened {
                    descriptor,
                    permit: Some(Arc::new(permit)),
                    folder,
                })
            })
            .await;
        let opened = self.report_denial(opened, changes, &[(&fd, &reported)])?;
        Ok(own(&self.with(|files| files.table.push(opened))?))
    }

    // Asynchronous calls use `close`.
    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        now(self.close(fd))?.map_err(trap)
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        self.call(&fd, async move |view, fd| view.readlink_at(fd, path).await)
            .await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let reported = path.clone();
        let done = self
            .call(&fd, async move |view, fd| {
                view.remove_directory_at(fd, path).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    async fn rename_at(&mut self, fd: Fd, path: String, to: Fd, name: String) -> FsResult<()> {
        let reported = (path.clone(), name.clone());
        let done = self
            .call_with(&fd, &to, async move |view, fd, to| {
                view.rename_at(fd, path, to, name).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported.0), (&to, &reported.1)])
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        let reported = (path.clone(), target.clone());
        let done = self
            .call(&fd, async move |view, fd| {
                view.symlink_at(fd, target, path).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported.0), (&fd, &reported.1)])
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let reported = path.clone();
        let done = self
            .call(&fd, async move |view, fd| {
                view.unlink_file_at(fd, path).await
            })
            .await;
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<InputStream>> {
        self.with(|files| {
            let input = FileInput::new(files.readable(&fd)?, files.threads.clone(), offset);
            let stream: DynInputStream = Box::new(input);
            Ok(files.table.push(stream)?)
        })
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<OutputStream>> {
        self.with(|files| files.output(&fd, WritePosition::At(offset)))
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<OutputStream>> {
        self.with(|files| files.output(&fd, WritePosition::End))
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> wasmtime::Result<bool> {
        let same = self
            .call_with(&a, &b, async |view, a, b| {
                let same = view.is_same_object(a, b).await;
                same.map_err(FsError::trap)
            })
            .await;
        same.map_err(trap)
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        self.call(&fd, async |view, fd| view.metadata_hash(fd).await)
            .await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.call(&fd, async move |view, fd| {
            view.metadata_hash_at(fd, follow, path).await
        })
        .await
    }
}

impl<A: FileAccess> HostDirectoryEntryStream for FileFunctions<A> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let stream: Resource<Entries> = own(&stream);
        loop {
            let next = self.with(|files| {
                let entries = files.table.get_mut(&stream)?;
                FsResult::Ok(entries.next().ok_or_else(|| entries.take()))
            });
            match next? {
                Ok(entry) => return entry,
                Err(None) => {}
                Err(Some(unread)) => {
                    let read = self.wait(move || Ok(unread.read())).await?;
                    self.with(|files| FsResult::Ok(files.table.get_mut(&stream)?.put(read)))?;
                }
            }
        }
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.with(|files| files.table.delete::<Entries>(own(&stream)))?;
        Ok(())
    }
}

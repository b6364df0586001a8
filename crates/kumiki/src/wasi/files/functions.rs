//! The functions of `wasi:filesystem`.

use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode as Code;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, Filesize, Host, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::sync::io::streams::{Error, InputStream, OutputStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::entries::{DESCRIPTORS, Entries};
use super::streams::{FileInput, FileOutput, WritePosition};
use super::{Fd, Files, Opened, own, trap};

/// Maximum bytes of one write. A longer one writes only this many, and the guest receives
/// the number.
const MAX_WRITE: usize = 1 << 20;

impl preopens::Host for Files<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let opened = self.folders.opened().enumerate();
        let folders = opened.map(|(folder, (dir, name))| {
            let opened = Opened {
                descriptor: Descriptor::Dir(dir.clone()),
                permit: None,
                folder,
            };
            Ok((own(&self.table.push(opened)?), name.to_owned()))
        });
        folders.collect()
    }
}

impl Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        Ok(error.downcast()?.into())
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        let error = self.table.get(&error)?.downcast_ref::<std::io::Error>();
        Ok(error.map(|error| Code::from(error).into()))
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
    fn writable(&self, fd: &Fd) -> FsResult<Opened> {
        let opened = self.get(fd)?;
        match &opened.descriptor {
            Descriptor::Dir(_) => Err(Code::BadDescriptor.into()),
            Descriptor::File(file) if file.perms.write_not_permitted() => {
                Err(Code::NotPermitted.into())
            }
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

impl HostDescriptor for Files<'_> {
    fn advise(
        &mut self,
        fd: Fd,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.call(&fd, move |view, fd| view.advise(fd, offset, length, advice))
    }

    fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.call(&fd, |view, fd| HostDescriptor::sync_data(view, fd))
    }

    fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.call(&fd, |view, fd| HostDescriptor::get_flags(view, fd))
    }

    fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.call(&fd, |view, fd| HostDescriptor::get_type(view, fd))
    }

    fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        self.call(&fd, move |view, fd| view.set_size(fd, size))
    }

    fn set_times(&mut self, fd: Fd, read: NewTimestamp, written: NewTimestamp) -> FsResult<()> {
        let (read, written) = (self.resolve_now(read), self.resolve_now(written));
        self.call(&fd, move |view, fd| view.set_times(fd, read, written))
    }

    fn read(&mut self, fd: Fd, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        self.call(&fd, move |view, fd| view.read(fd, length, offset))
    }

    fn write(&mut self, fd: Fd, mut bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        bytes.truncate(MAX_WRITE);
        self.call(&fd, move |view, fd| view.write(fd, bytes, offset))
    }

    fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        let (opened, permit) = (self.get(&fd)?, self.permit(DESCRIPTORS)?);
        let entries = self.wait(move || Entries::open(&opened.descriptor, permit))?;
        Ok(own(&self.table.push(entries)?))
    }

    fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.call(&fd, |view, fd| HostDescriptor::sync(view, fd))
    }

    fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let reported = path.clone();
        let done = self.call(&fd, move |view, fd| view.create_directory_at(fd, path));
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        let stat = self.call(&fd, |view, fd| HostDescriptor::stat(view, fd));
        self.convert_times(stat)
    }

    fn stat_at(&mut self, fd: Fd, follow: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let reported = path.clone();
        let stat = self.call(&fd, move |view, fd| view.stat_at(fd, follow, path));
        let stat = self.report_denial(stat, false, &[(&fd, &reported)]);
        self.convert_times(stat)
    }

    fn set_times_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        read: NewTimestamp,
        written: NewTimestamp,
    ) -> FsResult<()> {
        let (read, written) = (self.resolve_now(read), self.resolve_now(written));
        let reported = path.clone();
        let done = self.call(&fd, move |view, fd| {
            view.set_times_at(fd, follow, path, read, written)
        });
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    fn link_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        to: Fd,
        name: String,
    ) -> FsResult<()> {
        let reported = (path.clone(), name.clone());
        let done = self.call_with(&fd, &to, move |view, fd, to| {
            view.link_at(fd, follow, path, to, name)
        });
        self.report_denial(done, true, &[(&fd, &reported.0), (&to, &reported.1)])
    }

    fn open_at(
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
        let (folder, permit) = (self.get(&fd)?.folder, self.permit(1)?);
        let opened = self.call(&fd, move |view, fd| {
            let opened = view.open_at(fd, follow, path, how, flags)?;
            let descriptor = view.table.delete(opened)?;
            // The permit is held from before the file is opened until it is closed, even if
            // the call was abandoned.
            Ok(Opened {
                descriptor,
                permit: Some(Arc::new(permit)),
                folder,
            })
        });
        let opened = self.report_denial(opened, changes, &[(&fd, &reported)])?;
        Ok(own(&self.table.push(opened)?))
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        let opened = self.table.delete::<Opened>(own(&fd))?;
        // Granted folders stay open. Closing other files may block, for example on a network
        // file system.
        if opened.permit.is_none() {
            return Ok(());
        }
        let closed = self.threads.close(self.deadline.remaining(), opened);
        closed.map_err(|refused| trap(refused.into()))
    }

    fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        self.call(&fd, move |view, fd| view.readlink_at(fd, path))
    }

    fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let reported = path.clone();
        let done = self.call(&fd, move |view, fd| view.remove_directory_at(fd, path));
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    fn rename_at(&mut self, fd: Fd, path: String, to: Fd, name: String) -> FsResult<()> {
        let reported = (path.clone(), name.clone());
        let done = self.call_with(&fd, &to, move |view, fd, to| {
            view.rename_at(fd, path, to, name)
        });
        self.report_denial(done, true, &[(&fd, &reported.0), (&to, &reported.1)])
    }

    fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        let reported = (path.clone(), target.clone());
        let done = self.call(&fd, move |view, fd| view.symlink_at(fd, target, path));
        self.report_denial(done, true, &[(&fd, &reported.0), (&fd, &reported.1)])
    }

    fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let reported = path.clone();
        let done = self.call(&fd, move |view, fd| view.unlink_file_at(fd, path));
        self.report_denial(done, true, &[(&fd, &reported)])
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<InputStream>> {
        let file = self.get(&fd)?;
        if let Descriptor::Dir(_) = file.descriptor {
            return Err(Code::IsDirectory.into());
        }
        let stream: DynInputStream = Box::new(FileInput::new(file, self.threads.clone(), offset));
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<OutputStream>> {
        self.output(&fd, WritePosition::At(offset))
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<OutputStream>> {
        self.output(&fd, WritePosition::End)
    }

    fn is_same_object(&mut self, a: Fd, b: Fd) -> wasmtime::Result<bool> {
        let same = self.call_with(&a, &b, |view, a, b| {
            HostDescriptor::is_same_object(view, a, b).map_err(FsError::trap)
        });
        same.map_err(trap)
    }

    fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        self.call(&fd, |view, fd| HostDescriptor::metadata_hash(view, fd))
    }

    fn metadata_hash_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.call(&fd, move |view, fd| view.metadata_hash_at(fd, follow, path))
    }
}

impl HostDirectoryEntryStream for Files<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let stream: Resource<Entries> = own(&stream);
        loop {
            let entries = self.table.get_mut(&stream)?;
            if let Some(entry) = entries.next() {
                return entry;
            }
            if let Some(unread) = entries.take() {
                let read = self.wait(move || Ok(unread.read()))?;
                self.table.get_mut(&stream)?.put(read);
            }
        }
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table.delete::<Entries>(own(&stream))?;
        Ok(())
    }
}

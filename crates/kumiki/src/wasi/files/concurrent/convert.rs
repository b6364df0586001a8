//! Conversions between the types of `wasi:filesystem` of WASI 0.2 and 0.3.

use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::types as v2;
use wasmtime_wasi::p3::bindings::clocks::system_clock::Instant;
use wasmtime_wasi::p3::bindings::filesystem::types as v3;
use wasmtime_wasi::p3::filesystem::FilesystemError;

use crate::wasi::files::trap;

/// Converts an error code; what is not one ends the call.
pub(super) fn error(error: FsError) -> FilesystemError {
    match error.downcast_ref() {
        Some(code) => error_code(*code).into(),
        None => FilesystemError::trap(trap(error)),
    }
}

pub(super) fn error_code(code: v2::ErrorCode) -> v3::ErrorCode {
    use v3::ErrorCode as To;
    match code {
        v2::ErrorCode::Access => To::Access,
        // 0.3 has no code for an operation that would block, and 0.2 never returns it.
        v2::ErrorCode::WouldBlock => To::Other(None),
        v2::ErrorCode::Already => To::Already,
        v2::ErrorCode::BadDescriptor => To::BadDescriptor,
        v2::ErrorCode::Busy => To::Busy,
        v2::ErrorCode::Deadlock => To::Deadlock,
        v2::ErrorCode::Quota => To::Quota,
        v2::ErrorCode::Exist => To::Exist,
        v2::ErrorCode::FileTooLarge => To::FileTooLarge,
        v2::ErrorCode::IllegalByteSequence => To::IllegalByteSequence,
        v2::ErrorCode::InProgress => To::InProgress,
        v2::ErrorCode::Interrupted => To::Interrupted,
        v2::ErrorCode::Invalid => To::Invalid,
        v2::ErrorCode::Io => To::Io,
        v2::ErrorCode::IsDirectory => To::IsDirectory,
        v2::ErrorCode::Loop => To::Loop,
        v2::ErrorCode::TooManyLinks => To::TooManyLinks,
        v2::ErrorCode::MessageSize => To::MessageSize,
        v2::ErrorCode::NameTooLong => To::NameTooLong,
        v2::ErrorCode::NoDevice => To::NoDevice,
        v2::ErrorCode::NoEntry => To::NoEntry,
        v2::ErrorCode::NoLock => To::NoLock,
        v2::ErrorCode::InsufficientMemory => To::InsufficientMemory,
        v2::ErrorCode::InsufficientSpace => To::InsufficientSpace,
        v2::ErrorCode::NotDirectory => To::NotDirectory,
        v2::ErrorCode::NotEmpty => To::NotEmpty,
        v2::ErrorCode::NotRecoverable => To::NotRecoverable,
        v2::ErrorCode::Unsupported => To::Unsupported,
        v2::ErrorCode::NoTty => To::NoTty,
        v2::ErrorCode::NoSuchDevice => To::NoSuchDevice,
        v2::ErrorCode::Overflow => To::Overflow,
        v2::ErrorCode::NotPermitted => To::NotPermitted,
        v2::ErrorCode::Pipe => To::Pipe,
        v2::ErrorCode::ReadOnly => To::ReadOnly,
        v2::ErrorCode::InvalidSeek => To::InvalidSeek,
        v2::ErrorCode::TextFileBusy => To::TextFileBusy,
        v2::ErrorCode::CrossDevice => To::CrossDevice,
    }
}

pub(super) fn advice(advice: v3::Advice) -> v2::Advice {
    match advice {
        v3::Advice::Normal => v2::Advice::Normal,
        v3::Advice::Sequential => v2::Advice::Sequential,
        v3::Advice::Random => v2::Advice::Random,
        v3::Advice::WillNeed => v2::Advice::WillNeed,
        v3::Advice::DontNeed => v2::Advice::DontNeed,
        v3::Advice::NoReuse => v2::Advice::NoReuse,
    }
}

pub(super) fn path_flags(flags: v3::PathFlags) -> v2::PathFlags {
    match flags.contains(v3::PathFlags::SYMLINK_FOLLOW) {
        true => v2::PathFlags::SYMLINK_FOLLOW,
        false => v2::PathFlags::empty(),
    }
}

/// Converts flags with the same names in both versions.
macro_rules! convert_flags {
    ($flags:ident: $from:ty => $to:ty, $($flag:ident)*) => {{
        let mut converted = <$to>::empty();
        $(if $flags.contains(<$from>::$flag) {
            converted |= <$to>::$flag;
        })*
        converted
    }};
}

pub(super) fn open_flags(flags: v3::OpenFlags) -> v2::OpenFlags {
    convert_flags!(flags: v3::OpenFlags => v2::OpenFlags, CREATE DIRECTORY EXCLUSIVE TRUNCATE)
}

pub(super) fn descriptor_flags(flags: v3::DescriptorFlags) -> v2::DescriptorFlags {
    convert_flags!(flags: v3::DescriptorFlags => v2::DescriptorFlags,
        READ WRITE FILE_INTEGRITY_SYNC DATA_INTEGRITY_SYNC REQUESTED_WRITE_SYNC MUTATE_DIRECTORY)
}

pub(super) fn flags_of_descriptor(flags: v2::DescriptorFlags) -> v3::DescriptorFlags {
    convert_flags!(flags: v2::DescriptorFlags => v3::DescriptorFlags,
        READ WRITE FILE_INTEGRITY_SYNC DATA_INTEGRITY_SYNC REQUESTED_WRITE_SYNC MUTATE_DIRECTORY)
}

pub(super) fn descriptor_type(type_: v2::DescriptorType) -> v3::DescriptorType {
    match type_ {
        v2::DescriptorType::Unknown => v3::DescriptorType::Other(None),
        v2::DescriptorType::BlockDevice => v3::DescriptorType::BlockDevice,
        v2::DescriptorType::CharacterDevice => v3::DescriptorType::CharacterDevice,
        v2::DescriptorType::Directory => v3::DescriptorType::Directory,
        v2::DescriptorType::Fifo => v3::DescriptorType::Fifo,
        v2::DescriptorType::SymbolicLink => v3::DescriptorType::SymbolicLink,
        v2::DescriptorType::RegularFile => v3::DescriptorType::RegularFile,
        v2::DescriptorType::Socket => v3::DescriptorType::Socket,
    }
}

/// Converts the time that a guest sets. A time before 1970, which 0.2 cannot express, is an
/// error.
pub(super) fn new_timestamp(time: v3::NewTimestamp) -> Result<v2::NewTimestamp, v3::ErrorCode> {
    Ok(match time {
        v3::NewTimestamp::NoChange => v2::NewTimestamp::NoChange,
        v3::NewTimestamp::Now => v2::NewTimestamp::Now,
        v3::NewTimestamp::Timestamp(Instant {
            seconds,
            nanoseconds,
        }) => v2::NewTimestamp::Timestamp(v2::Datetime {
            seconds: u64::try_from(seconds).map_err(|_| v3::ErrorCode::Overflow)?,
            nanoseconds,
        }),
    })
}

/// Converts a file's time; `None` if 0.3 cannot express it.
fn timestamp(time: Option<v2::Datetime>) -> Option<Instant> {
    let time = time?;
    Some(Instant {
        seconds: i64::try_from(time.seconds).ok()?,
        nanoseconds: time.nanoseconds,
    })
}

pub(super) fn stat(stat: v2::DescriptorStat) -> v3::DescriptorStat {
    v3::DescriptorStat {
        type_: descriptor_type(stat.type_),
        link_count: stat.link_count,
        size: stat.size,
        data_access_timestamp: timestamp(stat.data_access_timestamp),
        data_modification_timestamp: timestamp(stat.data_modification_timestamp),
        status_change_timestamp: timestamp(stat.status_change_timestamp),
    }
}

pub(super) fn metadata_hash(hash: v2::MetadataHashValue) -> v3::MetadataHashValue {
    v3::MetadataHashValue {
        lower: hash.lower,
        upper: hash.upper,
    }
}

pub(super) fn directory_entry(entry: v2::DirectoryEntry) -> v3::DirectoryEntry {
    v3::DirectoryEntry {
        type_: descriptor_type(entry.type_),
        name: entry.name,
    }
}

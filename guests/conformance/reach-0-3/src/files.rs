//! Files in the folders that were granted.

use wasip3::filesystem::preopens;
use wasip3::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

use crate::{Outcome, joined};

/// The kind of an error, in the words of Rust's own library.
fn kind(code: &ErrorCode) -> String {
    match code {
        ErrorCode::NotPermitted | ErrorCode::Access => "PermissionDenied".into(),
        ErrorCode::NoEntry => "NotFound".into(),
        ErrorCode::Exist => "AlreadyExists".into(),
        ErrorCode::Busy => "ResourceBusy".into(),
        other => format!("{other:?}"),
    }
}

fn done(result: Result<(), ErrorCode>) -> Outcome {
    match result {
        Ok(()) => Ok("done".into()),
        Err(code) => Err(kind(&code)),
    }
}

/// The granted folder with the longest name that a path begins with, and the rest.
fn within(path: &str) -> Result<(Descriptor, String), String> {
    let rest = |name: &str| {
        let rest = path.strip_prefix(name.trim_start_matches("./"))?;
        let rest = match rest.strip_prefix('/') {
            Some(rest) => rest,
            None if rest.is_empty() => ".",
            None => return None,
        };
        Some(rest.trim_start_matches('/').to_owned())
    };
    let folders = preopens::get_directories().into_iter();
    let found = folders.filter_map(|(folder, name)| Some((name.len(), folder, rest(&name)?)));
    match found.max_by_key(|(length, ..)| *length) {
        Some((_, folder, rest)) => Ok((folder, rest)),
        None => Err("NotFound".into()),
    }
}

async fn open(path: &str, how: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, String> {
    let (folder, path) = within(path)?;
    let opened = folder.open_at(PathFlags::SYMLINK_FOLLOW, path, how, flags);
    opened.await.map_err(|code| kind(&code))
}

pub(crate) async fn read(path: &str) -> Outcome {
    let file = open(path, OpenFlags::empty(), DescriptorFlags::READ).await?;
    let (stream, ended) = file.read_via_stream(0);
    let bytes = stream.collect().await;
    ended.await.map_err(|code| kind(&code))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) async fn write(path: &str, text: &str) -> Outcome {
    let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = open(path, how, DescriptorFlags::WRITE).await?;
    let (mut writer, reader) = wasip3::wit_stream::new();
    let ended = file.write_via_stream(reader, 0);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    done(ended.await)
}

pub(crate) async fn append(path: &str, text: &str) -> Outcome {
    let file = open(path, OpenFlags::empty(), DescriptorFlags::WRITE).await?;
    let (mut writer, reader) = wasip3::wit_stream::new();
    let ended = file.append_via_stream(reader);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    done(ended.await)
}

pub(crate) async fn truncate(path: &str) -> Outcome {
    let file = open(path, OpenFlags::empty(), DescriptorFlags::WRITE).await?;
    done(file.set_size(0).await)
}

pub(crate) async fn remove(path: &str) -> Outcome {
    let (folder, path) = within(path)?;
    done(folder.unlink_file_at(path).await)
}

pub(crate) async fn list(path: &str) -> Outcome {
    let folder = open(path, OpenFlags::DIRECTORY, DescriptorFlags::READ).await?;
    let (stream, ended) = folder.read_directory();
    let entries = stream.collect().await;
    ended.await.map_err(|code| kind(&code))?;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    Ok(joined(names.into_iter()))
}

/// Removes the files in a folder and the folder, through a descriptor of it.
pub(crate) async fn clear(path: &str) -> Outcome {
    let opened = open(path, OpenFlags::DIRECTORY, DescriptorFlags::READ).await?;
    let (stream, ended) = opened.read_directory();
    let entries = stream.collect().await;
    ended.await.map_err(|code| kind(&code))?;
    for entry in entries {
        let removed = opened.unlink_file_at(entry.name).await;
        removed.map_err(|code| kind(&code))?;
    }
    let (folder, path) = within(path)?;
    done(folder.remove_directory_at(path).await)
}

pub(crate) async fn make(path: &str) -> Outcome {
    let (folder, path) = within(path)?;
    done(folder.create_directory_at(path).await)
}

pub(crate) async fn rename(from: &str, to: &str) -> Outcome {
    let ((folder, from), (other, to)) = (within(from)?, within(to)?);
    done(folder.rename_at(from, &other, to).await)
}

pub(crate) async fn link(from: &str, to: &str) -> Outcome {
    let ((folder, from), (other, to)) = (within(from)?, within(to)?);
    done(folder.link_at(PathFlags::empty(), from, &other, to).await)
}

pub(crate) async fn symlink(target: &str, link: &str) -> Outcome {
    let (folder, link) = within(link)?;
    done(folder.symlink_at(target.to_owned(), link).await)
}

//! Whether a file may be asked what it says of itself.
//!
//! The crate parquet reserves as many children of a group as a file claims, and
//! follows groups as deep as they lie: both end the process where they lie, so
//! they are looked at before.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::thrift::{Fields, I32, LIST, STRUCT, Thrift};

/// The longest description of a file, in bytes: that of millions of columns' parts.
const LONGEST: u32 = 32 << 20;
/// How deep columns may lie in groups.
const DEPTH: usize = 64;

/// Looks at the end of a file of Parquet.
///
/// # Errors
/// What is wrong with it, if that can be told; the crate parquet finds the rest.
pub(super) fn check(file: &File) -> Result<(), String> {
    let read = |from: SeekFrom, length: u32| {
        let mut file = file;
        let mut bytes = vec![0; length as usize];
        file.seek(from)?;
        file.read_exact(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let Ok(end) = read(SeekFrom::End(-8), 8) else {
        // It is too short to be one.
        return Ok(());
    };
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
    if &end[4..] != b"PAR1" {
        return Ok(());
    }
    if length > LONGEST {
        return Err(format!(
            "it says {length} bytes of itself, over {LONGEST}, which are not read"
        ));
    }
    match read(SeekFrom::End(-8 - i64::from(length)), length) {
        Ok(bytes) => check_schema(&bytes),
        Err(_) => Ok(()),
    }
}

fn check_schema(bytes: &[u8]) -> Result<(), String> {
    let broken = || "what it says of itself is broken".to_owned();
    let mut thrift = Thrift::new(bytes);
    let (mut fields, mut seen) = (Fields::default(), false);
    while let Some((id, kind)) = thrift.field(&mut fields).ok_or_else(broken)? {
        if (id, kind) != (2, LIST) {
            thrift.skip(kind, false).ok_or_else(broken)?;
            continue;
        }
        if std::mem::replace(&mut seen, true) {
            return Err(broken());
        }
        let (count, kind) = thrift.list().ok_or_else(broken)?;
        if kind != STRUCT {
            return Err(broken());
        }
        check_groups(&mut thrift, count)?;
    }
    Ok(())
}

/// The elements of the schema stand behind one another, each group before its
/// children.
fn check_groups(thrift: &mut Thrift<'_>, count: usize) -> Result<(), String> {
    // How many children of each open group are still to come.
    let mut open: Vec<usize> = Vec::new();
    for at in 0..count {
        let children = children(thrift).ok_or("what it says of its columns is broken")?;
        if children > count - at - 1 {
            return Err(format!(
                "it says that one of its groups has {children} columns, and it has fewer in all"
            ));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > DEPTH {
            return Err(format!(
                "its columns lie in each other more than {DEPTH} deep"
            ));
        }
    }
    Ok(())
}

/// How many children an element has.
fn children(thrift: &mut Thrift<'_>) -> Option<usize> {
    let (mut fields, mut children) = (Fields::default(), 0);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match (id, kind) {
            (5, I32) => children = children.max(usize::try_from(thrift.i32()?).ok()?),
            _ => thrift.skip(kind, false)?,
        }
    }
    Some(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description with these numbers of children.
    fn schema(children: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xfc];
        varint(&mut bytes, u64::try_from(children.len()).unwrap());
        for children in children {
            // The name, then the number.
            bytes.extend([0x48, 1, b'a', 0x15]);
            varint(&mut bytes, u64::from(*children) << 1);
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    }

    fn varint(bytes: &mut Vec<u8>, mut number: u64) {
        while number > 0x7f {
            bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }

    #[test]
    fn groups_are_bounded() {
        for (children, says) in [
            (vec![2, 0, 0], None),
            (vec![2, 1, 0, 1, 0], None),
            (vec![1_000_000_000, 0], Some("has fewer in all")),
            (vec![2, 0], Some("has fewer in all")),
            ([vec![1; 60], vec![0]].concat(), None),
            ([vec![1; 100_000], vec![0]].concat(), Some("64 deep")),
        ] {
            let found = check_schema(&schema(&children)).err();
            match says {
                None => assert_eq!(found, None),
                Some(says) => assert!(found.unwrap().contains(says)),
            }
        }
    }
}

//! Checks the footer of a file before the crate parquet reads it.
//!
//! The crate parquet reserves memory for as many children of a group as a file
//! claims, and follows groups as deep as they are nested. A false claim would end
//! the process.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::thrift::{Fields, I32, LIST, STRUCT, Thrift};

/// The longest footer in bytes: enough for millions of column chunks.
const MAX_LENGTH: u32 = 32 << 20;
/// The deepest nesting of columns in groups.
const MAX_DEPTH: usize = 64;

/// Checks the footer of a Parquet file.
///
/// # Errors
/// The fault of the footer. Faults that are harmless are left to the crate parquet.
pub(super) fn check(file: &File) -> Result<(), String> {
    let read = |from: SeekFrom, length: u32| {
        let mut file = file;
        let mut bytes = vec![0; length as usize];
        file.seek(from)?;
        file.read_exact(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let Ok(end) = read(SeekFrom::End(-8), 8) else {
        // The file is too short to be Parquet.
        return Ok(());
    };
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
    if &end[4..] != b"PAR1" {
        return Ok(());
    }
    if length > MAX_LENGTH {
        return Err(format!(
            "it says {length} bytes of itself, over {MAX_LENGTH}, which are not read"
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

/// Checks the elements of the schema, which are stored in one list, each group
/// before its children.
fn check_groups(thrift: &mut Thrift<'_>, count: usize) -> Result<(), String> {
    // Number of children of each open group that are still to come.
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
        if open.len() > MAX_DEPTH {
            return Err(format!(
                "its columns lie in each other more than {MAX_DEPTH} deep"
            ));
        }
    }
    Ok(())
}

/// Number of children of an element.
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

    /// A footer whose elements have these numbers of children.
    fn schema(children: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xfc];
        varint(&mut bytes, u64::try_from(children.len()).unwrap());
        for children in children {
            // The name, then the number of children.
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
    fn groups_with_false_claims_are_refused() {
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

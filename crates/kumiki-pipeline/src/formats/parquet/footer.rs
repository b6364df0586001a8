//! Reads the footer of a file, and checks it before the crate parquet reads it.
//!
//! The crate parquet reserves memory for as many children of a group as a file
//! claims, follows groups as deep as they are nested, copies the path of each
//! column, and reads fields without a look at their types. So each of these is
//! checked here, and anything that violates the format is rejected.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use kumiki::excerpt;

use super::arrow_schema;
use super::shapes::{CHUNK, ELEMENT, FOOTER, GROUP, KEY_VALUE};
use super::thrift::{Fields, Kind, Thrift};

/// The longest footer in bytes: enough for millions of column chunks.
const MAX_LENGTH: u32 = 32 << 20;
/// The deepest nesting of columns in groups.
const MAX_DEPTH: usize = 64;
/// The longest name of a column or group in bytes.
const MAX_NAME: usize = 1 << 10;
/// Maximum number of columns and groups.
const MAX_ELEMENTS: usize = 100_000;
/// Maximum memory of the paths of all columns, in bytes. A path has the names of all
/// groups that the column is in.
const MAX_PATHS: usize = 64 << 20;
/// The memory of a name in a path, in addition to its bytes.
const NAME: usize = 40;
/// Maximum number of column chunks: each row group has one of each column.
const MAX_CHUNKS: usize = 250_000;
/// Maximum number of row groups. A file may have no columns, so chunks do not bound them.
const MAX_GROUPS: usize = 100_000;
/// Maximum rows of a row group. A few bytes can stand for any number of nulls, and
/// reading them takes time.
const MAX_ROWS: i64 = i32::MAX as i64;
/// Maximum number of key-value pairs.
const MAX_PAIRS: usize = 10_000;
/// Characters of a name in an error.
const SHOWN: usize = 100;

/// The numbers in a footer that decide how much memory it takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Footer {
    columns: usize,
    groups: usize,
    chunks: usize,
    pairs: usize,
}

/// The beginning of a name, for an error.
pub(super) fn shown(name: &[u8]) -> String {
    // Each character has at most four bytes.
    let name = String::from_utf8_lossy(&name[..name.len().min(4 * SHOWN + 4)]);
    excerpt(&name, SHOWN).into_owned()
}

/// The footer of a Parquet file, which is safe to be read by the crate parquet.
///
/// # Errors
/// The fault of the footer.
pub(super) fn read(file: &File) -> Result<Vec<u8>, String> {
    let read = |from: SeekFrom, length: u32| {
        let mut file = file;
        let mut bytes = vec![0; length as usize];
        file.seek(from)?;
        file.read_exact(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let Ok(end) = read(SeekFrom::End(-8), 8) else {
        return Err("it is too short".to_owned());
    };
    match &end[4..] {
        b"PAR1" => {}
        b"PARE" => return Err("its footer is encrypted, which is not supported".to_owned()),
        _ => return Err("its last four bytes are not `PAR1`".to_owned()),
    }
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
    if length > MAX_LENGTH {
        return Err(format!(
            "its footer has {length} bytes, over the limit of {MAX_LENGTH}"
        ));
    }
    let Ok(bytes) = read(SeekFrom::End(-8 - i64::from(length)), length) else {
        return Err(format!(
            "its footer claims {length} bytes, more than the file has"
        ));
    };
    Footer::of(&bytes)?;
    Ok(bytes)
}

fn broken() -> String {
    "its footer is malformed".to_owned()
}

/// Fails if there are more than `most`.
fn bound(what: &str, count: usize, most: usize) -> Result<(), String> {
    match count > most {
        true => Err(format!("it has {count} {what}, over the limit of {most}")),
        false => Ok(()),
    }
}

impl Footer {
    /// Checks a footer.
    fn of(bytes: &[u8]) -> Result<Self, String> {
        let mut thrift = Thrift::new(bytes);
        let (mut fields, mut footer) = (Fields::of(FOOTER), Self::default());
        while let Some((id, kind)) = thrift.field(&mut fields).ok_or_else(broken)? {
            match (id, kind) {
                (2, Kind::List(element)) => {
                    let count = thrift.list(*element).ok_or_else(broken)?;
                    footer.columns = check_elements(&mut thrift, count)?;
                }
                (4, Kind::List(group)) => {
                    footer.groups = thrift.list(*group).ok_or_else(broken)?;
                    footer.check_groups(&mut thrift)?;
                }
                (5, Kind::List(pair)) => {
                    footer.pairs = thrift.list(*pair).ok_or_else(broken)?;
                    check_pairs(&mut thrift, footer.pairs)?;
                }
                _ => thrift.check(kind).ok_or_else(broken)?,
            }
        }
        Ok(footer)
    }

    fn check_groups(&mut self, thrift: &mut Thrift<'_>) -> Result<(), String> {
        bound("row groups", self.groups, MAX_GROUPS)?;
        for at in 1..=self.groups {
            let (chunks, rows) = group(thrift)
                .ok_or_else(|| format!("row group {at} is malformed in its footer"))?;
            if !(0..=MAX_ROWS).contains(&rows) {
                return Err(format!(
                    "row group {at} claims {rows} rows, over the limit of {MAX_ROWS}"
                ));
            }
            self.chunks += chunks;
            bound("column chunks", self.chunks, MAX_CHUNKS)?;
        }
        Ok(())
    }
}

/// Checks the elements of the schema, which are stored in one list, each group
/// before its children. Returns the number of columns.
fn check_elements(thrift: &mut Thrift<'_>, count: usize) -> Result<usize, String> {
    bound("columns and groups of columns", count, MAX_ELEMENTS)?;
    let mut open = Open::default();
    let (mut columns, mut paths) = (0, 0_usize);
    for at in 0..count {
        let malformed = || format!("column {at} of its schema is malformed");
        let (name, children) = element(thrift).ok_or_else(malformed)?;
        if name.len() > MAX_NAME {
            let (shown, length) = (shown(name), name.len());
            return Err(format!(
                "the name of column `{shown}` has {length} bytes, over the limit of {MAX_NAME}"
            ));
        }
        if children > count - at - 1 {
            return Err(format!(
                "its group `{}` claims {children} columns, but the file has fewer in total",
                shown(name)
            ));
        }
        let path = open.add(name.len() + NAME, children);
        if children == 0 {
            columns += 1;
            paths = paths.saturating_add(path);
            if paths > MAX_PATHS {
                return Err(format!(
                    "the names of its columns take more than {MAX_PATHS} bytes"
                ));
            }
        }
        if open.groups.len() > MAX_DEPTH {
            return Err(format!("its columns are nested more than {MAX_DEPTH} deep"));
        }
    }
    Ok(columns)
}

/// The groups that the next element is in.
#[derive(Default)]
struct Open {
    /// Number of children that are still to come, and the memory of the path.
    groups: Vec<(usize, usize)>,
}

impl Open {
    /// Adds an element whose name takes `name` bytes. Returns the memory of its path.
    fn add(&mut self, name: usize, children: usize) -> usize {
        while self.groups.last().is_some_and(|(left, _)| *left == 0) {
            self.groups.pop();
        }
        let above = match self.groups.last_mut() {
            Some((left, path)) => {
                *left -= 1;
                *path
            }
            None => 0,
        };
        let path = above.saturating_add(name);
        if children > 0 {
            self.groups.push((children, path));
        }
        path
    }
}

/// The name of an element of the schema, and its number of children.
fn element<'a>(thrift: &mut Thrift<'a>) -> Option<(&'a [u8], usize)> {
    let mut fields = Fields::of(ELEMENT);
    let (mut name, mut children) = (None, 0);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            4 => name = Some(thrift.binary()?),
            5 => children = usize::try_from(thrift.i32()?).ok()?,
            _ => thrift.check(kind)?,
        }
    }
    Some((name?, children))
}

/// The number of column chunks of a row group, and its number of rows.
fn group(thrift: &mut Thrift<'_>) -> Option<(usize, i64)> {
    let (mut fields, mut chunks, mut rows) = (Fields::of(GROUP), 0, 0);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            1 => {
                chunks = thrift.list(CHUNK)?;
                (0..chunks).try_for_each(|_| thrift.check(CHUNK))?;
            }
            3 => rows = thrift.i64()?,
            _ => thrift.check(kind)?,
        }
    }
    Some((chunks, rows))
}

fn check_pairs(thrift: &mut Thrift<'_>, count: usize) -> Result<(), String> {
    bound("pairs of keys and values", count, MAX_PAIRS)?;
    for _ in 0..count {
        let (key, value) = pair(thrift).ok_or_else(broken)?;
        if key == arrow_schema::KEY {
            arrow_schema::check(value)?;
        }
    }
    Ok(())
}

/// A key and its value.
fn pair<'a>(thrift: &mut Thrift<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut fields = Fields::of(KEY_VALUE);
    let (mut key, mut value) = (None, None);
    while let Some((id, _)) = thrift.field(&mut fields)? {
        match id {
            1 => key = Some(thrift.binary()?),
            _ => value = Some(thrift.binary()?),
        }
    }
    Some((key?, value.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use parquet::file::metadata::ParquetMetaDataReader;
    use proptest::prelude::*;

    use super::super::guard::guarded;
    use super::super::samples;
    use super::*;

    /// A footer whose elements have this name and these numbers of children.
    fn schema(name: &[u8], children: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xfc];
        varint(&mut bytes, children.len() as u64);
        for children in children {
            bytes.push(0x48);
            varint(&mut bytes, name.len() as u64);
            bytes.extend_from_slice(name);
            bytes.push(0x15);
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
    fn groups_and_names_are_bounded() {
        let nested = [vec![1; 60], vec![0]].concat();
        let forty = [vec![1; 40], vec![50_000], vec![0; 50_000]].concat();
        for (name, children, says) in [
            (1, vec![2, 0, 0], None),
            (1, vec![2, 1, 0, 1, 0], None),
            (1, nested, None),
            (MAX_NAME, vec![1, 0], None),
            (1, vec![1_000_000_000, 0], Some("has fewer in total")),
            (1, vec![2, 0], Some("has fewer in total")),
            (1, [vec![1; 1_000], vec![0]].concat(), Some("64 deep")),
            (
                1,
                vec![0; MAX_ELEMENTS + 1],
                Some("over the limit of 100000"),
            ),
            (MAX_NAME + 1, vec![1, 0], Some("has 1025 bytes")),
            (1, forty, Some("the names of its columns take more than")),
        ] {
            let found = Footer::of(&schema(&vec![b'a'; name], &children)).err();
            match says {
                None => assert_eq!(found, None),
                Some(says) => assert!(found.as_ref().unwrap().contains(says), "{found:?}"),
            }
        }
    }

    #[test]
    fn names_in_errors_are_short_and_visible() {
        let name = [&b"\x1b[31m\xff"[..], &[b'a'; 2_000]].concat();
        let error = Footer::of(&schema(&name, &[0])).unwrap_err();
        assert!(error.len() < 300, "{error}");
        assert!(error.contains("`\\u{1b}[31m\u{fffd}aaa"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// What passes the check is read by the crate parquet in the same way, or is
        /// refused by it.
        #[test]
        fn counts_match_the_parquet_crate(
            sample in 0..samples::FOOTERS,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            removed in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = samples::footer(sample);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(at) = removed {
                bytes.remove(at.index(bytes.len()));
            }
            if let Ok(footer) = Footer::of(&bytes) {
                let read = guarded(|| ParquetMetaDataReader::decode_metadata(&bytes));
                if let Ok(read) = read {
                    let file = read.file_metadata();
                    let chunks = read.row_groups().iter().map(|group| group.columns().len());
                    let pairs = file.key_value_metadata().map_or(0, Vec::len);
                    prop_assert!(footer.columns >= file.schema_descr().num_columns());
                    prop_assert_eq!(footer.groups, read.num_row_groups());
                    prop_assert_eq!(footer.chunks, chunks.sum::<usize>());
                    prop_assert_eq!(footer.pairs, pairs);
                }
            }
        }
    }
}

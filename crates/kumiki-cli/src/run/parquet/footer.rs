//! Whether a file may be asked what it says of itself.
//!
//! The crate parquet reserves as many children of a group as a file claims, follows
//! groups as deep as they lie, copies the path of each column, and reads fields
//! without a look at their types: so all of it is looked at before, and what is not
//! as the format says is refused.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use arrow_ipc::root_as_message_with_opts;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kumiki::excerpt;

use super::thrift::{Fields, Kind, Shape, Thrift};

/// The longest description of a file, in bytes: that of millions of columns' parts.
const LONGEST: u32 = 32 << 20;
/// How deep columns may lie in groups.
const DEPTH: usize = 64;
/// The longest name of a column or group, in bytes.
const NAME: usize = 1 << 10;
/// The most columns and groups.
const COLUMNS: usize = 100_000;
/// The most bytes of the names of all columns, each with those of its groups.
const PATHS: usize = 16 << 20;
/// The most parts of columns: each row group has one of each column.
const PARTS: usize = 250_000;
/// The most row groups, for a file may have no columns.
const GROUPS: usize = 100_000;
/// The most notes.
const NOTES: usize = 10_000;
/// Characters of a name in an error.
const SHOWN: usize = 200;

/// The note with the types of the columns in Arrow.
const ARROW_SCHEMA: &[u8] = b"ARROW:schema";
/// The most tables in it, and the most bytes of all of them: one may stand in many
/// places, and is copied for each.
const ARROW_TABLES: usize = 600_000;
const ARROW_BYTES: usize = 64 << 20;

const EMPTY: Kind = Kind::Struct(&[]);
const UNIT: Kind = Kind::Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]);
const TIME: Kind = Kind::Struct(&[(1, Kind::Bool), (2, UNIT)]);
const LOGICAL_TYPE: Shape = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Kind::Struct(&[(1, Kind::I32), (2, Kind::I32)])),
    (6, EMPTY),
    (7, TIME),
    (8, TIME),
    (10, Kind::Struct(&[(1, Kind::I8), (2, Kind::Bool)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Kind::Struct(&[(1, Kind::I8)])),
    (17, Kind::Struct(&[(1, Kind::Binary)])),
    (18, Kind::Struct(&[(1, Kind::Binary), (2, Kind::I32)])),
    (19, EMPTY),
];
const ELEMENT: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::Binary),
    (5, Kind::I32),
    (6, Kind::I32),
    (7, Kind::I32),
    (8, Kind::I32),
    (9, Kind::I32),
    (10, Kind::Struct(LOGICAL_TYPE)),
];
pub(super) const STATISTICS: Shape = &[
    (1, Kind::Binary),
    (2, Kind::Binary),
    (3, Kind::I64),
    (4, Kind::I64),
    (5, Kind::Binary),
    (6, Kind::Binary),
    (7, Kind::Bool),
    (8, Kind::Bool),
    (9, Kind::I64),
];
const NOTE: Shape = &[(1, Kind::Binary), (2, Kind::Binary)];
const BOX: Shape = &[
    (1, Kind::Double),
    (2, Kind::Double),
    (3, Kind::Double),
    (4, Kind::Double),
    (5, Kind::Double),
    (6, Kind::Double),
    (7, Kind::Double),
    (8, Kind::Double),
];
const COLUMN: Shape = &[
    (1, Kind::I32),
    (2, Kind::List(&Kind::I32)),
    (3, Kind::List(&Kind::Binary)),
    (4, Kind::I32),
    (5, Kind::I64),
    (6, Kind::I64),
    (7, Kind::I64),
    (8, Kind::List(&Kind::Struct(NOTE))),
    (9, Kind::I64),
    (10, Kind::I64),
    (11, Kind::I64),
    (12, Kind::Struct(STATISTICS)),
    (
        13,
        Kind::List(&Kind::Struct(&[
            (1, Kind::I32),
            (2, Kind::I32),
            (3, Kind::I32),
        ])),
    ),
    (14, Kind::I64),
    (15, Kind::I32),
    (
        16,
        Kind::Struct(&[
            (1, Kind::I64),
            (2, Kind::List(&Kind::I64)),
            (3, Kind::List(&Kind::I64)),
        ]),
    ),
    (
        17,
        Kind::Struct(&[(1, Kind::Struct(BOX)), (2, Kind::List(&Kind::I32))]),
    ),
];
const PART: Kind = Kind::Struct(&[
    (1, Kind::Binary),
    (2, Kind::I64),
    (3, Kind::Struct(COLUMN)),
    (4, Kind::I64),
    (5, Kind::I32),
    (6, Kind::I64),
    (7, Kind::I32),
]);
const SORTING: Shape = &[(1, Kind::I32), (2, Kind::Bool), (3, Kind::Bool)];
const GROUP: Shape = &[
    (1, Kind::List(&PART)),
    (2, Kind::I64),
    (3, Kind::I64),
    (4, Kind::List(&Kind::Struct(SORTING))),
    (5, Kind::I64),
    (6, Kind::I64),
    (7, Kind::I16),
];
const FILE: Shape = &[
    (1, Kind::I32),
    (2, Kind::List(&Kind::Struct(ELEMENT))),
    (3, Kind::I64),
    (4, Kind::List(&Kind::Struct(GROUP))),
    (5, Kind::List(&Kind::Struct(NOTE))),
    (6, Kind::Binary),
    (
        7,
        Kind::List(&Kind::Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)])),
    ),
];

/// What a file says of itself, as far as it is looked at.
#[derive(Debug, Default, PartialEq, Eq)]
struct Footer {
    columns: usize,
    groups: usize,
    parts: usize,
    notes: usize,
    elements: Vec<Element>,
}

/// A column or a group of columns.
#[derive(Debug, Default, PartialEq, Eq)]
struct Element {
    children: usize,
    /// Bytes of its name.
    name: usize,
}

/// Reads what a file says of itself, if it is safe to be read by the crate parquet.
///
/// # Errors
/// What is wrong with it.
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
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]);
    match &end[4..] {
        b"PAR1" => {}
        b"PARE" => return Err("what it says of itself is encrypted".to_owned()),
        _ => return Err("it does not end as such files do".to_owned()),
    }
    if length > LONGEST {
        return Err(format!(
            "it says {length} bytes of itself, over {LONGEST}, which are not read"
        ));
    }
    let Ok(bytes) = read(SeekFrom::End(-8 - i64::from(length)), length) else {
        return Err(format!(
            "it says {length} bytes of itself, and has fewer in all"
        ));
    };
    measure(&bytes)?;
    Ok(bytes)
}

fn measure(bytes: &[u8]) -> Result<Footer, String> {
    let broken = || "what it says of itself is broken".to_owned();
    let mut thrift = Thrift::new(bytes);
    let (mut fields, mut footer) = (Fields::of(FILE), Footer::default());
    while let Some((id, kind)) = thrift.field(&mut fields).ok_or_else(broken)? {
        match (id, kind) {
            (2, Kind::List(element)) => {
                let count = thrift.list(*element).ok_or_else(broken)?;
                measure_elements(&mut thrift, count, &mut footer)?;
            }
            (4, Kind::List(group)) => {
                footer.groups = thrift.list(*group).ok_or_else(broken)?;
                bounded("row groups", footer.groups, GROUPS)?;
                for at in 0..footer.groups {
                    let parts = measure_group(&mut thrift)
                        .ok_or_else(|| format!("what it says of row group {at} is broken"))?;
                    footer.parts += parts;
                    bounded("parts of columns", footer.parts, PARTS)?;
                }
            }
            (5, Kind::List(note)) => {
                footer.notes = thrift.list(*note).ok_or_else(broken)?;
                bounded("notes", footer.notes, NOTES)?;
                for _ in 0..footer.notes {
                    let (key, value) = note_of(&mut thrift).ok_or_else(broken)?;
                    if key == ARROW_SCHEMA {
                        check_arrow(value)?;
                    }
                }
            }
            _ => thrift.pass(kind).ok_or_else(broken)?,
        }
    }
    Ok(footer)
}

fn bounded(what: &str, count: usize, most: usize) -> Result<(), String> {
    match count > most {
        true => Err(format!("it has {count} {what}, over {most}")),
        false => Ok(()),
    }
}

/// The elements of the schema stand behind one another, each group before its
/// children.
fn measure_elements(
    thrift: &mut Thrift<'_>,
    count: usize,
    footer: &mut Footer,
) -> Result<(), String> {
    bounded("columns and groups of them", count, COLUMNS)?;
    // How many children of each open group are still to come, and the bytes of the
    // names up to it.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut paths = 0_usize;
    for at in 0..count {
        let broken = || format!("what it says of its column {at} is broken");
        let (name, children) = element(thrift).ok_or_else(broken)?;
        if name.len() > NAME {
            let (shown, length) = (shown(name), name.len());
            return Err(format!(
                "the name of column `{shown}` has {length} bytes, over {NAME}"
            ));
        }
        if children > count - at - 1 {
            return Err(format!(
                "it says that one of its groups, `{}`, has {children} columns, and it has fewer in all",
                shown(name)
            ));
        }
        while open.last().is_some_and(|(left, _)| *left == 0) {
            open.pop();
        }
        let mut path = 0;
        if let Some((left, above)) = open.last_mut() {
            *left -= 1;
            path = *above + name.len();
        }
        footer.elements.push(Element {
            children,
            name: name.len(),
        });
        if children > 0 {
            open.push((children, path));
        } else {
            footer.columns += 1;
            paths += path;
            if paths > PATHS {
                return Err(format!(
                    "the names of its columns have more than {PATHS} bytes, up to `{}`",
                    shown(name)
                ));
            }
        }
        if open.len() > DEPTH {
            return Err(format!(
                "its columns lie in each other more than {DEPTH} deep"
            ));
        }
    }
    Ok(())
}

/// A name in an error.
pub(super) fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(&name[..name.len().min(4 * SHOWN)]);
    excerpt(&name, SHOWN).into_owned()
}

/// The name of an element, and how many children it has.
fn element<'a>(thrift: &mut Thrift<'a>) -> Option<(&'a [u8], usize)> {
    let mut fields = Fields::of(ELEMENT);
    let (mut name, mut children) = (None, 0);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            4 => name = Some(thrift.binary()?),
            5 => children = usize::try_from(thrift.i32()?).ok()?,
            _ => thrift.pass(kind)?,
        }
    }
    Some((name?, children))
}

/// How many parts of columns a row group has.
fn measure_group(thrift: &mut Thrift<'_>) -> Option<usize> {
    let (mut fields, mut parts) = (Fields::of(GROUP), 0);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            1 => {
                parts = thrift.list(PART)?;
                (0..parts).try_for_each(|_| thrift.pass(PART))?;
            }
            _ => thrift.pass(kind)?,
        }
    }
    Some(parts)
}

fn note_of<'a>(thrift: &mut Thrift<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut fields = Fields::of(NOTE);
    let (mut key, mut value) = (None, None);
    while let Some((id, _)) = thrift.field(&mut fields)? {
        match id {
            1 => key = Some(thrift.binary()?),
            _ => value = Some(thrift.binary()?),
        }
    }
    Some((key?, value.unwrap_or_default()))
}

/// Looks at the types of columns in Arrow. A part of them may stand in many places,
/// and the crate parquet makes as many of it.
fn check_arrow(note: &[u8]) -> Result<(), String> {
    let Ok(bytes) = BASE64_STANDARD.decode(note) else {
        return Err("its types in Arrow are broken".to_owned());
    };
    let bytes = match bytes.get(..4) {
        Some([0xff, 0xff, 0xff, 0xff]) if bytes.len() > 8 => &bytes[8..],
        _ => &bytes[..],
    };
    let options = flatbuffers::VerifierOptions {
        max_tables: ARROW_TABLES,
        max_apparent_size: ARROW_BYTES,
        ..Default::default()
    };
    match root_as_message_with_opts(&options, bytes) {
        Ok(_) => Ok(()),
        Err(_) => Err("its types in Arrow are broken or too large".to_owned()),
    }
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
            ([vec![1; 1_000], vec![0]].concat(), Some("64 deep")),
        ] {
            let found = measure(&schema(&children)).err();
            match says {
                None => assert_eq!(found, None),
                Some(says) => assert!(found.unwrap().contains(says)),
            }
        }
    }
}

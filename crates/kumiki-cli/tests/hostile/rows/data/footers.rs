//! Rows: Parquet footers that are malformed or need much memory.

use arrow_ipc::{
    Field, FieldArgs, Int, IntArgs, Message, MessageArgs, MessageHeader, MetadataVersion, Schema,
    SchemaArgs, Type,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flatbuffers::FlatBufferBuilder;

use super::inputs::row;
use crate::guests::binary::leb128;
use crate::suite::{Case, to_text};

/// The types of fields in Thrift's compact protocol.
const I32: u8 = 5;
const I64: u8 = 6;

pub(crate) fn cases() -> Vec<Case> {
    let rows = [groups(), names(), keys()];
    rows.into_iter().flatten().collect()
}

fn groups() -> Vec<Case> {
    let nested = |count, children, kind| {
        let elements = vec![(&b"a"[..], children); count];
        file(&elements, kind, &[])
    };
    vec![
        footer("100,000 nested groups in Parquet", "64 deep", move || {
            nested(100_000, 1, I32)
        }),
        footer(
            "two billion columns in 100 bytes of Parquet",
            "fewer in total",
            move || nested(8, i32::MAX as u32, I32),
        ),
        footer(
            "100,000 nested groups in Parquet, with 64-bit numbers",
            "is malformed",
            move || nested(100_000, 1, I64),
        ),
        footer(
            "two billion columns of Parquet, with 64-bit numbers",
            "is malformed",
            move || nested(8, i32::MAX as u32, I64),
        ),
        footer("three million columns in Parquet", "over the limit", || {
            let elements = [
                vec![(&b"m"[..], 3_000_000)],
                vec![(&b"a"[..], 0); 3_000_000],
            ];
            file(&elements.concat(), I32, &[])
        }),
    ]
}

fn names() -> Vec<Case> {
    /// 60 nested groups, the innermost with columns, all with names of this length.
    fn nested(name: usize, columns: u32) -> Result<Vec<u8>, String> {
        let name = vec![0x1b; name];
        let mut elements = vec![(&name[..], 1); 60];
        elements.push((&name, columns));
        elements.extend(vec![(&b"a"[..], 0); columns as usize]);
        file(&elements, I32, &[])
    }
    vec![
        footer(
            "paths of 15 MB for 300 columns of Parquet",
            "has 262144 bytes",
            || nested(1 << 18, 300),
        ),
        footer(
            "paths of 60 KB for 50,000 columns of Parquet",
            "the names of its columns take more",
            || nested(1000, 50_000),
        ),
    ]
}

fn keys() -> Vec<Case> {
    vec![
        footer("ten million keys in Parquet", "is malformed", || {
            let none = [0x18, 0, 0].repeat(10_000_000);
            file(&[(b"m", 1), (b"a", 0)], I32, &[(10_000_000, none)])
        }),
        footer(
            "2,000 Arrow types in Parquet with a name of 500 KB",
            "Arrow types",
            || {
                let value = arrow_types(2_000, 500_000);
                let key = b"ARROW:schema";
                let mut pair = [&[0x18, key.len() as u8][..], key, &[0x18]].concat();
                pair.extend(leb128(value.len()));
                pair.extend(value.as_bytes());
                pair.push(0);
                file(&[(b"m", 1), (b"a", 0)], I32, &[(1, pair)])
            },
        ),
    ]
}

/// A row whose file must be refused with this message.
fn footer(
    name: &'static str,
    message: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    row(name, "in.parquet", 2, message, make)
}

/// A file with only a footer and no row groups. Its schema has elements with these
/// names and numbers of children, which are written as integers of the type `kind`.
/// Lists of key-value pairs follow, each with its number of pairs.
fn file(
    elements: &[(&[u8], u32)],
    kind: u8,
    pairs: &[(usize, Vec<u8>)],
) -> Result<Vec<u8>, String> {
    let mut footer = vec![0x15, 2, 0x19, 0xfc];
    footer.extend(leb128(elements.len()));
    for (name, children) in elements {
        if *children == 0 {
            // A column has a type instead of children.
            footer.extend([0x15, 2, 0x25, 0]);
        } else {
            footer.extend([0x35, 0]);
        }
        footer.push(0x18);
        footer.extend(leb128(name.len()));
        footer.extend(*name);
        if *children > 0 {
            footer.push(0x10 | kind);
            footer.extend(leb128((*children as usize) << 1));
        }
        footer.push(0);
    }
    footer.extend([0x16, 0, 0x19, 0x0c]);
    for (count, pairs) in pairs {
        footer.extend([0x19, 0xfc]);
        footer.extend(leb128(*count));
        footer.extend(pairs);
    }
    footer.push(0);
    let length = u32::try_from(footer.len()).map_err(to_text)?;
    Ok([b"PAR1", &footer[..], &length.to_le_bytes(), b"PAR1"].concat())
}

/// An Arrow schema with many fields that share one name.
fn arrow_types(count: usize, name: usize) -> String {
    let mut builder = FlatBufferBuilder::new();
    let name = builder.create_string(&"a".repeat(name));
    let kind = Int::create(
        &mut builder,
        &IntArgs {
            bitWidth: 32,
            is_signed: true,
        },
    );
    let field = Field::create(
        &mut builder,
        &FieldArgs {
            name: Some(name),
            type_type: Type::Int,
            type_: Some(kind.as_union_value()),
            ..FieldArgs::default()
        },
    );
    let fields = builder.create_vector(&vec![field; count]);
    let schema = Schema::create(
        &mut builder,
        &SchemaArgs {
            fields: Some(fields),
            ..SchemaArgs::default()
        },
    );
    let message = Message::create(
        &mut builder,
        &MessageArgs {
            version: MetadataVersion::V5,
            header_type: MessageHeader::Schema,
            header: Some(schema.as_union_value()),
            ..MessageArgs::default()
        },
    );
    builder.finish(message, None);
    BASE64_STANDARD.encode(builder.finished_data())
}

//! The structures of Parquet's metadata: the fields that have a meaning, with their
//! types.

use super::thrift::{Kind, Shape};

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

/// A column or a group of columns.
pub(super) const ELEMENT: Shape = &[
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

const STATISTICS: Shape = &[
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

/// A key and its value.
pub(super) const KEY_VALUE: Shape = &[(1, Kind::Binary), (2, Kind::Binary)];

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
const ENCODING_STATISTICS: Shape = &[(1, Kind::I32), (2, Kind::I32), (3, Kind::I32)];
const SIZE_STATISTICS: Shape = &[
    (1, Kind::I64),
    (2, Kind::List(&Kind::I64)),
    (3, Kind::List(&Kind::I64)),
];
const COLUMN: Shape = &[
    (1, Kind::I32),
    (2, Kind::List(&Kind::I32)),
    (3, Kind::List(&Kind::Binary)),
    (4, Kind::I32),
    (5, Kind::I64),
    (6, Kind::I64),
    (7, Kind::I64),
    (8, Kind::List(&Kind::Struct(KEY_VALUE))),
    (9, Kind::I64),
    (10, Kind::I64),
    (11, Kind::I64),
    (12, Kind::Struct(STATISTICS)),
    (13, Kind::List(&Kind::Struct(ENCODING_STATISTICS))),
    (14, Kind::I64),
    (15, Kind::I32),
    (16, Kind::Struct(SIZE_STATISTICS)),
    (
        17,
        Kind::Struct(&[(1, Kind::Struct(BOX)), (2, Kind::List(&Kind::I32))]),
    ),
];

/// A column of one row group.
pub(super) const CHUNK: Kind = Kind::Struct(&[
    (1, Kind::Binary),
    (2, Kind::I64),
    (3, Kind::Struct(COLUMN)),
    (4, Kind::I64),
    (5, Kind::I32),
    (6, Kind::I64),
    (7, Kind::I32),
]);

const SORTING: Shape = &[(1, Kind::I32), (2, Kind::Bool), (3, Kind::Bool)];

/// A row group.
pub(super) const GROUP: Shape = &[
    (1, Kind::List(&CHUNK)),
    (2, Kind::I64),
    (3, Kind::I64),
    (4, Kind::List(&Kind::Struct(SORTING))),
    (5, Kind::I64),
    (6, Kind::I64),
    (7, Kind::I16),
];

/// The footer.
pub(super) const FOOTER: Shape = &[
    (1, Kind::I32),
    (2, Kind::List(&Kind::Struct(ELEMENT))),
    (3, Kind::I64),
    (4, Kind::List(&Kind::Struct(GROUP))),
    (5, Kind::List(&Kind::Struct(KEY_VALUE))),
    (6, Kind::Binary),
    (
        7,
        Kind::List(&Kind::Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)])),
    ),
];

/// The header of a page of data, version 1.
pub(super) const DATA: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::Struct(STATISTICS)),
];

/// The header of a dictionary.
pub(super) const DICTIONARY: Shape = &[(1, Kind::I32), (2, Kind::I32), (3, Kind::Bool)];

/// The header of a page of data, version 2.
pub(super) const DATA_V2: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::I32),
    (6, Kind::I32),
    (7, Kind::Bool),
    (8, Kind::Struct(STATISTICS)),
];

/// The header of any page.
pub(super) const PAGE: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::Struct(DATA)),
    (6, EMPTY),
    (7, Kind::Struct(DICTIONARY)),
    (8, Kind::Struct(DATA_V2)),
];

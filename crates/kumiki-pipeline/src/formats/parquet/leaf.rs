//! Computes the memory of a value from its Arrow type.

use arrow_schema::{DataType, Fields};

/// The memory of the values of a column without parts: of a leaf of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Bytes of each value, null or not, if they are more than those of a number.
    pub(super) width: usize,
    /// For each list of a fixed length around it: the repetition level of the list's
    /// values, and the bytes of a null in its place. A null takes as much as a list.
    pub(super) lists: Vec<(u32, usize)>,
}

/// The bytes of a number.
const NUMBER: usize = 16;

impl Leaf {
    /// The leaves of these columns, in the order of the columns of Parquet.
    pub(super) fn all(fields: &Fields) -> Vec<Self> {
        let mut found = Vec::new();
        for field in fields {
            add(field.data_type(), 1, &mut found);
        }
        found.into_iter().map(|(leaf, _)| leaf).collect()
    }

    /// The bytes that a value takes in addition to its own bytes, by its repetition level.
    /// A value below the level of a list may be a null in its place.
    pub(super) fn bytes(&self, level: u32) -> usize {
        let lists = self.lists.iter().filter(|(inner, _)| level < *inner);
        let lists = lists.map(|(_, bytes)| *bytes);
        lists.fold(self.width, usize::saturating_add)
    }
}

/// Adds the leaves of a type, and the bytes of an empty value of each. `level` is the
/// repetition level of the next list.
fn add(kind: &DataType, level: u32, found: &mut Vec<(Leaf, usize)>) {
    let from = found.len();
    match kind {
        DataType::FixedSizeBinary(length) => {
            let width = usize::try_from(*length).unwrap_or_default();
            let lists = Vec::new();
            found.push((Leaf { width, lists }, width));
        }
        DataType::FixedSizeList(field, length) => {
            add(field.data_type(), level + 1, found);
            let length = usize::try_from(*length).unwrap_or_default();
            for (leaf, empty) in &mut found[from..] {
                *empty = empty.saturating_mul(length);
                leaf.lists.push((level, *empty));
            }
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => {
            add(field.data_type(), level + 1, found);
            found[from..]
                .iter_mut()
                .for_each(|(_, empty)| *empty = NUMBER);
        }
        DataType::Struct(fields) => {
            for field in fields {
                add(field.data_type(), level, found);
            }
        }
        DataType::RunEndEncoded(_, values) => add(values.data_type(), level, found),
        _ => found.push((Leaf::default(), NUMBER)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::Field;

    use super::*;

    #[test]
    fn nulls_of_fixed_lists_take_their_length() {
        let field = |kind| Arc::new(Field::new("a", kind, true));
        let vector = DataType::FixedSizeList(field(DataType::Float32), 100);
        let pair = DataType::FixedSizeList(field(vector.clone()), 2);
        let list = DataType::List(field(vector.clone()));
        let group = DataType::Struct(vec![field(DataType::Utf8), field(list)].into());
        let wide = DataType::FixedSizeBinary(500);
        let leaf = |width, lists: &[(u32, usize)]| Leaf {
            width,
            lists: lists.to_vec(),
        };
        let fields: Fields = [DataType::Int8, vector, pair, group, wide]
            .map(field)
            .to_vec()
            .into();
        let leaves = Leaf::all(&fields);
        assert_eq!(
            leaves,
            [
                leaf(0, &[]),
                leaf(0, &[(1, 1600)]),
                leaf(0, &[(2, 1600), (1, 3200)]),
                leaf(0, &[]),
                leaf(0, &[(2, 1600)]),
                leaf(500, &[]),
            ]
        );
        assert_eq!(leaves[2].bytes(0), 4800);
        assert_eq!(leaves[2].bytes(1), 1600);
        assert_eq!(leaves[2].bytes(2), 0);
        assert_eq!(leaves[5].bytes(0), 500);
    }
}

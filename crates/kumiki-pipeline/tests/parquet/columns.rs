//! Rows of many types, from a seed.

use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, FixedSizeListBuilder, Float32Builder, Int32Builder, ListBuilder,
    MapBuilder, StringBuilder, StructBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, StringViewArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Fields};

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    /// A number below `most`.
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % most
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A text: often one of a few, rarely a long one.
    fn text(&mut self) -> Option<String> {
        match self.below(100) {
            0..10 => None,
            10..15 => Some(String::new()),
            15 => Some("long ".repeat(self.below(400))),
            16..60 => Some(format!("a common text, {}", self.below(20))),
            _ => Some(format!("wörd {}", self.below(1 << 20))),
        }
    }

    /// A length of a list: rarely a long one.
    fn length(&mut self) -> usize {
        match self.one_in(50) {
            true => self.below(300),
            false => self.below(5),
        }
    }
}

pub(crate) fn rows(count: usize, seed: u64) -> RecordBatch {
    let dice = &mut Dice(seed);
    let texts: Vec<_> = (0..count).map(|_| dice.text()).collect();
    let all = || texts.iter().map(Option::as_deref);
    let number = |dice: &mut Dice| (!dice.one_in(4)).then(|| dice.below(1 << 20) as i64);
    let numbers: Vec<_> = (0..count).map(|_| number(dice)).collect();
    let floats = numbers
        .iter()
        .map(|number| number.map(|number| number as f64 / 7.0));
    let all_texts = texts.iter().map(|text| text.as_deref().unwrap_or("none"));
    let columns: [(&str, ArrayRef); 15] = [
        ("text", Arc::new(StringArray::from_iter(all()))),
        (
            "required",
            Arc::new(StringArray::from_iter_values(all_texts)),
        ),
        ("large", Arc::new(LargeStringArray::from_iter(all()))),
        ("view", Arc::new(StringViewArray::from_iter(all()))),
        (
            "shared",
            Arc::new(DictionaryArray::<Int32Type>::from_iter(all())),
        ),
        ("number", Arc::new(Int64Array::from(numbers.clone()))),
        ("float", Arc::new(Float64Array::from_iter(floats))),
        (
            "flag",
            Arc::new(BooleanArray::from_iter(
                numbers
                    .iter()
                    .map(|number| number.map(|number| number % 3 > 0)),
            )),
        ),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from(numbers).with_timezone("UTC")),
        ),
        ("fixed", fixed(count, dice)),
        ("numbers", numbers_of(count, dice)),
        ("texts", texts_of(count, dice)),
        ("groups", groups(count, dice)),
        ("vector", vectors(count, dice)),
        ("map", maps(count, dice)),
    ];
    let columns = columns.map(|(name, column)| (name, column, name != "required"));
    RecordBatch::try_from_iter_with_nullable(columns).expect("it fits")
}

/// Rows with a short list each, but one in the middle with `length` numbers.
pub(crate) fn skewed(count: usize, length: usize) -> RecordBatch {
    let mut lists = ListBuilder::new(Int32Builder::new());
    for row in 0..count {
        let length = if row == count / 2 { length } else { row % 4 };
        lists.append_value((0..length).map(|at| Some(at as i32)));
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|_| "text")));
    RecordBatch::try_from_iter([("text", texts), ("list", lists)]).expect("it fits")
}

fn fixed(count: usize, dice: &mut Dice) -> ArrayRef {
    let mut fixed = FixedSizeBinaryBuilder::with_capacity(count, 5);
    for _ in 0..count {
        match dice.one_in(5) {
            true => fixed.append_null(),
            false => fixed
                .append_value(
                    (dice.0 as u32)
                        .to_le_bytes()
                        .iter()
                        .chain(&[7])
                        .copied()
                        .collect::<Vec<_>>(),
                )
                .expect("it fits"),
        }
    }
    Arc::new(fixed.finish())
}

fn numbers_of(count: usize, dice: &mut Dice) -> ArrayRef {
    let mut lists = ListBuilder::new(Int32Builder::new());
    for _ in 0..count {
        for _ in 0..dice.length() {
            let number = (!dice.one_in(6)).then(|| dice.below(50) as i32);
            lists.values().append_option(number);
        }
        lists.append(!dice.one_in(10));
    }
    Arc::new(lists.finish())
}

/// Lists of lists of texts.
fn texts_of(count: usize, dice: &mut Dice) -> ArrayRef {
    let mut lists = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    for _ in 0..count {
        for _ in 0..dice.below(4) {
            for _ in 0..dice.below(4) {
                lists.values().values().append_option(dice.text());
            }
            lists.values().append(!dice.one_in(8));
        }
        lists.append(!dice.one_in(10));
    }
    Arc::new(lists.finish())
}

/// Lists of groups, which have a text and a list of numbers.
fn groups(count: usize, dice: &mut Dice) -> ArrayRef {
    let item = Arc::new(Field::new_list_field(DataType::Int32, true));
    let fields: Fields = vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("sizes", DataType::List(item), true),
    ]
    .into();
    let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for _ in 0..count {
        for _ in 0..dice.below(4) {
            let group = lists.values();
            let name = group.field_builder::<StringBuilder>(0).expect("it fits");
            name.append_option(dice.text());
            let sizes =
                group.field_builder::<ListBuilder<Box<dyn arrow_array::builder::ArrayBuilder>>>(1);
            let sizes = sizes.expect("it fits");
            for _ in 0..dice.below(3) {
                let numbers = sizes.values().as_any_mut().downcast_mut::<Int32Builder>();
                numbers.expect("it fits").append_value(dice.below(9) as i32);
            }
            sizes.append(!dice.one_in(5));
            group.append(!dice.one_in(7));
        }
        lists.append(!dice.one_in(10));
    }
    Arc::new(lists.finish())
}

/// Lists of a fixed length.
fn vectors(count: usize, dice: &mut Dice) -> ArrayRef {
    let mut vectors = FixedSizeListBuilder::new(Float32Builder::new(), 6);
    for _ in 0..count {
        for _ in 0..6 {
            vectors.values().append_value(dice.below(100) as f32);
        }
        vectors.append(!dice.one_in(9));
    }
    Arc::new(vectors.finish())
}

fn maps(count: usize, dice: &mut Dice) -> ArrayRef {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for _ in 0..count {
        for at in 0..dice.below(4) {
            maps.keys().append_value(format!("key {at}"));
            maps.values()
                .append_option((!dice.one_in(3)).then(|| dice.below(99) as i32));
        }
        maps.append(!dice.one_in(10)).expect("it fits");
    }
    Arc::new(maps.finish())
}

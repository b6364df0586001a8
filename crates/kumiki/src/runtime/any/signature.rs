//! The types of functions and values in WIT. WAVE's own text has no streams, futures and
//! handles.

use std::fmt;

use wasmtime::component::types::{Case, ComponentFunc, Field, Type};

/// A function's type in WIT.
pub(super) struct Signature<'a>(pub(super) &'a ComponentFunc);

impl fmt::Display for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.async_() {
            "async func("
        } else {
            "func("
        })?;
        for (at, (name, ty)) in self.0.params().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{name}: {}", ValueType(&ty))?;
        }
        f.write_str(")")?;
        self.0
            .results()
            .try_for_each(|ty| write!(f, " -> {}", ValueType(&ty)))
    }
}

/// A value's type in WIT.
struct ValueType<'a>(&'a Type);

impl fmt::Display for ValueType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Type::Bool => f.write_str("bool"),
            Type::S8 => f.write_str("s8"),
            Type::U8 => f.write_str("u8"),
            Type::S16 => f.write_str("s16"),
            Type::U16 => f.write_str("u16"),
            Type::S32 => f.write_str("s32"),
            Type::U32 => f.write_str("u32"),
            Type::S64 => f.write_str("s64"),
            Type::U64 => f.write_str("u64"),
            Type::Float32 => f.write_str("f32"),
            Type::Float64 => f.write_str("f64"),
            Type::Char => f.write_str("char"),
            Type::String => f.write_str("string"),
            Type::ErrorContext => f.write_str("error-context"),
            // A component's type does not have the name of a resource.
            Type::Own(_) => f.write_str("own<resource>"),
            Type::Borrow(_) => f.write_str("borrow<resource>"),
            Type::List(list) => write!(f, "list<{}>", ValueType(&list.ty())),
            Type::FixedLengthList(list) => {
                write!(f, "list<{}, {}>", ValueType(&list.ty()), list.len())
            }
            Type::Map(map) => {
                let (key, value) = (map.key(), map.value());
                write!(f, "map<{}, {}>", ValueType(&key), ValueType(&value))
            }
            Type::Option(option) => write!(f, "option<{}>", ValueType(&option.ty())),
            Type::Result(result) => outcome(f, result.ok(), result.err()),
            Type::Future(future) => one(f, "future", future.ty()),
            Type::Stream(stream) => one(f, "stream", stream.ty()),
            Type::Tuple(tuple) => parts(f, ("tuple<", ">"), tuple.types(), |f, ty| {
                write!(f, "{}", ValueType(&ty))
            }),
            Type::Record(record) => parts(f, ("record { ", " }"), record.fields(), field),
            Type::Variant(variant) => parts(f, ("variant { ", " }"), variant.cases(), case),
            Type::Enum(ty) => parts(f, ("enum { ", " }"), ty.names(), |f, it| f.write_str(it)),
            Type::Flags(ty) => parts(f, ("flags { ", " }"), ty.names(), |f, it| f.write_str(it)),
        }
    }
}

fn field(f: &mut fmt::Formatter<'_>, field: Field<'_>) -> fmt::Result {
    write!(f, "{}: {}", field.name, ValueType(&field.ty))
}

fn case(f: &mut fmt::Formatter<'_>, case: Case<'_>) -> fmt::Result {
    f.write_str(case.name)?;
    match case.ty {
        Some(ty) => write!(f, "({})", ValueType(&ty)),
        None => Ok(()),
    }
}

fn one(f: &mut fmt::Formatter<'_>, name: &str, ty: Option<Type>) -> fmt::Result {
    match ty {
        Some(ty) => write!(f, "{name}<{}>", ValueType(&ty)),
        None => f.write_str(name),
    }
}

fn outcome(f: &mut fmt::Formatter<'_>, ok: Option<Type>, error: Option<Type>) -> fmt::Result {
    match (ok, error) {
        (None, None) => f.write_str("result"),
        (Some(ok), None) => write!(f, "result<{}>", ValueType(&ok)),
        (None, Some(error)) => write!(f, "result<_, {}>", ValueType(&error)),
        (Some(ok), Some(error)) => {
            write!(f, "result<{}, {}>", ValueType(&ok), ValueType(&error))
        }
    }
}

/// Writes parts between brackets, separated by commas.
fn parts<T>(
    f: &mut fmt::Formatter<'_>,
    (open, close): (&str, &str),
    parts: impl Iterator<Item = T>,
    part: impl Fn(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, it) in parts.enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        part(f, it)?;
    }
    f.write_str(close)
}

//! Values that are known only at run time: their types and their memory.

use wasmtime::component::Val;
use wasmtime::component::types::Type;

/// The memory of a set flag in bytes, without its name's own bytes: a `String` in a
/// vector that doubles its capacity, and a small block of the heap.
const FLAG: usize = 80;

/// Returns whether the values can be passed for parameters of these types. wasmtime
/// checks the same, but reports a mismatch like a failure of the guest.
pub(super) fn fit(values: &[Val], types: &[Type]) -> bool {
    values.len() == types.len() && values.iter().zip(types).all(|(value, ty)| fits(value, ty))
}

fn fits(value: &Val, ty: &Type) -> bool {
    match (value, ty) {
        (Val::Bool(_), Type::Bool)
        | (Val::S8(_), Type::S8)
        | (Val::U8(_), Type::U8)
        | (Val::S16(_), Type::S16)
        | (Val::U16(_), Type::U16)
        | (Val::S32(_), Type::S32)
        | (Val::U32(_), Type::U32)
        | (Val::S64(_), Type::S64)
        | (Val::U64(_), Type::U64)
        | (Val::Float32(_), Type::Float32)
        | (Val::Float64(_), Type::Float64)
        | (Val::Char(_), Type::Char)
        | (Val::String(_), Type::String)
        | (Val::Resource(_), Type::Own(_) | Type::Borrow(_)) => true,
        (Val::List(values), Type::List(list)) => {
            let ty = list.ty();
            values.iter().all(|value| fits(value, &ty))
        }
        (Val::FixedLengthList(values), Type::FixedLengthList(list)) => {
            let ty = list.ty();
            values.len() == list.len() as usize && values.iter().all(|value| fits(value, &ty))
        }
        (Val::Map(entries), Type::Map(map)) => {
            let (key, value) = (map.key(), map.value());
            entries
                .iter()
                .all(|(k, v)| fits(k, &key) && fits(v, &value))
        }
        (Val::Record(values), Type::Record(record)) => {
            values.len() == record.fields().len()
                && values
                    .iter()
                    .zip(record.fields())
                    .all(|((name, value), field)| name == field.name && fits(value, &field.ty))
        }
        (Val::Tuple(values), Type::Tuple(tuple)) => fit(values, &tuple.types().collect::<Vec<_>>()),
        (Val::Variant(name, payload), Type::Variant(variant)) => variant
            .cases()
            .any(|case| case.name == name && fits_payload(payload.as_deref(), case.ty.as_ref())),
        (Val::Enum(name), Type::Enum(ty)) => ty.names().any(|case| case == name),
        (Val::Option(value), Type::Option(option)) => match value {
            Some(value) => fits(value, &option.ty()),
            None => true,
        },
        (Val::Result(result), Type::Result(ty)) => match result {
            Ok(value) => fits_payload(value.as_deref(), ty.ok().as_ref()),
            Err(value) => fits_payload(value.as_deref(), ty.err().as_ref()),
        },
        (Val::Flags(names), Type::Flags(flags)) => names
            .iter()
            .all(|name| flags.names().any(|flag| flag == name)),
        _ => false,
    }
}

fn fits_payload(value: Option<&Val>, ty: Option<&Type>) -> bool {
    match (value, ty) {
        (Some(value), Some(ty)) => fits(value, ty),
        (None, None) => true,
        _ => false,
    }
}

/// Returns whether WAVE has a text form for the value. It has none for handles.
pub(super) fn is_expressible(value: &Val) -> bool {
    let payload = |value: &Option<Box<Val>>| value.as_deref().is_none_or(is_expressible);
    match value {
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => {
            values.iter().all(is_expressible)
        }
        Val::Record(fields) => fields.iter().all(|(_, value)| is_expressible(value)),
        Val::Variant(_, value) | Val::Option(value) => payload(value),
        Val::Result(Ok(value) | Err(value)) => payload(value),
        Val::Map(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            false
        }
        _ => true,
    }
}

/// Returns how many bytes of memory a value of this type may take for each byte that
/// wasmtime counts towards the transfer limit. It counts a set flag as the length of its
/// name, but keeps a `String`; for other types it counts about what it allocates.
pub(super) fn memory_per_byte(ty: &Type) -> usize {
    let most = |types: &mut dyn Iterator<Item = Type>| {
        types.map(|ty| memory_per_byte(&ty)).max().unwrap_or(1)
    };
    match ty {
        Type::List(list) => memory_per_byte(&list.ty()),
        Type::FixedLengthList(list) => memory_per_byte(&list.ty()),
        Type::Map(map) => most(&mut [map.key(), map.value()].into_iter()),
        Type::Record(record) => most(&mut record.fields().map(|field| field.ty)),
        Type::Tuple(tuple) => most(&mut tuple.types()),
        Type::Variant(variant) => most(&mut variant.cases().filter_map(|case| case.ty)),
        Type::Option(option) => memory_per_byte(&option.ty()),
        Type::Result(result) => most(&mut result.ok().into_iter().chain(result.err())),
        Type::Flags(flags) => {
            let shortest = flags.names().map(str::len).min().unwrap_or(1).max(1);
            1 + FLAG.div_ceil(shortest)
        }
        _ => 1,
    }
}

//! The size of a component's interfaces as WIT text, estimated without printing it.

use std::collections::HashMap;

use wit_parser::{Function, Resolve, Type, TypeDef, TypeDefKind, TypeId, WorldItem};

/// The maximum size of printed WIT text, in bytes.
pub(super) const MOST: usize = 16 << 20;

/// Estimates the size of all types and functions as text, in bytes. A type without a name
/// is printed at each use, so in a tuple of two tuples of two tuples each level doubles
/// the text.
pub(super) fn of(resolve: &Resolve) -> usize {
    let mut size = Size {
        resolve,
        unnamed: HashMap::new(),
    };
    let types = resolve.types.iter().filter(|(_, ty)| ty.name.is_some());
    let types = sum(types.map(|(_, ty)| size.definition(ty)));
    let interfaces = resolve.interfaces.iter();
    let functions = interfaces.flat_map(|(_, interface)| interface.functions.values());
    let worlds = resolve.worlds.iter();
    let items = worlds.flat_map(|(_, world)| world.imports.values().chain(world.exports.values()));
    let in_worlds = items.filter_map(|item| match item {
        WorldItem::Function(function) => Some(function),
        _ => None,
    });
    let functions = sum(functions.chain(in_worlds).map(|it| size.function(it)));
    types.saturating_add(functions)
}

fn sum(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(0, usize::saturating_add)
}

struct Size<'a> {
    resolve: &'a Resolve,
    /// The sizes of types without a name that were already computed.
    unnamed: HashMap<TypeId, usize>,
}

impl Size<'_> {
    fn function(&mut self, function: &Function) -> usize {
        let parameters = function.params.iter();
        let parameters = parameters.map(|it| it.name.len().saturating_add(self.used(&it.ty)));
        sum(parameters)
            .saturating_add(function.name.len())
            .saturating_add(self.optional(function.result.as_ref()))
    }

    /// Returns the size of a use of a type: its name, or its definition if it has none.
    fn used(&mut self, ty: &Type) -> usize {
        let Type::Id(id) = ty else { return 8 };
        let definition = &self.resolve.types[*id];
        if let Some(name) = &definition.name {
            return name.len().saturating_add(2);
        }
        if let Some(size) = self.unnamed.get(id) {
            return *size;
        }
        let size = self.definition(definition);
        self.unnamed.insert(*id, size);
        size
    }

    fn optional(&mut self, ty: Option<&Type>) -> usize {
        ty.map_or(0, |ty| self.used(ty))
    }

    fn definition(&mut self, definition: &TypeDef) -> usize {
        let parts = match &definition.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                sum(fields.map(|it| it.name.len().saturating_add(self.used(&it.ty))))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                sum(cases.map(|it| {
                    let part = self.optional(it.ty.as_ref());
                    it.name.len().saturating_add(part)
                }))
            }
            TypeDefKind::Enum(cases) => sum(cases.cases.iter().map(|it| it.name.len() + 2)),
            TypeDefKind::Flags(flags) => sum(flags.flags.iter().map(|it| it.name.len() + 2)),
            TypeDefKind::Tuple(tuple) => sum(tuple.types.iter().map(|ty| self.used(ty))),
            TypeDefKind::Result(result) => self
                .optional(result.ok.as_ref())
                .saturating_add(self.optional(result.err.as_ref())),
            TypeDefKind::Map(key, value) => self.used(key).saturating_add(self.used(value)),
            TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Type(ty) => self.used(ty),
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => self.optional(ty.as_ref()),
            TypeDefKind::Handle(_) | TypeDefKind::Resource | TypeDefKind::Unknown => 8,
        };
        let name = definition.name.as_ref().map_or(0, String::len);
        parts.saturating_add(name).saturating_add(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(wit: &str) -> usize {
        let mut resolve = Resolve::new();
        resolve.push_source("a.wit", wit).unwrap();
        of(&resolve)
    }

    #[test]
    fn unnamed_types_count_at_each_use() {
        let nested = |levels: u32| {
            let ty = (0..levels).fold("u8".to_owned(), |ty, _| format!("tuple<{ty}, {ty}>"));
            size(&format!("package a:b; interface i {{ f: func(p: {ty}); }}"))
        };
        assert!(nested(1) < 100);
        assert!(nested(11) > 900 * nested(1), "{}", nested(11));
        let named = "package a:b; interface i {
            record r { f: u8, g: u8 } f: func(a: r, b: list<r>) -> result<r>; }";
        assert!(size(named) < 200, "{}", size(named));
    }
}

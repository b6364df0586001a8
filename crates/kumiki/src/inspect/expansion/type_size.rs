//! The number of parts of a component's types, counted at each use: a type can contain
//! one small definition a million times.

use std::collections::HashMap;

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
    ComponentFuncTypeId, ComponentInstanceTypeId, ComponentTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;

/// A cache of type sizes.
#[derive(Default)]
pub(super) struct TypeSizes {
    defined: HashMap<ComponentDefinedTypeId, usize>,
    instances: HashMap<ComponentInstanceTypeId, usize>,
    components: HashMap<ComponentTypeId, usize>,
}

impl TypeSizes {
    pub(super) fn entity(&mut self, ty: ComponentEntityType, types: TypesRef<'_>) -> usize {
        match ty {
            ComponentEntityType::Func(id) => self.function(id, types),
            ComponentEntityType::Value(ty) => self.value(ty, types),
            ComponentEntityType::Instance(id) => self.instance(id, types),
            ComponentEntityType::Component(id) => self.component(id, types),
            ComponentEntityType::Module(id) => {
                let module = &types[id];
                1 + module.imports.len() + module.exports.len()
            }
            ComponentEntityType::Type { referenced, .. } => match referenced {
                ComponentAnyTypeId::Defined(id) => self.defined(id, types),
                ComponentAnyTypeId::Func(id) => self.function(id, types),
                ComponentAnyTypeId::Instance(id) => self.instance(id, types),
                ComponentAnyTypeId::Component(id) => self.component(id, types),
                ComponentAnyTypeId::Resource(_) => 1,
            },
        }
    }

    /// Returns the size of an instance or component type; the validator does not copy
    /// other types.
    pub(super) fn copied_parts(&mut self, ty: ComponentAnyTypeId, types: TypesRef<'_>) -> usize {
        match ty {
            ComponentAnyTypeId::Instance(id) => self.instance(id, types),
            ComponentAnyTypeId::Component(id) => self.component(id, types),
            _ => 0,
        }
    }

    pub(super) fn function(&mut self, id: ComponentFuncTypeId, types: TypesRef<'_>) -> usize {
        let function = &types[id];
        let all = function.params.iter().map(|(_, ty)| ty);
        sum(all.chain(&function.result).map(|ty| self.value(*ty, types)))
    }

    fn value(&mut self, ty: ComponentValType, types: TypesRef<'_>) -> usize {
        match ty {
            ComponentValType::Primitive(_) => 1,
            ComponentValType::Type(id) => self.defined(id, types),
        }
    }

    fn optional(&mut self, ty: Option<ComponentValType>, types: TypesRef<'_>) -> usize {
        ty.map_or(1, |ty| self.value(ty, types))
    }

    fn instance(&mut self, id: ComponentInstanceTypeId, types: TypesRef<'_>) -> usize {
        if let Some(size) = self.instances.get(&id) {
            return *size;
        }
        let exports = types[id].exports.values();
        let size = sum(exports.map(|item| self.entity(item.ty, types)));
        self.instances.insert(id, size);
        size
    }

    fn component(&mut self, id: ComponentTypeId, types: TypesRef<'_>) -> usize {
        if let Some(size) = self.components.get(&id) {
            return *size;
        }
        let component = &types[id];
        let items = component.imports.values().chain(component.exports.values());
        let size = sum(items.map(|item| self.entity(item.ty, types)));
        self.components.insert(id, size);
        size
    }

    fn defined(&mut self, id: ComponentDefinedTypeId, types: TypesRef<'_>) -> usize {
        if let Some(size) = self.defined.get(&id) {
            return *size;
        }
        use ComponentDefinedType as T;
        let size = match &types[id] {
            T::Primitive(_) | T::Own(_) | T::Borrow(_) => 1,
            T::Record(record) => sum(record.fields.values().map(|ty| self.value(*ty, types))),
            T::Variant(variant) => {
                let cases = variant.cases.values();
                sum(cases.map(|case| self.optional(case.ty, types)))
            }
            T::Tuple(tuple) => sum(tuple.types.iter().map(|ty| self.value(*ty, types))),
            T::Enum(cases) => 1 + cases.len(),
            T::Flags(flags) => 1 + flags.len(),
            T::List { element: ty, .. } | T::Option { ty, .. } => sum([self.value(*ty, types)]),
            T::FixedLengthList {
                element, length, ..
            } => self.value(*element, types).saturating_mul(*length as usize),
            T::Result { ok, err, .. } => {
                sum([self.optional(*ok, types), self.optional(*err, types)])
            }
            T::Map { key, value, .. } => sum([self.value(*key, types), self.value(*value, types)]),
            T::Future { ty, .. } | T::Stream { ty, .. } => sum([self.optional(*ty, types)]),
        };
        self.defined.insert(id, size);
        size
    }
}

/// Adds up parts, plus 1 for the type that has them.
fn sum(parts: impl IntoIterator<Item = usize>) -> usize {
    parts.into_iter().fold(1, usize::saturating_add)
}

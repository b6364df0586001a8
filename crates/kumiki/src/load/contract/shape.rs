//! A common representation of types from a contract's WIT and from a component's binary,
//! to compare and print them: wit-parser and wasmparser have no types in common.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId,
    ComponentInstanceTypeId, ComponentValType, ResourceId,
};
use wasmparser::names::KebabString;
use wasmparser::types::TypesRef;
use wit_parser::{Function, FunctionKind, Handle, Resolve, Type, TypeDefKind, TypeId};

/// The maximum nesting of a type. A deeper type is refused without comparison: no
/// contract needs it, and an untrusted component must not exhaust the stack.
const MAX_DEPTH: usize = 64;

/// The maximum size of a function's type in bytes: the names of its parts, and [`PART`]
/// for each part. A tuple of two tuples of two tuples has a million parts at 20 levels.
/// A larger type is refused without comparison: no contract needs it.
const MAX_BYTES: usize = 1 << 20;
/// The size of a part, without its name.
const PART: usize = 16;

/// A type: its kind (`record`, `list`, `string`) and its parts (fields, cases, elements).
/// The type's name is for display only.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    kind: String,
    parts: Vec<(String, Option<Shape>)>,
    name: Option<String>,
}

/// Compares structure: the names of fields and cases count, the names of types do not.
impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.parts == other.parts
    }
}

impl Shape {
    fn new(kind: &str, parts: Vec<(String, Option<Shape>)>) -> Self {
        Self {
            kind: kind.into(),
            parts,
            name: None,
        }
    }

    fn of(kind: &str, elements: impl IntoIterator<Item = Option<Shape>>) -> Self {
        Self::new(
            kind,
            elements
                .into_iter()
                .map(|shape| (String::new(), shape))
                .collect(),
        )
    }

    fn cases<'a>(kind: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(
            kind,
            names
                .into_iter()
                .map(|name| (name.to_owned(), None))
                .collect(),
        )
    }
}

/// Prints the type's name if it has one, otherwise its structure; `{:#}` always
/// prints the structure.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(name), false) = (&self.name, f.alternate()) {
            return f.write_str(name);
        }
        f.write_str(&self.kind)?;
        if self.parts.is_empty() {
            return Ok(());
        }
        let labelled = self.parts.iter().any(|(label, _)| !label.is_empty());
        f.write_str(if labelled { " { " } else { "<" })?;
        for (index, (label, shape)) in self.parts.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            f.write_str(label)?;
            match shape {
                Some(shape) => {
                    f.write_str(if labelled { ": " } else { "" })?;
                    shape.fmt(f)?;
                }
                None if labelled => {}
                None => f.write_str("_")?,
            }
        }
        f.write_str(if labelled { " }" } else { ">" })
    }
}

/// A function's type. Parameter names are for display only: linking compares types.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    is_async: bool,
    params: Vec<(String, Shape)>,
    result: Option<Shape>,
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        let types = self.params.iter().map(|(_, shape)| shape);
        let others = other.params.iter().map(|(_, shape)| shape);
        self.is_async == other.is_async && types.eq(others) && self.result == other.result
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_async {
            "async func("
        } else {
            "func("
        })?;
        for (index, (name, shape)) in self.params.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            write!(f, "{name}: ")?;
            shape.fmt(f)?;
        }
        f.write_str(")")?;
        if let Some(result) = &self.result {
            f.write_str(" -> ")?;
            result.fmt(f)?;
        }
        Ok(())
    }
}

/// Conversion from the contract's WIT.
impl Signature {
    pub(super) fn expected(resolve: &Resolve, function: &Function) -> Self {
        Self {
            is_async: matches!(
                function.kind,
                FunctionKind::AsyncFreestanding
                    | FunctionKind::AsyncMethod(_)
                    | FunctionKind::AsyncStatic(_)
            ),
            params: function
                .params
                .iter()
                .map(|param| (param.name.clone(), Shape::expected(resolve, &param.ty)))
                .collect(),
            result: function
                .result
                .as_ref()
                .map(|ty| Shape::expected(resolve, ty)),
        }
    }
}

impl Shape {
    fn expected(resolve: &Resolve, ty: &Type) -> Self {
        let kind = match ty {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::S8 => "s8",
            Type::S16 => "s16",
            Type::S32 => "s32",
            Type::S64 => "s64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::ErrorContext => "error-context",
            Type::Id(id) => return Self::expected_definition(resolve, *id),
        };
        Self::new(kind, Vec::new())
    }

    fn expected_definition(resolve: &Resolve, id: TypeId) -> Self {
        let part = |ty: &Type| Some(Self::expected(resolve, ty));
        let optional = |ty: &Option<Type>| ty.as_ref().and_then(part);
        let definition = &resolve.types[id];
        let mut shape = match &definition.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                Self::new(
                    "record",
                    fields.map(|f| (f.name.clone(), part(&f.ty))).collect(),
                )
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                Self::new(
                    "variant",
                    cases.map(|c| (c.name.clone(), optional(&c.ty))).collect(),
                )
            }
            TypeDefKind::Enum(cases) => {
                Self::cases("enum", cases.cases.iter().map(|case| &*case.name))
            }
            TypeDefKind::Flags(flags) => {
                Self::cases("flags", flags.flags.iter().map(|flag| &*flag.name))
            }
            TypeDefKind::Tuple(tuple) => Self::of("tuple", tuple.types.iter().map(part)),
            TypeDefKind::Option(ty) => Self::of("option", [part(ty)]),
            TypeDefKind::Result(result) => {
                Self::of("result", [optional(&result.ok), optional(&result.err)])
            }
            TypeDefKind::List(ty) => Self::of("list", [part(ty)]),
            TypeDefKind::FixedLengthList(ty, length) => {
                Self::of(&format!("list#{length}"), [part(ty)])
            }
            TypeDefKind::Map(key, value) => Self::of("map", [part(key), part(value)]),
            TypeDefKind::Future(ty) => Self::of("future", [optional(ty)]),
            TypeDefKind::Stream(ty) => Self::of("stream", [optional(ty)]),
            TypeDefKind::Handle(Handle::Own(id)) => {
                Self::cases("own", [resource_name(resolve, *id)])
            }
            TypeDefKind::Handle(Handle::Borrow(id)) => {
                Self::cases("borrow", [resource_name(resolve, *id)])
            }
            TypeDefKind::Resource => Self::new("resource", Vec::new()),
            TypeDefKind::Type(ty) => Self::expected(resolve, ty),
            TypeDefKind::Unknown => Self::new("unknown", Vec::new()),
        };
        if definition.name.is_some() {
            shape.name.clone_from(&definition.name);
        }
        shape
    }
}

/// Returns the name of a resource at its definition, following `use … as …`.
fn resource_name(resolve: &Resolve, id: TypeId) -> &str {
    match &resolve.types[id].kind {
        TypeDefKind::Type(Type::Id(original)) => resource_name(resolve, *original),
        _ => resolve.types[id].name.as_deref().unwrap_or("resource"),
    }
}

/// The types of a validated component, to be converted.
pub(super) struct ComponentTypes<'a> {
    pub(super) types: TypesRef<'a>,
    /// The names of resources in the component's interfaces.
    pub(super) resources: HashMap<ResourceId, String>,
}

impl ComponentTypes<'_> {
    /// Records the names of an instance's resources.
    pub(super) fn name_resources(&mut self, id: ComponentInstanceTypeId) {
        for (name, item) in &self.types[id].exports {
            if let ComponentEntityType::Type {
                referenced,
                created,
            } = item.ty
            {
                for id in [referenced, created] {
                    if let ComponentAnyTypeId::Resource(id) = id {
                        self.resources.insert(id.resource(), name.clone());
                    }
                }
            }
        }
    }

    pub(super) fn signature(&self, id: ComponentFuncTypeId) -> Signature {
        let function = &self.types[id];
        let left = Cell::new(MAX_BYTES);
        let shape = |ty| self.shape(ty, 0, &left);
        Signature {
            is_async: function.async_,
            params: function
                .params
                .iter()
                .map(|(name, ty)| (name.to_string(), shape(*ty)))
                .collect(),
            result: function.result.map(shape),
        }
    }

    /// Converts a type; `left` is what remains of [`MAX_BYTES`] for the function's type.
    fn shape(&self, ty: ComponentValType, depth: usize, left: &Cell<usize>) -> Shape {
        let spend = |bytes: usize| left.set(left.get().saturating_sub(bytes));
        spend(PART);
        if depth > MAX_DEPTH || left.get() == 0 {
            return Shape::new("…", Vec::new());
        }
        let id = match ty {
            ComponentValType::Primitive(ty) => return Shape::new(&ty.to_string(), Vec::new()),
            ComponentValType::Type(id) => id,
        };
        let part = |ty: &ComponentValType| Some(self.shape(*ty, depth + 1, left));
        let optional = |ty: &Option<ComponentValType>| ty.as_ref().and_then(part);
        let label = |name: &str| {
            spend(PART + name.len());
            match left.get() {
                0 => String::new(),
                _ => name.to_owned(),
            }
        };
        let labels = |kind, names: &mut dyn Iterator<Item = &KebabString>| {
            let names = names.map(|name| (label(name), None));
            Shape::new(kind, names.collect())
        };
        match &self.types[id] {
            ComponentDefinedType::Primitive(ty) => Shape::new(&ty.to_string(), Vec::new()),
            ComponentDefinedType::Record(record) => {
                let fields = record.fields.iter();
                Shape::new(
                    "record",
                    fields.map(|(name, ty)| (label(name), part(ty))).collect(),
                )
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases = cases.map(|(name, case)| (label(name), optional(&case.ty)));
                Shape::new("variant", cases.collect())
            }
            ComponentDefinedType::Enum(cases) => labels("enum", &mut cases.iter()),
            ComponentDefinedType::Flags(flags) => labels("flags", &mut flags.iter()),
            ComponentDefinedType::Tuple(tuple) => Shape::of("tuple", tuple.types.iter().map(part)),
            ComponentDefinedType::Option { ty, .. } => Shape::of("option", [part(ty)]),
            ComponentDefinedType::Result { ok, err, .. } => {
                Shape::of("result", [optional(ok), optional(err)])
            }
            ComponentDefinedType::List { element, .. } => Shape::of("list", [part(element)]),
            ComponentDefinedType::FixedLengthList {
                element, length, ..
            } => Shape::of(&format!("list#{length}"), [part(element)]),
            ComponentDefinedType::Map { key, value, .. } => {
                Shape::of("map", [part(key), part(value)])
            }
            ComponentDefinedType::Future { ty, .. } => Shape::of("future", [optional(ty)]),
            ComponentDefinedType::Stream { ty, .. } => Shape::of("stream", [optional(ty)]),
            ComponentDefinedType::Own(id) => Shape::cases("own", [self.resource(id.resource())]),
            ComponentDefinedType::Borrow(id) => {
                Shape::cases("borrow", [self.resource(id.resource())])
            }
        }
    }

    fn resource(&self, id: ResourceId) -> &str {
        self.resources.get(&id).map_or("resource", String::as_str)
    }
}

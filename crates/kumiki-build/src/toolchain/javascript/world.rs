//! A world as JavaScript sees it: what a module can import and must export,
//! under which names.

use heck::ToLowerCamelCase as _;
use serde::Serialize;
use wit_parser::{
    Function, FunctionKind, InterfaceId, Resolve, Type, TypeDefKind, WorldId, WorldItem, WorldKey,
};

use crate::log::follow;

/// An export of a world: its name in JavaScript and what it is.
pub(super) enum Export<'a> {
    /// An object with the interface's functions.
    Interface(String, InterfaceId),
    Function(String, &'a Function),
}

/// The exports that a module must have. Interfaces with only types are left
/// out.
pub(super) fn exported(resolve: &Resolve, world: WorldId) -> Vec<Export<'_>> {
    let exports = resolve.worlds[world].exports.iter();
    exports
        .filter_map(|(key, item)| match item {
            WorldItem::Interface { id, .. } if !resolve.interfaces[*id].functions.is_empty() => {
                Some(Export::Interface(short_name(resolve, key), *id))
            }
            WorldItem::Function(function) => Some(Export::Function(
                function.name.to_lower_camel_case(),
                function,
            )),
            _ => None,
        })
        .collect()
}

/// The specifiers that a module can import from: interfaces as `a:b/c`, with
/// and without their version, and functions of the world by their name.
pub(super) fn importable(resolve: &Resolve, world: WorldId) -> Vec<String> {
    let imports = resolve.worlds[world].imports.iter();
    let imports = imports.filter(|(_, item)| !matches!(item, WorldItem::Type { .. }));
    let names = imports.map(|(key, _)| resolve.name_world_key(key));
    let both = names.flat_map(|name| {
        let plain = name.split('@').next().map(str::to_owned);
        let plain = plain.filter(|plain| *plain != name);
        [Some(name), plain]
    });
    both.flatten().collect()
}

/// The functions that a world imports directly, without an interface.
pub(crate) fn imported_functions(resolve: &Resolve, world: WorldId) -> Vec<&Function> {
    let items = resolve.worlds[world].imports.values();
    let functions = items.filter_map(|item| match item {
        WorldItem::Function(function) => Some(function),
        _ => None,
    });
    functions.collect()
}

/// The interfaces that a world imports, by specifier.
pub(super) fn imported_interfaces(resolve: &Resolve, world: WorldId) -> Vec<(String, InterfaceId)> {
    interfaces(resolve, resolve.worlds[world].imports.iter())
}

/// The interfaces that a world exports, by the specifier that they would have
/// as imports.
pub(super) fn exported_interfaces(resolve: &Resolve, world: WorldId) -> Vec<(String, InterfaceId)> {
    interfaces(resolve, resolve.worlds[world].exports.iter())
}

fn interfaces<'a>(
    resolve: &Resolve,
    items: impl Iterator<Item = (&'a WorldKey, &'a WorldItem)>,
) -> Vec<(String, InterfaceId)> {
    let interfaces = items.filter_map(|(key, item)| match item {
        WorldItem::Interface { id, .. } => Some((resolve.name_world_key(key), *id)),
        _ => None,
    });
    interfaces.collect()
}

/// Whether a name is a keyword, which cannot name a function or parameter.
pub(crate) fn is_reserved(name: &str) -> bool {
    const RESERVED: &str = " arguments await break case catch class const continue debugger \
        default delete do else enum eval export extends false finally for function if implements \
        import in instanceof interface let new null package private protected public return \
        static super switch this throw true try typeof var void while with yield ";
    RESERVED.split_whitespace().any(|word| word == name)
}

/// The name of an exported interface's object.
fn short_name(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.to_lower_camel_case(),
        WorldKey::Interface(id) => {
            let name = resolve.interfaces[*id].name.as_deref();
            name.unwrap_or_default().to_lower_camel_case()
        }
    }
}

/// The functions that do not belong to a resource; those of resources are
/// methods of classes.
pub(super) fn free_functions(
    resolve: &Resolve,
    id: InterfaceId,
) -> impl Iterator<Item = &Function> {
    let functions = resolve.interfaces[id].functions.values();
    functions.filter(|function| {
        matches!(
            function.kind,
            FunctionKind::Freestanding | FunctionKind::AsyncFreestanding
        )
    })
}

/// The errors that a function may throw because it returns a `result`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Thrown<'a> {
    /// The cases of an enum.
    Names(Vec<&'a str>),
    /// Any string: always `"string"`, the type's name in JavaScript.
    Text(&'static str),
    /// Values of another type, or, if false, none.
    Any(bool),
}

impl<'a> Thrown<'a> {
    pub(super) fn by(resolve: &'a Resolve, function: &Function) -> Self {
        let result = result_of(resolve, function).or_else(|| {
            let (_, outcome) = streamed_types(resolve, function)?;
            Some(outcome)
        });
        let Some(result) = result else {
            return Thrown::Any(false);
        };
        const TEXT: Thrown<'_> = Thrown::Text("string");
        match result.err {
            Some(Type::String) => TEXT,
            Some(Type::Id(id)) => match &resolve.types[follow(resolve, id)].kind {
                TypeDefKind::Enum(errors) => {
                    Thrown::Names(errors.cases.iter().map(|case| &*case.name).collect())
                }
                TypeDefKind::Type(Type::String) => TEXT,
                _ => Thrown::Any(true),
            },
            _ => Thrown::Any(true),
        }
    }
}

/// The type of the items of a function that returns a stream and a future for its outcome,
/// `async func(…) -> tuple<stream<a>, future<result<_, b>>>`: the author's function may
/// return the items and throw the error.
pub(crate) fn streamed(resolve: &Resolve, function: &Function) -> Option<Type> {
    streamed_types(resolve, function).map(|(item, _)| item)
}

/// The types of the items and of the outcome.
fn streamed_types<'a>(
    resolve: &'a Resolve,
    function: &Function,
) -> Option<(Type, &'a wit_parser::Result_)> {
    let kind = |ty: Type| match ty {
        Type::Id(id) => Some(&resolve.types[follow(resolve, id)].kind),
        _ => None,
    };
    let TypeDefKind::Tuple(tuple) = kind(function.result?)? else {
        return None;
    };
    let [stream, future] = tuple.types[..] else {
        return None;
    };
    match (function.kind.is_async(), kind(stream)?, kind(future)?) {
        (true, TypeDefKind::Stream(Some(item)), TypeDefKind::Future(Some(outcome))) => {
            let outcome = result_type(resolve, *outcome)?;
            outcome.ok.is_none().then_some((*item, outcome))
        }
        _ => None,
    }
}

/// The `result` that a function returns.
pub(super) fn result_of<'a>(
    resolve: &'a Resolve,
    function: &Function,
) -> Option<&'a wit_parser::Result_> {
    result_type(resolve, function.result?)
}

/// The `result` behind a type, if it is one.
pub(super) fn result_type(resolve: &Resolve, ty: Type) -> Option<&wit_parser::Result_> {
    let Type::Id(id) = ty else {
        return None;
    };
    match &resolve.types[follow(resolve, id)].kind {
        TypeDefKind::Result(result) => Some(result),
        _ => None,
    }
}

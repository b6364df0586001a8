//! The exports of a world by name, for languages without types.

use wit_parser::{Function, FunctionKind, Resolve, TypeId, WorldId, WorldItem, WorldKey};

/// The exported interfaces, and the functions that the world exports directly.
pub(super) struct Exports<'a> {
    pub(super) interfaces: Vec<Interface<'a>>,
    pub(super) functions: Vec<&'a Function>,
}

/// An exported interface.
pub(super) struct Interface<'a> {
    pub(super) name: &'a str,
    pub(super) functions: Vec<&'a Function>,
    pub(super) resources: Vec<Resource<'a>>,
}

/// An exported resource with its functions.
pub(super) struct Resource<'a> {
    pub(super) name: &'a str,
    pub(super) functions: Vec<&'a Function>,
}

impl<'a> Exports<'a> {
    pub(super) fn of(resolve: &'a Resolve, world: WorldId) -> Self {
        let (mut interfaces, mut functions) = (Vec::new(), Vec::new());
        for (key, item) in &resolve.worlds[world].exports {
            match item {
                WorldItem::Function(function) => functions.push(function),
                WorldItem::Interface { id, .. } => {
                    let interface = &resolve.interfaces[*id];
                    let name = match key {
                        WorldKey::Name(name) => name.as_str(),
                        WorldKey::Interface(_) => interface.name.as_deref().unwrap_or_default(),
                    };
                    let all: Vec<&Function> = interface.functions.values().collect();
                    if all.is_empty() {
                        continue;
                    }
                    interfaces.push(Interface {
                        name,
                        functions: of_resource(&all, None),
                        resources: resources(resolve, &all),
                    });
                }
                WorldItem::Type { .. } => {}
            }
        }
        Self {
            interfaces,
            functions,
        }
    }
}

fn resources<'a>(resolve: &'a Resolve, all: &[&'a Function]) -> Vec<Resource<'a>> {
    let mut ids: Vec<TypeId> = Vec::new();
    for id in all.iter().filter_map(|function| function.kind.resource()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter()
        .map(|id| Resource {
            name: resolve.types[id].name.as_deref().unwrap_or_default(),
            functions: of_resource(all, Some(id)),
        })
        .collect()
}

fn of_resource<'a>(all: &[&'a Function], resource: Option<TypeId>) -> Vec<&'a Function> {
    let of = all.iter().copied();
    of.filter(|function| function.kind.resource() == resource)
        .collect()
}

/// The function's own name: `judge` of `[method]filter.judge`.
pub(super) fn own_name(function: &Function) -> &str {
    let name = function.name.rsplit(']').next().unwrap_or_default();
    name.split('.').next_back().unwrap_or(name)
}

pub(super) fn is_constructor(function: &Function) -> bool {
    matches!(function.kind, FunctionKind::Constructor(_))
}

pub(super) fn is_static(function: &Function) -> bool {
    matches!(
        function.kind,
        FunctionKind::Static(_) | FunctionKind::AsyncStatic(_)
    )
}

/// The names of the parameters, without the receiver of a method.
pub(super) fn parameters(function: &Function) -> impl Iterator<Item = &str> {
    let is_method = matches!(
        function.kind,
        FunctionKind::Method(_) | FunctionKind::AsyncMethod(_)
    );
    let names = function.params.iter().map(|param| param.name.as_str());
    names.skip(usize::from(is_method))
}

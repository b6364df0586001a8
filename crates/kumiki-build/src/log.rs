//! Finds the logging function of a contract.

use wit_parser::{InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem};

/// A contract's `log: func(level: …, message: string)`, whose level type has a
/// case `error`.
pub(crate) struct Log {
    /// The imported interface with the function.
    pub(crate) interface: InterfaceId,
    /// The enum of the levels, with aliases resolved.
    pub(crate) level: TypeId,
    /// The number of the level `error`.
    pub(crate) error: usize,
}

impl Log {
    /// Finds the first such function that the world imports.
    pub(crate) fn of(resolve: &Resolve, world: WorldId) -> Option<Self> {
        resolve.worlds[world].imports.values().find_map(|item| {
            let WorldItem::Interface { id, .. } = item else {
                return None;
            };
            let log = resolve.interfaces[*id].functions.get("log")?;
            let [level, message] = &log.params[..] else {
                return None;
            };
            let Type::Id(level) = level.ty else {
                return None;
            };
            let level = follow(resolve, level);
            let TypeDefKind::Enum(levels) = &resolve.types[level].kind else {
                return None;
            };
            let error = levels.cases.iter().position(|case| case.name == "error")?;
            (message.ty == Type::String).then_some(Self {
                interface: *id,
                level,
                error,
            })
        })
    }
}

/// Resolves type aliases.
pub(crate) fn follow(resolve: &Resolve, id: TypeId) -> TypeId {
    match resolve.types[id].kind {
        TypeDefKind::Type(Type::Id(id)) => follow(resolve, id),
        _ => id,
    }
}

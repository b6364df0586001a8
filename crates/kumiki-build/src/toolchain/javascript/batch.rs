//! Batch interfaces: finds those that the wrapper can implement with the
//! author's function for a single record.

use heck::ToLowerCamelCase as _;
use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind, WorldId};

use super::world::{Export, exported, free_functions, result_of, result_type};
use crate::log::follow;

/// An exported function for a single record, and its batch version.
pub(super) struct Single {
    /// The index of the world's export that has the function.
    pub(super) export: usize,
    /// The function's name in JavaScript.
    pub(super) function: String,
    /// The batch function's name in JavaScript.
    pub(super) many: String,
}

impl Single {
    /// Finds the function for a single record that matches the interface
    /// `batch`. That interface must have exactly one function, `do-it-batch:
    /// func(list<a>) -> list<result<b, c>>`, and another exported interface
    /// must have `do-it: func(a) -> result<b, c>`.
    pub(super) fn of(resolve: &Resolve, world: WorldId, batch: InterfaceId) -> Option<Self> {
        let mut functions = free_functions(resolve, batch);
        let many = functions.next()?;
        let name = many.name.strip_suffix("-batch")?;
        if functions.next().is_some() {
            return None;
        }
        let exports = exported(resolve, world).into_iter().enumerate();
        let mut with_one = exports.filter(|(_, export)| match export {
            Export::Interface(_, id) => resolve.interfaces[*id]
                .functions
                .get(name)
                .is_some_and(|one| is_many_of(resolve, many, one)),
            Export::Function(..) => false,
        });
        let (export, _) = with_one.next()?;
        Some(Self {
            export,
            function: name.to_lower_camel_case(),
            many: many.name.to_lower_camel_case(),
        })
    }
}

/// Whether `many` takes and returns lists of what `one` takes and returns,
/// where `one` returns a `result`.
fn is_many_of(resolve: &Resolve, many: &Function, one: &Function) -> bool {
    let ([inputs], [input]) = (&many.params[..], &one.params[..]) else {
        return false;
    };
    let plain = |ty: Option<Type>| ty.map(|ty| plain(resolve, ty));
    let takes = plain(element_of(resolve, inputs.ty)) == plain(Some(input.ty));
    let answers = many.result.and_then(|list| element_of(resolve, list));
    let answers = answers.and_then(|answer| result_type(resolve, answer));
    let (Some(answers), Some(answer)) = (answers, result_of(resolve, one)) else {
        return false;
    };
    let kind = |result: &wit_parser::Result_| (plain(result.ok), plain(result.err));
    takes && kind(answers) == kind(answer)
}

/// The element type of a list.
fn element_of(resolve: &Resolve, list: Type) -> Option<Type> {
    let Type::Id(id) = list else {
        return None;
    };
    match resolve.types[follow(resolve, id)].kind {
        TypeDefKind::List(element) => Some(element),
        _ => None,
    }
}

/// Resolves type aliases.
fn plain(resolve: &Resolve, ty: Type) -> Type {
    let Type::Id(id) = ty else {
        return ty;
    };
    let id = follow(resolve, id);
    match resolve.types[id].kind {
        TypeDefKind::Type(ty) => ty,
        _ => Type::Id(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches for the interface `many`.
    fn single(interfaces: &str) -> Option<Single> {
        let wit = format!(
            "package a:b; interface types {{ record r {{ a: u8 }} type s = string; }}
             {interfaces} world w {{ export one; export many; }}"
        );
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", &wit).unwrap();
        let world = resolve.select_world(&[package], Some("w")).unwrap();
        let many = resolve.packages[package].interfaces["many"];
        Single::of(&resolve, world, many)
    }

    #[test]
    fn batch_of_another_interface_is_found() {
        let found = single(
            "interface one { use types.{r, s}; do-it: func(input: s) -> result<r, u8>; }
             interface many { use types.{r}; type q = r;
                              do-it-batch: func(inputs: list<string>) -> list<result<q, u8>>; }",
        );
        let found = found.map(
            |Single {
                 export,
                 function,
                 many,
             }| (export, function, many),
        );
        assert_eq!(found, Some((0, "doIt".to_owned(), "doItBatch".to_owned())));
    }

    #[test]
    fn mismatched_batches_are_not_found() {
        let one = "interface one { f: func(input: string) -> result<string, u8>; \
                   g: func(input: string) -> string; }";
        for many in [
            "f: func(inputs: list<string>) -> list<result<string, u8>>;",
            "f-batch: func(inputs: list<u8>) -> list<result<string, u8>>;",
            "f-batch: func(inputs: list<string>) -> list<result<string>>;",
            "f-batch: func(inputs: list<string>) -> list<string>;",
            "f-batch: func(inputs: string) -> list<result<string, u8>>;",
            "f-batch: func(inputs: list<string>, of: u8) -> list<result<string, u8>>;",
            "f-batch: func(inputs: list<string>) -> list<result<string, u8>>; h: func();",
            "g-batch: func(inputs: list<string>) -> list<string>;",
            "h-batch: func(inputs: list<string>) -> list<result<string, u8>>;",
        ] {
            let found = single(&format!("{one} interface many {{ {many} }}"));
            assert!(found.is_none(), "{many}");
        }
    }
}

//! Source skeletons for any contract: a stub for every function that the world
//! exports, with its parameters.
//!
//! For Rust, C and Go, which are typed, the skeletons come from the stubs and
//! headers of the bindings generators. JavaScript and Python need only names.

mod c;
mod go;
mod javascript;
mod names;
mod python;
mod rust;

use wit_parser::{Resolve, WorldId};

use crate::error::Error;
use crate::project::Language;

/// Generates the skeleton of a plugin in `language`, as paths in the project's
/// folder and contents.
///
/// # Errors
/// [`Error::Skeleton`] if the language's bindings do not support a type of the
/// world.
pub(crate) fn sources(
    language: Language,
    resolve: &Resolve,
    world: WorldId,
) -> Result<Vec<(String, String)>, Error> {
    match language {
        Language::Rust => rust::sources(resolve, world),
        Language::C => c::sources(resolve, world),
        Language::JavaScript => Ok(javascript::sources(resolve, world)),
        Language::Python => Ok(python::sources(resolve, world)),
        Language::Go => go::sources(resolve, world),
    }
}

/// Wraps a function signature that is wider than a screen, with one line per
/// parameter.
fn wrap(signature: &str, indent: &str) -> String {
    const WIDTH: usize = 100;
    let parameters = signature.find('(').zip(signature.find(')'));
    let Some((open, _)) = parameters.filter(|_| indent.len() + signature.len() > WIDTH) else {
        return format!("{indent}{signature}");
    };
    let mut wrapped = format!("{indent}{}\n{indent}    ", &signature[..=open]);
    let mut depth = 1;
    for c in signature[open + 1..].chars() {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            (')', 0) => wrapped += &format!("\n{indent})"),
            (',', 1) => wrapped += &format!(",\n{indent}   "),
            _ => wrapped.push(c),
        }
    }
    wrapped
}

/// The first line of every skeleton.
fn heading(resolve: &Resolve, world: WorldId) -> String {
    let world = &resolve.worlds[world].name;
    format!("A plugin for the world `{world}`. Implement the functions below.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_signatures_wrap_to_one_line_per_parameter() {
        assert_eq!(wrap("fn f(a: u32)", "    "), "    fn f(a: u32)");
        let long = format!(
            "fn f(a: (u32, A<B, C>), {}: u32) -> D<E, F>",
            "b".repeat(90)
        );
        let expected = format!(
            "  fn f(\n      a: (u32, A<B, C>),\n      {}: u32\n  ) -> D<E, F>",
            "b".repeat(90)
        );
        assert_eq!(wrap(&long, "  "), expected);
    }
}

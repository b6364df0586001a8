//! The source that an author begins with for any contract: every function that
//! the world exports, with its parameters and nothing in it.
//!
//! Rust, C and Go are typed, and their bindings' makers know best how a type is
//! written there: their own stubs and headers are read. JavaScript and Python
//! need no more than names.

mod c;
mod go;
mod javascript;
mod names;
mod python;
mod rust;

use wit_parser::{Resolve, WorldId};

use crate::error::Error;
use crate::project::Language;

/// A plugin's source in `language`, by file: what is below the project's
/// folder, and what is in it.
///
/// # Errors
/// [`Error::Skeleton`] where the language's bindings do not know a type of the
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

/// A line that begins a function, with its parameters a line each where it is
/// longer than a screen is wide.
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

/// What every skeleton begins with.
fn heading(resolve: &Resolve, world: WorldId) -> String {
    let world = &resolve.worlds[world].name;
    format!("A plugin of the world `{world}`: every function is still to be written.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_signatures_have_a_line_for_each_parameter() {
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

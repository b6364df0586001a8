//! The macro `kumiki::contract!`, documented in the crate `kumiki`.

mod arguments;
mod expansion;
mod world;

use proc_macro::TokenStream;

#[expect(missing_docs, reason = "documented where `kumiki` exports it")]
#[proc_macro]
pub fn contract(input: TokenStream) -> TokenStream {
    let arguments = syn::parse_macro_input!(input as arguments::Arguments);
    expansion::expand(&arguments)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

#[cfg(test)]
mod tests {
    use super::{arguments, expansion};

    fn error(input: &str) -> String {
        let expanded = syn::parse_str(input)
            .and_then(|arguments: arguments::Arguments| expansion::expand(&arguments));
        expanded.expect_err(input).to_string()
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (input, message) in [
            ("", "expected identifier"),
            ("Name", "expected curly braces"),
            ("Name { world: \"w\" }", "missing field `path`"),
            ("Name { path: \"wit\" }", "missing field `world`"),
            ("Name { wit: \"wit\" }", "unknown field; expected `path`"),
            ("Name { path: 1 }", "expected string literal"),
            ("Name { path: \"a\" world: \"w\" }", "expected `,`"),
            (
                "Name { path: \"a\", inline: \"b\" }",
                "`path` and `inline` exclude each other",
            ),
            ("Name { world: \"a\", world: \"b\" }", "already specified"),
            (
                "Name { path: \"nowhere\", world: \"w\" }",
                "cannot read the WIT in `",
            ),
            (
                "Name { inline: \"package a:b\", world: \"w\" }",
                "expected '{'",
            ),
            (
                "Name { inline: \"package a:b; world v {}\", world: \"w\" }",
                "package `a:b` has no world `w`; it has `v`",
            ),
            (
                "Name { inline: \"package a:b;\nworld w { import f: func(x: u3); }\", world: \"w\" }",
                "inline.wit:2:",
            ),
            (
                "Kumiki { inline: \"package a:b; world w {}\", world: \"w\" }",
                "choose another name",
            ),
        ] {
            let error = error(input);
            assert!(error.contains(message), "{input}: {error}");
        }
    }
}

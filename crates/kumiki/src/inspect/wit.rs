//! Printing of a component's interfaces as WIT text.

use wit_component::WitPrinter;
use wit_parser::decoding::{DecodedWasm, decode};

use super::{Kind, wit_size};
use crate::{Error, Result, catch_panic, text};

/// Prints the WIT of a component or a WIT package so that wit-parser accepts it: all
/// packages in sequence, that of the component's own world first.
pub(super) fn print(plugin: &str, bytes: &[u8]) -> Result<String> {
    let no_wit = |message: String| Error::NoWit {
        plugin: plugin.into(),
        message: text::message(&message),
    };
    match Kind::of(bytes) {
        Kind::Component | Kind::WitPackage => {}
        other => return Err(no_wit(format!("it is {other}"))),
    }
    // wit-parser asserts rules that WIT's encoder follows but the validator does not
    // check, such as the names that a function may have.
    catch_panic(|| text(bytes))
        .unwrap_or_else(|| Err("WIT cannot express its interfaces".into()))
        .map_err(no_wit)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let decoded = decode(bytes).map_err(|error| format!("{error:#}"))?;
    let (package, resolve) = match &decoded {
        DecodedWasm::WitPackage(resolve, package) => (*package, resolve),
        DecodedWasm::Component(resolve, world) => {
            let package = resolve.worlds[*world].package;
            (package.ok_or("its world has no package")?, resolve)
        }
    };
    if wit_size::of(resolve) > wit_size::MOST {
        let most = wit_size::MOST >> 20;
        return Err(format!("with its types written out, it exceeds {most} MiB"));
    }
    let others = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = others.filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer
        .print(resolve, package, &others)
        .map_err(|error| format!("{error:#}"))?;
    Ok(printer.output.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_that_wit_cannot_express_are_an_error() {
        for text in [
            r#"(import "a:b/c" (func))"#,
            r#"(import "i" (instance (export "a:b/c" (func))))"#,
            r#"(import "url=<https://a>" (func))"#,
        ] {
            let bytes = test_components::parse(&format!("(component {text})"));
            let error = print("p", &bytes).unwrap_err().to_string();
            assert!(error.contains("has no WIT"), "{text}: {error}");
        }
        let fine = test_components::parse(r#"(component (import "a" (func)))"#);
        assert!(print("p", &fine).is_ok());
    }
}

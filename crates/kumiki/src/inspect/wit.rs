//! A component's interfaces as WIT text.

use wit_component::WitPrinter;
use wit_parser::decoding::{DecodedWasm, decode};

use super::{Kind, wit_size};
use crate::{Error, Result, catch_panic, text};

/// The WIT of a component or a WIT package, printed so that wit-parser reads it
/// back: one package after the other, the component's own world first.
pub(super) fn print(plugin: &str, bytes: &[u8]) -> Result<String> {
    let no_wit = |message: String| Error::NoWit {
        plugin: plugin.into(),
        message: text::message(&message),
    };
    match Kind::of(bytes) {
        Kind::Component | Kind::WitPackage => {}
        other => return Err(no_wit(format!("it is {other}"))),
    }
    // wit-parser asserts rules that WIT's own encoder keeps and the validator
    // does not know, such as what a function may be called.
    catch_panic(|| text(bytes))
        .unwrap_or_else(|| Err("it has what WIT has no words for".into()))
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
        return Err("it would be too long, because its types unfold".into());
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
    fn what_no_wit_describes_has_none() {
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

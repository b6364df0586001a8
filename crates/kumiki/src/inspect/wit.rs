//! A component's interfaces as WIT text.

use wit_component::WitPrinter;
use wit_parser::decoding::{DecodedWasm, decode};

use super::Kind;
use crate::{Error, Result};

/// The WIT of a component or a WIT package, printed so that wit-parser reads it
/// back: one package after the other, the component's own world first.
pub(super) fn print(plugin: &str, bytes: &[u8]) -> Result<String> {
    let no_wit = |message: String| Error::NoWit {
        plugin: plugin.into(),
        message,
    };
    match Kind::of(bytes) {
        Kind::Component | Kind::WitPackage => {}
        other => return Err(no_wit(format!("it is {other}"))),
    }
    let decoded = decode(bytes).map_err(|error| no_wit(format!("{error:#}")))?;
    let (package, resolve) = match &decoded {
        DecodedWasm::WitPackage(resolve, package) => (*package, resolve),
        DecodedWasm::Component(resolve, world) => {
            let package = resolve.worlds[*world].package;
            (
                package.ok_or_else(|| no_wit("its world has no package".into()))?,
                resolve,
            )
        }
    };
    let others = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = others.filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer
        .print(resolve, package, &others)
        .map_err(|error| no_wit(format!("{error:#}")))?;
    Ok(printer.output.to_string())
}

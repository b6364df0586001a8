//! Diagnoses a core module that should be a component, with the command to convert it.

use kumiki::inspect::{Inspection, Part};

use super::Diagnosis;

/// The export that the contract's bindings give a core module.
const EXPORT: &str = "myapp:text-processor/plugin#process";
const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// Tells from its imports and exports what the module was built for.
pub(crate) fn diagnose(name: &str, inspection: &Inspection) -> Diagnosis {
    let interfaces = &inspection.interfaces;
    let has_wit = inspection
        .parts
        .iter()
        .any(|(part, _)| *part == Part::EmbeddedWit);
    let preview1 = interfaces.imports.iter().any(|module| module == PREVIEW_1);
    let target = if preview1 {
        "for WASI preview 1 (`wasm32-wasip1`)"
    } else {
        "for plain `wasm32-unknown-unknown`"
    };
    let fact = format!("`{name}` is a core module, not a component: it is built {target}");
    if !has_wit && !interfaces.exports.iter().any(|export| export == EXPORT) {
        return Diagnosis::severe(
            format!("{fact}, and without the contract: it does not export `{EXPORT}`"),
            "no command converts it to a plugin; create one that exports the contract with `kumiki \
             new NAME`, and build its component with `kumiki build`",
        );
    }
    let (mut commands, mut module) = (String::new(), name.to_owned());
    if !has_wit {
        module = renamed(name, "embedded");
        commands.push_str(&format!(
            "`wasm-tools component embed wit --world text-plugin {name} -o {module}`, then "
        ));
    }
    let adapter = match preview1 {
        true => "--adapt wasi_snapshot_preview1.reactor.wasm ",
        false => "",
    };
    commands.push_str(&format!(
        "`wasm-tools component new {adapter}{module} -o {}`",
        renamed(name, "component")
    ));
    if preview1 {
        commands.push_str(" (the adapter comes with each release of wasmtime)");
    }
    commands.push_str("; or run `kumiki build` in its folder, which does all of this");
    Diagnosis::severe(fact, commands)
}

/// `plugin.wasm` becomes `plugin.component.wasm`.
fn renamed(name: &str, what: &str) -> String {
    format!("{}.{what}.wasm", name.strip_suffix(".wasm").unwrap_or(name))
}

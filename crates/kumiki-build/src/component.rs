//! A core module with its component type inside becomes a component.

use wasi_preview1_component_adapter_provider as preview1;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Makes a component of `module`, which a bindings generator gave its component
/// type in a custom section.
///
/// The WASI preview 1 adapter goes in only where the module imports that WASI:
/// a component without it imports nothing but its contract.
///
/// # Errors
/// Says in a sentence why the module makes no component.
pub fn component_from_module(module: &[u8]) -> Result<Vec<u8>, String> {
    let reason = |error| format!("{error:#}");
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .map_err(reason)?;
    if imports_preview1(module).map_err(|error| error.to_string())? {
        encoder = encoder
            .adapter(
                preview1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                preview1::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
            .map_err(reason)?;
    }
    encoder.encode().map_err(reason)
}

fn imports_preview1(module: &[u8]) -> wasmparser::Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                if import?.module == preview1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

//! Converts a core module with an embedded component type into a component.

use wasi_preview1_component_adapter_provider as preview1;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::error::Error;
use crate::project::Project;

/// An implementation of WASI preview 1 that reaches nothing outside the module,
/// in WebAssembly text format.
const SILENT: &str = include_str!("silent_preview1.wat");

/// How a component implements the WASI preview 1 functions that its module
/// imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview1 {
    /// By an adapter to WASI 0.2, which the component then imports.
    Adapter,
    /// By stubs: no arguments, files or environment, and a clock that advances
    /// with each reading. The component imports no WASI.
    Silent,
}

/// Converts `module` to a component. A bindings generator must have put the
/// component type into a custom section.
///
/// The implementation of WASI preview 1 is added only if the module imports it:
/// a component without it imports only its contract.
///
/// # Errors
/// Returns why the module cannot be converted.
pub fn component_from_module(module: &[u8], preview1: Preview1) -> Result<Vec<u8>, String> {
    let reason = |error| format!("{error:#}");
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .map_err(reason)?;
    if imports_preview1(module).map_err(|error| error.to_string())? {
        let adapter = match preview1 {
            Preview1::Adapter => preview1::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER.to_vec(),
            Preview1::Silent => wat::parse_str(SILENT).map_err(|error| error.to_string())?,
        };
        encoder = encoder
            .adapter(preview1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, &adapter)
            .map_err(reason)?;
    }
    encoder.encode().map_err(reason)
}

/// Like [`component_from_module`], with an error that names the `project`.
pub(crate) fn componentize(
    project: &Project,
    module: &[u8],
    preview1: Preview1,
) -> Result<Vec<u8>, Error> {
    component_from_module(module, preview1).map_err(|message| Error::Component {
        path: project.folder.clone(),
        message,
    })
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

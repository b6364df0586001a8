//! Joins QuickJS, the conversions of a world and a plugin's modules into a component.

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, Encode as _, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalType, ImportSection, MemoryType, Module,
    TypeSection, ValType,
};
use wit_component::{Linker, StringEncoding};
use wit_dylib::DylibOpts;
use wit_dylib::metadata::ExportFunc;
use wit_parser::{Resolve, WorldId};

/// QuickJS without its parser, and the functions that the conversions call: a library
/// that can be placed anywhere in memory. `cargo xtask engine` builds it from `quickjs/`.
pub(super) const QUICKJS: &[u8] = include_bytes!("../../../../engine/quickjs.wasm");

/// The memory of a plugin's stack, in bytes, which is first in the memory.
const STACK: u32 = 512 << 10;

/// The address that QuickJS is prepared for. The linker puts an empty table of 8 bytes after
/// the stack, and the first library after it, aligned to 16 bytes.
pub const ADDRESS: u32 = STACK + 16;

/// The name of the library with the plugin's modules, on which the others depend, because
/// a library that nothing needs is left out.
const PLUGIN: &str = "plugin";

/// What a component depends on, beside its modules.
pub(super) fn engine_hash() -> [u8; 32] {
    *blake3::hash(QUICKJS).as_bytes()
}

/// Joins the libraries. `data` writes what QuickJS needs beside the world, and gets the
/// functions that the world exports.
///
/// # Errors
/// Returns why the world cannot be converted.
pub(super) fn link(
    resolve: &Resolve,
    world: WorldId,
    data: impl FnOnce(&[ExportFunc]) -> Vec<u8>,
) -> Result<Vec<u8>, String> {
    let reason = |error| format!("{error:#}");
    let mut options = DylibOpts {
        interpreter: Some(PLUGIN.to_owned()),
        ..DylibOpts::default()
    };
    let (mut conversions, metadata) =
        wit_dylib::create_with_metadata(resolve, world, Some(&mut options));
    let data = data(&metadata.export_funcs);
    wit_component::embed_component_metadata(&mut conversions, resolve, world, StringEncoding::UTF8)
        .map_err(reason)?;
    Linker::default()
        .validate(true)
        .stack_size(STACK)
        .library("quickjs", QUICKJS, false)
        .and_then(|linker| linker.library(PLUGIN, &plugin_library(&data), false))
        .and_then(|linker| linker.library("world", &conversions, false))
        .and_then(Linker::encode)
        .map_err(reason)
}

/// A library that holds the data and passes its address to QuickJS when the plugin
/// starts.
fn plugin_library(data: &[u8]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    let memory = MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    let base = GlobalType {
        val_type: ValType::I32,
        mutable: false,
        shared: false,
    };
    imports
        .import("env", "memory", memory)
        .import("env", "__memory_base", base)
        .import("env", "kumiki_plugin", EntityType::Function(0));
    let mut functions = FunctionSection::new();
    functions.function(1);
    let mut exports = ExportSection::new();
    exports.export("__wasm_call_ctors", ExportKind::Func, 1);
    let mut start = Function::new([]);
    start.instructions().global_get(0).call(0).end();
    let mut code = CodeSection::new();
    code.function(&start);
    let mut contents = DataSection::new();
    contents.active(0, &ConstExpr::global_get(0), data.iter().copied());
    let mut module = Module::new();
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    module
        .section(&CustomSection {
            name: "dylink.0".into(),
            data: dylink(size).into(),
        })
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports)
        .section(&code)
        .section(&contents);
    module.finish()
}

/// The section that says how much memory a library needs.
fn dylink(memory: u32) -> Vec<u8> {
    const MEMORY_INFO: u8 = 1;
    let mut info = Vec::new();
    for number in [memory, 0, 0, 0] {
        number.encode(&mut info);
    }
    let mut section = vec![MEMORY_INFO];
    info.encode(&mut section);
    section
}

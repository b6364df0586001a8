//! Joins QuickJS, the conversions of a world and a plugin's modules into a component.

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, ElementSection, Elements, Encode as _,
    EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalType, ImportSection,
    MemoryType, Module, RefType, TableType, TypeSection, ValType,
};
use wit_component::{Linker, StringEncoding};
use wit_dylib::DylibOpts;
use wit_dylib::metadata::ExportFunc;
use wit_parser::{Resolve, WorldId};

use crate::world::is_async;

/// QuickJS without its parser, and the functions that the conversions call: a library
/// that can be placed anywhere in memory. `cargo xtask engine` builds it from `quickjs/`.
pub const QUICKJS: &[u8] = include_bytes!("../../../../engine/quickjs.wasm");

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
    let is_async = is_async(resolve, world);
    wit_component::embed_component_metadata(&mut conversions, resolve, world, StringEncoding::UTF8)
        .map_err(reason)?;
    Linker::default()
        .validate(true)
        .stack_size(STACK)
        .library("quickjs", QUICKJS, false)
        .and_then(|linker| linker.library(PLUGIN, &plugin_library(&data, is_async), false))
        .and_then(|linker| linker.library("world", &conversions, false))
        .and_then(Linker::encode)
        .map_err(reason)
}

/// Functions of the component model that a plugin with asynchronous functions imports, with
/// the numbers of parameters, all of them `i32`, and their results: the order is that of
/// `Intrinsics` in `quickjs/src/tasks.c`.
const INTRINSICS: [(&str, usize, Option<ValType>); 12] = [
    ("[waitable-set-new]", 0, Some(ValType::I32)),
    ("[waitable-set-drop]", 1, None),
    ("[waitable-join]", 2, None),
    ("[subtask-drop]", 1, None),
    ("[context-get-0]", 0, Some(ValType::I32)),
    ("[context-set-0]", 1, None),
    ("[stream-new-unit]", 0, Some(ValType::I64)),
    ("[async-lower][stream-write-unit]", 3, Some(ValType::I32)),
    ("[async-lower][stream-read-unit]", 3, Some(ValType::I32)),
    ("[stream-cancel-read-unit]", 1, Some(ValType::I32)),
    ("[stream-drop-readable-unit]", 1, None),
    ("[stream-drop-writable-unit]", 1, None),
];

/// A library that holds the data and passes its address to QuickJS when the plugin starts,
/// with the place of the intrinsics in the table.
fn plugin_library(data: &[u8], is_async: bool) -> Vec<u8> {
    let intrinsics = if is_async { &INTRINSICS[..] } else { &[] };
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    types.ty().function([], []);
    let (mut imports, mut first) = (environment(), 1);
    if is_async {
        let pass = EntityType::Function(0);
        imports.import("env", "kumiki_intrinsics", pass);
        first += 1;
    }
    for (index, (name, parameters, result)) in (2..).zip(intrinsics) {
        let parameters = std::iter::repeat_n(ValType::I32, *parameters);
        types.ty().function(parameters, *result);
        imports.import("$root", name, EntityType::Function(index));
    }
    let count = u32::try_from(intrinsics.len()).unwrap_or_default();
    let mut functions = FunctionSection::new();
    functions.function(1);
    let mut exports = ExportSection::new();
    exports.export("__wasm_call_ctors", ExportKind::Func, first + count);
    let mut elements = ElementSection::new();
    let listed: Vec<u32> = (first..first + count).collect();
    let table_base = ConstExpr::global_get(TABLE_BASE);
    elements.active(Some(0), &table_base, Elements::Functions(listed.into()));
    let mut start = Function::new([]);
    start.instructions().global_get(MEMORY_BASE).call(0);
    if is_async {
        start.instructions().global_get(TABLE_BASE).call(1);
    }
    start.instructions().end();
    let mut code = CodeSection::new();
    code.function(&start);
    let mut contents = DataSection::new();
    let memory_base = ConstExpr::global_get(MEMORY_BASE);
    contents.active(0, &memory_base, data.iter().copied());
    let mut module = Module::new();
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    module
        .section(&CustomSection {
            name: "dylink.0".into(),
            data: dylink(size, count).into(),
        })
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports);
    if is_async {
        module.section(&elements);
    }
    module.section(&code).section(&contents);
    module.finish()
}

/// The globals in [`environment`].
const MEMORY_BASE: u32 = 0;
const TABLE_BASE: u32 = 1;

/// The imports of every library, and the function that takes the data.
fn environment() -> ImportSection {
    let memory = MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    let table = TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 0,
        maximum: None,
        shared: false,
    };
    let base = GlobalType {
        val_type: ValType::I32,
        mutable: false,
        shared: false,
    };
    let mut imports = ImportSection::new();
    imports
        .import("env", "memory", memory)
        .import("env", "__indirect_function_table", table)
        .import("env", "__memory_base", base)
        .import("env", "__table_base", base)
        .import("env", "kumiki_plugin", EntityType::Function(0));
    imports
}

/// The section that says how much memory and how many entries of the table a library needs.
fn dylink(memory: u32, table: u32) -> Vec<u8> {
    const MEMORY_INFO: u8 = 1;
    let mut info = Vec::new();
    for number in [memory, 0, table, 0] {
        number.encode(&mut info);
    }
    let mut section = vec![MEMORY_INFO];
    info.encode(&mut section);
    section
}

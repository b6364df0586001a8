//! Small components for tests, built from WebAssembly text: no toolchain needed, a
//! few kilobytes each, any behaviour.
//!
//! [`build`] takes any world. [`TextPlugin`] starts from a conforming plugin of the
//! text-processor contract and lets a test replace parts of it. [`guests`] finds
//! guests that are built from source in a real language.

mod asynchronous;
pub mod guests;
pub mod imports;
pub mod names;
pub mod wasi;
pub mod wasi_0_3;

pub use asynchronous::AsyncPlugin;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

/// The interface that every plugin of the text-processor contract exports.
pub const PLUGIN_INTERFACE: &str = "myapp:text-processor/plugin";

/// The WIT of the text-processor contract.
pub const TEXT_PROCESSOR: &str = include_str!("../../../wit/text-processor/world.wit");

/// [`TEXT_PROCESSOR`] with the batch interfaces and a world that has all of them.
pub const ALL_CALL_MODES: &str = concat!(
    include_str!("../../../wit/text-processor/world.wit"),
    include_str!("../../../wit/text-processor/batch.wit"),
    include_str!("../../../wit/text-processor/column.wit"),
    "world all-call-modes { include text-plugin-batch; include text-plugin-column; }",
);

/// Builds a component of `world` in `wit` from the imports and functions of a core
/// module. The module has a memory of 2 pages and a `cabi_realloc` that is a bump
/// allocator: it starts at byte 4096 (the test can use what is below) and grows the
/// memory if necessary.
///
/// # Panics
/// If the text is invalid or does not match the world: the test is faulty.
#[must_use]
pub fn build(wit: &str, world: &str, core: &str) -> Vec<u8> {
    componentise(wit, world, core_module(core))
}

/// Builds the core module of [`build`] with the component type of `world` embedded,
/// as compilers emit it.
///
/// # Panics
/// Same as [`build`].
#[must_use]
pub fn module(wit: &str, world: &str, core: &str) -> Vec<u8> {
    with_metadata(wit, world, core_module(core))
}

/// Builds a component of `world` in `wit` from a complete core module.
fn componentise(wit: &str, world: &str, module: Vec<u8>) -> Vec<u8> {
    encode(with_metadata(wit, world, module))
}

/// Builds a component from a module with an embedded component type.
fn encode(module: Vec<u8>) -> Vec<u8> {
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .expect("the module encodes");
    encoder.encode().expect("the module fits the world")
}

fn with_metadata(wit: &str, world: &str, module: Vec<u8>) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let package = resolve
        .push_source("test.wit", wit)
        .expect("the test's WIT parses");
    embed(&resolve, package, world, module)
}

/// Embeds the component type of `world` in a module.
fn embed(resolve: &Resolve, package: PackageId, world: &str, mut module: Vec<u8>) -> Vec<u8> {
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world is there");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)
        .expect("the module takes the world's metadata");
    module
}

/// Appends a custom section to a component or module.
#[must_use]
pub fn with_section(bytes: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut length = 1 + name.len() + data.len();
    bytes.push(0);
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.extend([length as u8, name.len() as u8]);
    bytes.extend(name.bytes());
    bytes.extend(data);
    bytes
}

/// Builds a core module with memory and allocator around `core`, not a component.
///
/// # Panics
/// If the text is not valid WebAssembly.
#[must_use]
pub fn core_module(core: &str) -> Vec<u8> {
    module_with_allocator(core, "")
}

/// [`core_module`] with additional code at the start of the allocator, whose parameters
/// are `$old`, `$old-size`, `$align` and `$size`.
fn module_with_allocator(core: &str, first: &str) -> Vec<u8> {
    // Imports must come first, so the test's own text comes first.
    let text = format!(
        r#"(module $guest
            {core}
            (memory (export "memory") 2)
            (global $free (mut i32) (i32.const 4096))
            (func $realloc (export "cabi_realloc")
                (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
                (result i32)
                (local $at i32)
                {first}
                (local.set $at
                    (i32.and
                        (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
                        (i32.sub (i32.const 0) (local.get $align))))
                (global.set $free (i32.add (local.get $at) (local.get $size)))
                (block $enough
                    (br_if $enough (i32.le_u (global.get $free)
                        (i32.shl (memory.size) (i32.const 16))))
                    (br_if $enough (i32.ne (i32.const -1) (memory.grow
                        (i32.add (i32.const 1)
                            (i32.shr_u (local.get $size) (i32.const 16))))))
                    unreachable)
                (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
                (local.get $at))
            (func $reset (global.set $free (i32.const 4096)))
        )"#
    );
    wat::parse_str(text).expect("the test's WebAssembly text parses")
}

/// Encodes a WIT package in binary format: types only, no code.
///
/// # Panics
/// If the text is not valid WIT: the test is faulty.
#[must_use]
pub fn wit_package(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let package = resolve
        .push_source("test.wit", wit)
        .expect("the test's WIT parses");
    wit_component::encode(&resolve, package).expect("the package encodes")
}

/// Builds a component from the text of a complete component.
///
/// # Panics
/// If the text is not valid WebAssembly.
#[must_use]
pub fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's WebAssembly text parses")
}

/// Builder of a plugin of the text-processor contract. Unless changed, it is `echo`
/// 1.0.0: its output is its input, and its metadata is empty.
///
/// The bodies are WebAssembly text. `process` gets `$at` and `$length` of the
/// input and returns the address of its result, which it can store in bytes 16 to
/// 255. The strings of [`TextPlugin::data`] can be between 256 and 4095. `$log`
/// (level, address, length) and `$get-config` (address, length, address of the
/// result) are the host's functions; [`TextPlugin::import`] adds those of WASI.
pub struct TextPlugin {
    name: String,
    get_name: Option<String>,
    get_version: Option<String>,
    process: String,
    batch: Option<String>,
    column: Option<String>,
    post_return: String,
    allocator: String,
    imports: String,
    /// Whether all of WASI can be imported.
    wasi: bool,
    items: String,
}

impl Default for TextPlugin {
    fn default() -> Self {
        Self::new("echo")
    }
}

impl TextPlugin {
    /// Creates a conforming plugin with this name of at most 64 bytes.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            get_name: None,
            get_version: None,
            process: ECHO.to_owned(),
            batch: None,
            column: None,
            post_return: String::new(),
            allocator: String::new(),
            imports: String::new(),
            wasi: false,
            items: String::new(),
        }
    }

    /// Replaces the body of `process`; its locals come first. See [`ECHO`].
    #[must_use]
    pub fn process(mut self, body: &str) -> Self {
        self.process = body.to_owned();
        self
    }

    /// Exports `process-batch` with this body, such as [`BATCH`]: it gets `$list`
    /// and `$count`, and may call `$process` and `$realloc`.
    #[must_use]
    pub fn batch(mut self, body: &str) -> Self {
        self.batch = Some(body.to_owned());
        self
    }

    /// Exports `process-column` with this body, such as [`COLUMN`]: it gets
    /// `$offsets`, `$offsets-count`, `$bytes` and `$bytes-count`.
    #[must_use]
    pub fn column(mut self, body: &str) -> Self {
        self.column = Some(body.to_owned());
        self
    }

    /// Replaces the body of `get-name`, which returns the address of a string.
    #[must_use]
    pub fn get_name(mut self, body: &str) -> Self {
        self.get_name = Some(body.to_owned());
        self
    }

    /// Replaces the body of `get-version`, which returns the address of a string.
    #[must_use]
    pub fn get_version(mut self, body: &str) -> Self {
        self.get_version = Some(body.to_owned());
        self
    }

    /// Adds code to the start of `process`'s post-return function, which runs after
    /// the host has read the result.
    #[must_use]
    pub fn post_return(mut self, body: &str) -> Self {
        self.post_return = body.to_owned();
        self
    }

    /// Adds code to the start of `cabi_realloc`, which gets `$old`, `$old-size`,
    /// `$align` and `$size`.
    #[must_use]
    pub fn allocator(mut self, body: &str) -> Self {
        self.allocator = body.to_owned();
        self
    }

    /// Imports a function of WASI from [`imports`].
    #[must_use]
    pub fn import(mut self, import: &str) -> Self {
        self.imports.push_str(import);
        self.imports.push('\n');
        self
    }

    /// Lets [`TextPlugin::import`] take any function of WASI, as
    /// [`wasi::Function::import`] writes it.
    #[must_use]
    pub fn with_all_of_wasi(mut self) -> Self {
        self.wasi = true;
        self
    }

    /// Imports any function of WASI under a label such as `$open`. Cannot be combined
    /// with the functions in [`imports`].
    #[must_use]
    pub fn wasi(self, interface: &str, name: &str, label: &str) -> Self {
        let import = wasi::function(interface, name).import(label);
        self.with_all_of_wasi().import(&import)
    }

    /// Adds module items other than imports, such as functions, tables or a start
    /// function.
    #[must_use]
    pub fn items(mut self, text: &str) -> Self {
        self.items.push_str(text);
        self.items.push('\n');
        self
    }

    /// Adds a string at an address between 256 and 4095.
    #[must_use]
    pub fn data(self, at: u32, text: &str) -> Self {
        use std::fmt::Write as _;
        let bytes = text.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\{byte:02x}");
            text
        });
        self.items(&format!("(data (i32.const {at}) \"{bytes}\")"))
    }

    /// Adds a mutable 32-bit global with the initial value 0.
    #[must_use]
    pub fn global(self, name: &str) -> Self {
        self.items(&format!("(global ${name} (mut i32) (i32.const 0))"))
    }

    /// Returns the text of the core module's imports and functions.
    #[must_use]
    pub fn core(&self) -> String {
        let Self {
            name,
            get_name,
            get_version,
            process,
            batch,
            column,
            post_return,
            allocator: _,
            imports,
            wasi: _,
            items,
        } = self;
        let many = many(
            "batch",
            "(param $list i32) (param $count i32)",
            batch.as_deref(),
        ) + &many(
            "column",
            "(param $offsets i32) (param $offsets-count i32)
                 (param $bytes i32) (param $bytes-count i32)",
            column.as_deref(),
        );
        // Defined only if it is called, because backtraces show this name.
        let process_label = if many.is_empty() { "" } else { "$process " };
        let get_name = get_name.as_deref().unwrap_or(
            "(i32.store (i32.const 0) (i32.const 64)) \
             (i32.store (i32.const 4) (global.get $name-length)) (i32.const 0)",
        );
        let get_version = get_version.as_deref().unwrap_or(
            "(i32.store (i32.const 0) (i32.const 48)) \
             (i32.store (i32.const 4) (i32.const 5)) (i32.const 0)",
        );
        format!(
            r#"
            (import "myapp:text-processor/host-api" "log"
                (func $log (param i32 i32 i32)))
            (import "myapp:text-processor/host-api" "get-config"
                (func $get-config (param i32 i32 i32)))
            {imports}
            (global $name-length i32 (i32.const {}))
            (data (i32.const 64) "{name}")
            (data (i32.const 48) "1.0.0")
            {items}
            (func (export "myapp:text-processor/plugin#get-name") (result i32) {get_name})
            (func (export "myapp:text-processor/plugin#get-version") (result i32) {get_version})
            (func {process_label}(export "myapp:text-processor/plugin#process")
                (param $at i32) (param $length i32) (result i32) {process})
            (func (export "cabi_post_myapp:text-processor/plugin#process") (param i32)
                {post_return}
                (call $reset))
            {many}
            "#,
            name.len(),
        )
    }

    /// Builds the component.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let module = module_with_allocator(&self.core(), &self.allocator);
        match (&self.batch, &self.column) {
            (Some(_), Some(_)) => return componentise(ALL_CALL_MODES, "all-call-modes", module),
            (Some(_), None) => return componentise(ALL_CALL_MODES, "text-plugin-batch", module),
            (None, Some(_)) => return componentise(ALL_CALL_MODES, "text-plugin-column", module),
            (None, None) => {}
        }
        if self.wasi {
            let (resolve, package) = wasi::resolve(TEXT_PROCESSOR);
            return encode(embed(&resolve, package, wasi::WORLD, module));
        }
        if self.imports.is_empty() {
            return componentise(TEXT_PROCESSOR, "text-plugin", module);
        }
        let wit = format!("{TEXT_PROCESSOR}\n{}", imports::WIT);
        componentise(&wit, "text-plugin-with-wasi", module)
    }
}

/// The function `process-NAME` of interface `NAME`, if it has a body.
fn many(name: &str, parameters: &str, body: Option<&str>) -> String {
    body.map_or_else(String::new, |body| {
        format!(
            r#"
            (func (export "myapp:text-processor/{name}#process-{name}")
                {parameters} (result i32) {body})
            (func (export "cabi_post_myapp:text-processor/{name}#process-{name}") (param i32)
                (call $reset))
            "#
        )
    })
}

/// A body of `process-batch` that calls `process` for each record.
pub const BATCH: &str = "
    (local $row i32) (local $results i32)
    (local.set $results (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)
        (i32.mul (local.get $count) (i32.const 20))))
    (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $count)))
        (memory.copy
            (i32.add (local.get $results) (i32.mul (local.get $row) (i32.const 20)))
            (call $process
                (i32.load (i32.add (local.get $list) (i32.shl (local.get $row) (i32.const 3))))
                (i32.load offset=4
                    (i32.add (local.get $list) (i32.shl (local.get $row) (i32.const 3)))))
            (i32.const 20))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $next)))
    (i32.store (i32.const 8) (local.get $results))
    (i32.store (i32.const 12) (local.get $count))
    (i32.const 8)";

/// A body of `process-column` that calls `process` for each record. The outputs together
/// must not be longer than the inputs, and metadata is dropped.
pub const COLUMN: &str = "
    (local $row i32) (local $rows i32) (local $at i32) (local $result i32)
    (local $ends i32) (local $text i32) (local $failed i32) (local $failures i32)
    (local.set $rows (i32.sub (local.get $offsets-count) (i32.const 1)))
    (local.set $ends (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)
        (i32.shl (local.get $offsets-count) (i32.const 2))))
    (local.set $failed (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)
        (i32.shl (local.get $rows) (i32.const 3))))
    (local.set $text (call $realloc (i32.const 0) (i32.const 0) (i32.const 1)
        (local.get $bytes-count)))
    (i32.store (local.get $ends) (i32.const 0))
    (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $rows)))
        (local.set $result (call $process
            (i32.add (local.get $bytes) (i32.load (local.get $offsets)))
            (i32.sub (i32.load offset=4 (local.get $offsets)) (i32.load (local.get $offsets)))))
        (if (i32.load8_u (local.get $result))
            (then
                (i32.store (local.get $failed) (local.get $row))
                (i32.store8 offset=4 (local.get $failed) (i32.load8_u offset=4 (local.get $result)))
                (local.set $failed (i32.add (local.get $failed) (i32.const 8)))
                (local.set $failures (i32.add (local.get $failures) (i32.const 1))))
            (else
                (memory.copy (i32.add (local.get $text) (local.get $at))
                    (i32.load offset=4 (local.get $result)) (i32.load offset=8 (local.get $result)))
                (local.set $at (i32.add (local.get $at) (i32.load offset=8 (local.get $result))))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (local.set $offsets (i32.add (local.get $offsets) (i32.const 4)))
        (i32.store (i32.add (local.get $ends) (i32.shl (local.get $row) (i32.const 2)))
            (local.get $at))
        (br $next)))
    (local.set $result (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 64)))
    (memory.fill (local.get $result) (i32.const 0) (i32.const 64))
    (i32.store (local.get $result) (local.get $ends))
    (i32.store offset=4 (local.get $result) (i32.add (local.get $rows) (i32.const 1)))
    (i32.store offset=8 (local.get $result) (local.get $text))
    (i32.store offset=12 (local.get $result) (local.get $at))
    (i32.store offset=56 (local.get $result)
        (i32.sub (local.get $failed) (i32.shl (local.get $failures) (i32.const 3))))
    (i32.store offset=60 (local.get $result) (local.get $failures))
    (local.get $result)";

/// A body of `process` that returns its input as its output.
pub const ECHO: &str = "
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $at))
    (i32.store (i32.const 24) (local.get $length))
    (i32.store (i32.const 28) (i32.const 0))
    (i32.store (i32.const 32) (i32.const 0))
    (i32.const 16)";

/// A body of `process` that returns the error of this number: 0 for
/// `invalid-input`, 1 for `unsupported-format`, 2 for `internal-error`.
#[must_use]
pub fn error(number: u32) -> String {
    format!(
        "(i32.store8 (i32.const 16) (i32.const 1))
         (i32.store8 (i32.const 20) (i32.const {number}))
         (i32.const 16)"
    )
}

//! All functions of WASI 0.2 that a plugin can import, with their types.

use std::fmt::Write as _;

use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Handle, PackageId, Resolve, Type, TypeDefKind, WorldItem};

/// The version of WASI that is imported.
pub const VERSION: &str = "0.2.12";

/// The packages, each after its dependencies.
const PACKAGES: [(&str, &str); 7] = [
    ("io.wit", include_str!("../wasi/io.wit")),
    ("clocks.wit", include_str!("../wasi/clocks.wit")),
    ("random.wit", include_str!("../wasi/random.wit")),
    ("filesystem.wit", include_str!("../wasi/filesystem.wit")),
    ("sockets.wit", include_str!("../wasi/sockets.wit")),
    ("cli.wit", include_str!("../wasi/cli.wit")),
    ("http.wit", include_str!("../wasi/http.wit")),
];

/// The world of a text plugin that can import all of WASI.
pub(crate) const WORLD: &str = "text-plugin-with-all-of-wasi";

/// A function of WASI as a core module imports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The interface, such as `wasi:io/poll`, without its version.
    pub interface: String,
    /// The version of WASI.
    pub version: &'static str,
    /// The name, such as `[method]pollable.block` or `[resource-drop]pollable`.
    pub name: String,
    /// Whether its type is asynchronous.
    pub is_async: bool,
    /// The types of its parameters: `i32`, `i64`, `f32` or `f64`.
    pub parameters: Vec<&'static str>,
    /// The types of its results.
    pub results: Vec<&'static str>,
    /// The meaning of each parameter.
    pub kinds: Vec<Kind>,
    /// The resources that it returns, with the offset of each in the result, or as
    /// the result itself.
    pub gives: Vec<(u32, String)>,
}

/// The meaning of a parameter of a core function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A borrowed handle of this resource.
    Borrowed(String),
    /// An owned handle of this resource.
    Owned(String),
    /// An address in memory.
    Pointer,
    /// A number of bytes or elements.
    Length,
    /// The address for the result.
    Answer,
    /// A number, a flag or a case.
    Value,
}

impl Function {
    /// Returns the import in text format, under a label such as `$block`.
    #[must_use]
    pub fn import(&self, label: &str) -> String {
        let mut text = format!(
            "(import \"{}@{}\" \"{}\" (func {label}",
            self.interface, self.version, self.name
        );
        for (word, types) in [("param", &self.parameters), ("result", &self.results)] {
            if !types.is_empty() {
                let _ = write!(text, " ({word} {})", types.join(" "));
            }
        }
        text + "))"
    }
}

/// Parses WASI and the contract's world that imports all of it.
pub(crate) fn resolve(wit: &str) -> (Resolve, PackageId) {
    let mut resolve = Resolve::new();
    for (name, text) in PACKAGES {
        resolve.push_source(name, text).expect("WASI parses");
    }
    let mut world = format!("{wit}\nworld {WORLD} {{ include text-plugin;\n");
    for package in ["cli", "filesystem", "sockets"] {
        let _ = writeln!(world, "include wasi:{package}/imports@{VERSION};");
    }
    let _ = writeln!(
        world,
        "import wasi:http/types@{VERSION}; import wasi:http/outgoing-handler@{VERSION}; }}"
    );
    let package = resolve
        .push_source("test.wit", &world)
        .expect("the test's WIT parses");
    (resolve, package)
}

/// Returns every function of WASI that a plugin can import.
///
/// # Panics
/// If the WIT of WASI is invalid.
#[must_use]
pub fn functions() -> Vec<Function> {
    let (resolve, package) = resolve(crate::TEXT_PROCESSOR);
    functions_of(&resolve, package, WORLD, VERSION)
}

/// Returns every function of WASI that a world imports.
pub(crate) fn functions_of(
    resolve: &Resolve,
    package: PackageId,
    world: &str,
    version: &'static str,
) -> Vec<Function> {
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world is there");
    let mut functions = Vec::new();
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let Some(name) = resolve.id_of(*id) else {
            continue;
        };
        let Some(interface) = name.strip_suffix(&format!("@{version}")) else {
            continue;
        };
        let content = &resolve.interfaces[*id];
        for function in content.functions.values() {
            functions.push(of(resolve, interface, version, function));
        }
        for (name, id) in &content.types {
            if matches!(resolve.types[*id].kind, TypeDefKind::Resource) {
                functions.push(Function {
                    interface: interface.to_owned(),
                    version,
                    name: format!("[resource-drop]{name}"),
                    is_async: false,
                    parameters: vec!["i32"],
                    results: Vec::new(),
                    kinds: vec![Kind::Owned(name.clone())],
                    gives: Vec::new(),
                });
            }
        }
    }
    functions
}

fn of(
    resolve: &Resolve,
    interface: &str,
    version: &'static str,
    function: &wit_parser::Function,
) -> Function {
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
    let mut kinds: Vec<Kind> = signature.params.iter().map(kind).collect();
    if !signature.indirect_params {
        // Handles come first, each as one parameter.
        let handles = function
            .params
            .iter()
            .map_while(|it| handle(resolve, it.ty));
        for (kind, handle) in kinds.iter_mut().zip(handles) {
            *kind = handle;
        }
    }
    if signature.retptr
        && let Some(last) = kinds.last_mut()
    {
        *last = Kind::Answer;
    }
    Function {
        interface: interface.to_owned(),
        version,
        name: function.name.clone(),
        is_async: function.kind.is_async(),
        parameters: signature.params.iter().map(core_type).collect(),
        results: signature.results.iter().map(core_type).collect(),
        kinds,
        gives: function
            .result
            .map_or_else(Vec::new, |result| given(resolve, result)),
    }
}

/// Returns the resources in a result, if their offsets are simple to compute.
fn given(resolve: &Resolve, result: Type) -> Vec<(u32, String)> {
    if let Some(resource) = resource(resolve, result) {
        return vec![(0, resource)];
    }
    let Type::Id(id) = result else {
        return Vec::new();
    };
    match &resolve.types[id].kind {
        TypeDefKind::Result(result) => {
            // After the discriminant. Payloads with 64-bit alignment have no resource.
            let ok = result.ok.map_or_else(Vec::new, |ok| given(resolve, ok));
            ok.into_iter().map(|(at, it)| (at + 4, it)).collect()
        }
        TypeDefKind::Tuple(tuple) => {
            let resources = tuple.types.iter().map_while(|it| resource(resolve, *it));
            (0..).step_by(4).zip(resources).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the resource of a handle type.
fn resource(resolve: &Resolve, of: Type) -> Option<String> {
    match handle(resolve, of)? {
        Kind::Owned(resource) | Kind::Borrowed(resource) => Some(resource),
        _ => None,
    }
}

fn handle(resolve: &Resolve, of: Type) -> Option<Kind> {
    let Type::Id(id) = of else { return None };
    let (id, owned) = match &resolve.types[id].kind {
        TypeDefKind::Handle(Handle::Own(id)) => (id, true),
        TypeDefKind::Handle(Handle::Borrow(id)) => (id, false),
        TypeDefKind::Type(used) => return handle(resolve, *used),
        _ => return None,
    };
    let mut id = *id;
    while let TypeDefKind::Type(Type::Id(used)) = resolve.types[id].kind {
        id = used;
    }
    let name = resolve.types[id].name.clone()?;
    Some(match owned {
        true => Kind::Owned(name),
        false => Kind::Borrowed(name),
    })
}

fn kind(of: &WasmType) -> Kind {
    match of {
        WasmType::Pointer => Kind::Pointer,
        WasmType::Length => Kind::Length,
        _ => Kind::Value,
    }
}

/// Returns the function with this interface and name.
///
/// # Panics
/// If no such function exists: then the test itself is wrong.
#[must_use]
pub fn function(interface: &str, name: &str) -> Function {
    functions()
        .into_iter()
        .find(|function| function.interface == interface && function.name == name)
        .unwrap_or_else(|| panic!("WASI has no `{interface}` with `{name}`"))
}

fn core_type(of: &WasmType) -> &'static str {
    match of {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

//! All functions of WASI 0.3 that a plugin can import, and components that call them.

use wit_parser::{PackageId, Resolve};

use crate::wasi::{Function, functions_of};

/// The version of WASI that is imported.
pub const VERSION: &str = "0.3.0";

/// The packages, each after its dependencies.
const PACKAGES: [(&str, &str); 6] = [
    ("clocks.wit", include_str!("../wasi/0.3/clocks.wit")),
    ("random.wit", include_str!("../wasi/0.3/random.wit")),
    ("filesystem.wit", include_str!("../wasi/0.3/filesystem.wit")),
    ("sockets.wit", include_str!("../wasi/0.3/sockets.wit")),
    ("cli.wit", include_str!("../wasi/0.3/cli.wit")),
    ("http.wit", include_str!("../wasi/0.3/http.wit")),
];

const WIT: &str = "
    package test:wasi;
    world all {
        include wasi:cli/imports@0.3.0;
        import wasi:http/types@0.3.0;
        import wasi:http/client@0.3.0;
        export run: async func(argument: u64) -> u64;
    }";

/// Parses the packages of WASI.
pub(crate) fn packages() -> Resolve {
    let mut resolve = Resolve::new();
    for (name, text) in PACKAGES {
        resolve.push_source(name, text).expect("WASI parses");
    }
    resolve
}

fn resolve() -> (Resolve, PackageId) {
    let mut resolve = packages();
    let package = resolve
        .push_source("test.wit", WIT)
        .expect("the test's WIT parses");
    (resolve, package)
}

/// Returns every function of WASI 0.3 that a plugin can import. As a core module imports
/// them here, asynchronous functions wait.
///
/// # Panics
/// If the WIT of WASI is invalid.
#[must_use]
pub fn functions() -> Vec<Function> {
    let (resolve, package) = resolve();
    functions_of(&resolve, package, "all", VERSION)
}

/// Returns the text of the import of a function of WASI, or of a built-in function for one
/// of its streams and futures, under a label such as `$open`.
///
/// # Panics
/// If no such function exists: then the test itself is wrong.
#[must_use]
pub fn import(interface: &str, name: &str, label: &str) -> String {
    let mut functions = functions().into_iter();
    let function = functions.find(|it| it.interface == interface && it.name == name);
    function
        .unwrap_or_else(|| panic!("WASI 0.3 has no `{interface}` with `{name}`"))
        .import(label)
}

/// Builds a component that exports `run`, an asynchronous function of a number that returns
/// a number. `body` gets `$argument` and leaves the result; it may wait.
///
/// # Panics
/// If the text is invalid: the test is faulty.
#[must_use]
pub fn component(imports: &str, items: &str, body: &str) -> Vec<u8> {
    let (resolve, package) = resolve();
    let module = crate::core_module(&format!(
        r#"{imports}
        (import "[export]$root" "[task-return]run" (func $return (param i64)))
        {items}
        (func (export "[async-lift]run") (param $argument i64) (result i32)
            (call $return (call $run (local.get $argument)))
            (i32.const 0))
        (func (export "[callback][async-lift]run") (param i32 i32 i32) (result i32)
            unreachable)
        (func $run (param $argument i64) (result i64) {body})"#
    ));
    crate::encode(crate::embed(&resolve, package, "all", module))
}

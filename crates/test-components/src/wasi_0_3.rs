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

/// Builder of a component that exports `run`, an asynchronous function of a number that
/// returns a number.
///
/// Labels are such as `$open`. Imported functions of WASI wait until they are done.
#[derive(Clone, Debug, Default)]
pub struct Guest {
    imports: String,
    items: String,
}

impl Guest {
    /// Creates a builder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Imports a function of WASI.
    ///
    /// # Panics
    /// If no such function exists: then the test itself is wrong.
    #[must_use]
    pub fn import(mut self, interface: &str, name: &str, label: &str) -> Self {
        let mut functions = functions().into_iter();
        let function = functions.find(|it| it.interface == interface && it.name == name);
        let function =
            function.unwrap_or_else(|| panic!("WASI 0.3 has no `{interface}` with `{name}`"));
        self.imports += &function.import(label);
        self
    }

    /// Imports a built-in function, such as `stream-new-0`, for a stream or future in the
    /// type of a function of WASI.
    #[must_use]
    pub fn built_in(
        mut self,
        interface: &str,
        function: &str,
        name: &str,
        label: &str,
        ty: &str,
    ) -> Self {
        let import = format!("\"{interface}@{VERSION}\" \"[{name}]{function}\"");
        self.imports += &format!("(import {import} (func {label} {ty}))\n");
        self
    }

    /// Imports a built-in function that reads or writes a stream (of a handle, an address
    /// and a length) or a future (of a handle and an address), and waits until that is done.
    #[must_use]
    pub fn transfer(self, interface: &str, function: &str, name: &str, label: &str) -> Self {
        let (parameters, arguments) = match name.starts_with("stream") {
            true => ("(param i32 i32 i32)", "(local.get 1) (local.get 2)"),
            false => ("(param i32 i32)", "(local.get 1)"),
        };
        let raw = format!("{label}-at-once");
        let ty = format!("{parameters} (result i32)");
        self.built_in(
            interface,
            function,
            &format!("async-lower][{name}"),
            &raw,
            &ty,
        )
        .items(&format!(
            "(func {label} {ty}
                (call $wait-for (local.get 0) (call {raw} (local.get 0) {arguments})))"
        ))
    }

    /// Returns the text of the imports.
    #[must_use]
    pub fn imports(&self) -> &str {
        &self.imports
    }

    /// Adds module items other than imports.
    #[must_use]
    pub fn items(mut self, text: &str) -> Self {
        self.items += text;
        self.items.push('\n');
        self
    }

    /// Builds the component. `body` gets `$argument` and leaves the result.
    ///
    /// # Panics
    /// If the text is invalid: the test is faulty.
    #[must_use]
    pub fn run(&self, body: &str) -> Vec<u8> {
        let (resolve, package) = resolve();
        let Self { imports, items } = self;
        let module = crate::core_module(&format!(
            r#"{imports}
            (import "[export]$root" "[task-return]run" (func $return (param i64)))
            (import "$root" "[waitable-set-new]" (func $new-set (result i32)))
            (import "$root" "[waitable-set-wait]" (func $wait-set (param i32 i32) (result i32)))
            (import "$root" "[waitable-set-drop]" (func $drop-set (param i32)))
            (import "$root" "[waitable-join]" (func $join (param i32 i32)))
            {items}
            ;; Waits for the result of a built-in function that would block.
            (func $wait-for (param $handle i32) (param $result i32) (result i32)
                (local $set i32)
                (if (i32.ne (local.get $result) (i32.const -1))
                    (then (return (local.get $result))))
                (local.set $set (call $new-set))
                (call $join (local.get $handle) (local.get $set))
                (drop (call $wait-set (local.get $set) (i32.const 256)))
                (call $join (local.get $handle) (i32.const 0))
                (call $drop-set (local.get $set))
                (i32.load (i32.const 260)))
            (func (export "[async-lift]run") (param $argument i64) (result i32)
                (call $return (call $run (local.get $argument)))
                (i32.const 0))
            (func (export "[callback][async-lift]run") (param i32 i32 i32) (result i32)
                unreachable)
            (func $run (param $argument i64) (result i64) {body})"#
        ));
        crate::encode(crate::embed(&resolve, package, "all", module))
    }
}

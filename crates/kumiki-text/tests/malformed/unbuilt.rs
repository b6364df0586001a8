//! What later proposals of WebAssembly add and this build of wasmtime leaves
//! out: garbage collection, exceptions, threads. References alone, and small
//! numbers as such, are built in. Two advisories of 2026 tell of such builds that
//! abort (docs/security.md): nothing here does.

use kumiki::Error;
use kumiki_text::{Config, TextPlugin};

use super::HOST;

/// Items of a core module, and whether they are refused.
const CASES: &[(&str, &str, bool)] = &[
    ("a shared memory", "(memory $s 1 1 shared)", true),
    (
        "an atomic instruction",
        "(func (drop (i32.atomic.load (i32.const 0))))",
        true,
    ),
    (
        "waiting on an address",
        "(func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))",
        true,
    ),
    ("a structure", "(type (struct (field i32)))", true),
    ("an array", "(type (array i8))", true),
    ("an exception", "(tag $e (param i32))", true),
    ("an exception thrown", "(tag $e) (func (throw $e))", true),
    (
        "a table of small numbers",
        "(table $t 4 i31ref) (start $s) (func $s
            (table.fill $t (i32.const 0) (ref.i31 (i32.const 5)) (i32.const 2)))",
        true,
    ),
    (
        "a global of any reference",
        "(global $g (mut anyref) (ref.i31 (i32.const 4)))",
        true,
    ),
    (
        "a reference turned into another's",
        "(func (drop (any.convert_extern (ref.null extern))))",
        true,
    ),
    ("a table of exceptions", "(table 4 exnref)", true),
    (
        "an exception caught",
        "(func (block $b (try_table (catch_all $b))))",
        true,
    ),
    (
        "a small number as a reference",
        "(start $s) (func $s (drop (i31.get_s (ref.i31 (i32.const 1)))))",
        false,
    ),
    (
        "a small number, asked for its type",
        "(start $s) (func $s
            (drop (ref.test (ref struct) (ref.i31 (i32.const 5))))
            (drop (ref.cast (ref eq) (ref.i31 (i32.const 5)))))",
        false,
    ),
    ("a table of references", "(table 4 externref)", true),
    (
        "a null reference",
        "(start $s) (func $s (drop (ref.is_null (ref.null extern))))",
        true,
    ),
    (
        "a table of references, changed",
        "(table $t 4 externref) (start $s) (func $s
            (table.set $t (i32.const 0) (ref.null extern))
            (table.fill $t (i32.const 0) (table.get $t (i32.const 1)) (i32.const 4))
            (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 2))
            (drop (table.grow $t (ref.null extern) (i32.const 3))))",
        true,
    ),
    (
        "a global reference, changed",
        "(global $g (mut externref) (ref.null extern)) (start $s)
         (func $s (global.set $g (ref.null extern)) (drop (global.get $g)))",
        true,
    ),
    (
        "a call by a reference",
        "(type $f (func)) (elem declare func $g) (func $g) (start $s)
         (func $s (call_ref $f (ref.func $g)))",
        false,
    ),
    (
        "a tail call",
        "(start $s) (func $g) (func $s (return_call $g))",
        false,
    ),
];

#[test]
fn what_is_not_built_in_is_refused_and_what_is_runs() {
    for (name, items, refused) in CASES {
        let bytes = test_components::TextPlugin::new("x").items(items).build();
        let loaded = match HOST.load_bytes("p.wasm", &bytes) {
            Err(Error::Compile { .. }) => None,
            other => Some(other.expect(name)),
        };
        assert_eq!(loaded.is_none(), *refused, "{name}");
        if let Some(plugin) = loaded {
            let mut plugin = TextPlugin::new(plugin, Config::default()).expect(name);
            assert_eq!(plugin.process("text").expect(name).output, "text", "{name}");
        }
    }
}

//! WebAssembly proposals that no compiler of plugins uses. They are disabled, and
//! components that use them are rejected with a reason before compilation. Some are
//! not compiled into this wasmtime either (garbage collection, exceptions, threads);
//! two advisories of 2026 describe such builds that abort (docs/security.md).

use kumiki::Error;
use kumiki_text::{Config, TextPlugin};

use super::HOST;

/// Items of a core module, and the disabled proposal that they need.
const CASES: &[(&str, &str, &str)] = &[
    ("a shared memory", "(memory $s 1 1 shared)", "threads"),
    (
        "an atomic instruction",
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "threads",
    ),
    (
        "waiting on an address",
        "(memory 1) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))",
        "threads",
    ),
    ("a structure", "(type (struct (field i32)))", "gc"),
    ("an array", "(type (array i8))", "gc"),
    ("an exception", "(tag $e (param i32))", "exceptions"),
    (
        "an exception thrown",
        "(tag $e) (func (throw $e))",
        "exceptions",
    ),
    (
        "a table of small numbers",
        "(table $t 4 i31ref) (start $s) (func $s
            (table.fill $t (i32.const 0) (ref.i31 (i32.const 5)) (i32.const 2)))",
        "gc-types",
    ),
    (
        "a global of any reference",
        "(global $g (mut anyref) (ref.i31 (i32.const 4)))",
        "gc-types",
    ),
    (
        "a reference turned into another's",
        "(func (drop (any.convert_extern (ref.null extern))))",
        "gc-types",
    ),
    ("a table of exceptions", "(table 4 exnref)", "exceptions"),
    (
        "an exception caught",
        "(func (block $b (try_table (catch_all $b))))",
        "exceptions",
    ),
    (
        "a small number as a reference",
        "(start $s) (func $s (drop (i31.get_s (ref.i31 (i32.const 1)))))",
        "gc",
    ),
    (
        "a small number, asked for its type",
        "(start $s) (func $s
            (drop (ref.test (ref struct) (ref.i31 (i32.const 5))))
            (drop (ref.cast (ref eq) (ref.i31 (i32.const 5)))))",
        "gc",
    ),
    ("a table of references", "(table 4 externref)", "gc-types"),
    (
        "a null reference",
        "(start $s) (func $s (drop (ref.is_null (ref.null extern))))",
        "gc-types",
    ),
    (
        "a table of references, changed",
        "(table $t 4 externref) (start $s) (func $s
            (table.set $t (i32.const 0) (ref.null extern))
            (table.fill $t (i32.const 0) (table.get $t (i32.const 1)) (i32.const 4))
            (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 2))
            (drop (table.grow $t (ref.null extern) (i32.const 3))))",
        "gc-types",
    ),
    (
        "a global reference, changed",
        "(global $g (mut externref) (ref.null extern)) (start $s)
         (func $s (global.set $g (ref.null extern)) (drop (global.get $g)))",
        "gc-types",
    ),
    (
        "a call by a reference",
        "(type $f (func)) (elem declare func $g) (func $g) (start $s)
         (func $s (call_ref $f (ref.func $g)))",
        "function-references",
    ),
];

#[test]
fn disabled_proposals_are_rejected_by_name() {
    let mut faults = Vec::new();
    for (name, items, expected) in CASES {
        let bytes = test_components::parse(&format!("(component (core module {items}))"));
        match HOST.load_bytes("p.wasm", &bytes) {
            Err(Error::Proposal { proposal, .. }) if proposal == *expected => {}
            other => faults.push(format!("{name}: {other:?}, not `{expected}`")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Features that QuickJS and CPython use, besides those of every compiler.
#[test]
fn proposals_that_plugin_compilers_use_are_enabled() {
    for (name, items) in [
        (
            "a tail call",
            "(start $s) (func $g) (func $s (return_call $g))",
        ),
        (
            "an address that is computed where a module starts",
            "(data (offset (i32.add (i32.const 256) (i32.const 4))) \"text\")",
        ),
        (
            "a table of functions, changed",
            "(table $t 4 funcref) (elem declare func $s) (start $s)
             (func $s (table.set $t (i32.const 0) (ref.func $s)))",
        ),
        (
            "a vector of numbers",
            "(start $s) (func $s
                (drop (i32x4.add (v128.const i32x4 1 2 3 4) (v128.const i32x4 1 2 3 4))))",
        ),
        (
            "a conversion that saturates, and an extended sign",
            "(start $s) (func $s
                (drop (i32.trunc_sat_f64_s (f64.const nan)))
                (drop (i32.extend8_s (i32.const 255))))",
        ),
    ] {
        let bytes = test_components::TextPlugin::new("x").items(items).build();
        let plugin = HOST.load_bytes("p.wasm", &bytes).expect(name);
        let mut plugin = TextPlugin::new(plugin, Config::default()).expect(name);
        assert_eq!(plugin.process("text").expect(name).output, "text", "{name}");
    }
}

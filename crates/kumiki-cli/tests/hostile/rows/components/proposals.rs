//! Rows: plugins that use disabled WebAssembly proposals. Each proposal is refused by
//! name before anything is compiled.

use test_components::{TextPlugin, parse};

use crate::suite::Case;
use crate::suite::Outcome::Proposal;

pub(crate) fn cases() -> Vec<Case> {
    let module = |name, proposal, items: &'static str| {
        Case::bytes(name, Proposal, proposal, move || {
            TextPlugin::new("hostile").items(items).build()
        })
    };
    // A separate component, because the plugin's own memory would be refused first.
    let alone = |name, proposal, items: &'static str| {
        Case::bytes(name, Proposal, proposal, move || {
            parse(&format!("(component (core module {items}))"))
        })
    };
    vec![
        module(
            "relaxed SIMD",
            "relaxed-simd",
            "(func (param v128 v128 v128) (result v128)
                (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))",
        ),
        alone(
            "a memory of 64-bit addresses",
            "memory64",
            "(memory $large i64 1)",
        ),
        module(
            "a table of 64-bit indices",
            "memory64",
            "(table $large i64 1 funcref)",
        ),
        module(
            "two memories in a module",
            "multi-memory",
            "(memory $second 1)",
        ),
        alone(
            "a memory with pages of one byte",
            "custom-page-sizes",
            "(memory $small 1 (pagesize 1))",
        ),
        module(
            "a table of host references",
            "gc-types",
            "(table $objects 4 externref)",
        ),
        module(
            "a call by a typed reference",
            "function-references",
            "(type $f (func)) (func (param (ref null $f)) (call_ref $f (local.get 0)))",
        ),
        module(
            "arithmetic of 128 bits",
            "wide-arithmetic",
            "(func (param i64 i64 i64 i64) (result i64 i64)
                (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
        ),
        module(
            "a garbage-collected structure",
            "gc",
            "(type (struct (field i32)))",
        ),
        module("an exception", "exceptions", "(tag $e (param i32))"),
        alone("a shared memory", "threads", "(memory $shared 1 1 shared)"),
        Case::bytes("a list of fixed length", Proposal, "fixed", || {
            parse("(component (type (list u8 1000000)))")
        }),
        Case::bytes("a map", Proposal, "map", || {
            parse("(component (type (map string u8)))")
        }),
    ]
}

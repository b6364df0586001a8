//! Rows: built-in functions and types that no contract needs.

use test_components::{AsyncPlugin, parse};

use crate::suite::Case;
use crate::suite::Outcome::{Malformed, Proposal, WrongType};

pub(super) fn cases() -> Vec<Case> {
    let refused = |name, proposal, component: &'static str| {
        Case::bytes(name, Proposal, proposal, move || {
            parse(&format!("(component {component})"))
        })
    };
    vec![
        refused(
            "builtin: an error context is created",
            "cm-error-context",
            "(core module $m (memory (export \"m\") 1)) (core instance $i (instantiate $m))
             (alias core export $i \"m\" (core memory $memory))
             (core func (canon error-context.new (memory $memory)))",
        ),
        refused(
            "builtin: an error context is dropped",
            "cm-error-context",
            "(core func (canon error-context.drop))",
        ),
        refused(
            "builtin: the number of a thread",
            "cm-threading",
            "(core func (canon thread.index))",
        ),
        refused(
            "builtin: a thread is created",
            "cm-threading",
            "(core type $start (func (param i32)))
             (core module $m (table (export \"t\") 1 funcref)) (core instance $i (instantiate $m))
             (alias core export $i \"t\" (core table $table))
             (core func (canon thread.new-indirect $start (table $table)))",
        ),
        refused(
            "builtin: a thread waits",
            "cm-threading",
            "(core func (canon thread.suspend))",
        ),
        refused(
            "builtin: the number of processors",
            "shared-everything-threads",
            "(core func (canon thread.available_parallelism))",
        ),
        refused(
            "builtin: an asynchronous function without a callback",
            "cm-async-stackful",
            "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
             (func (export \"f\") async (canon lift (core func $i \"f\") async))",
        ),
        refused(
            "builtin: a read of a stream that blocks",
            "cm-more-async-builtins",
            "(type $s (stream u8))
             (core module $m (memory (export \"m\") 1)) (core instance $i (instantiate $m))
             (alias core export $i \"m\" (core memory $memory))
             (core func (canon stream.read $s (memory $memory)))",
        ),
        refused(
            "builtin: a read of a future that is cancelled without waiting",
            "cm-more-async-builtins",
            "(type $f (future u8)) (core func (canon future.cancel-read $f async))",
        ),
        refused(
            "builtin: a subtask that is cancelled without waiting",
            "cm-more-async-builtins",
            "(core func (canon subtask.cancel async))",
        ),
        Case::bytes("task: a callback with two results", Malformed, "", || {
            parse(
                r#"(component
                        (core module $m
                            (func (export "f") (result i32) i32.const 0)
                            (func (export "c") (param i32 i32 i32) (result i32 i32)
                                i32.const 0 i32.const 0))
                        (core instance $i (instantiate $m))
                        (func (export "f") async (canon lift (core func $i "f")
                            async (callback (func $i "c")))))"#,
            )
        }),
        other_type("stream: of 16-bit numbers", "u16"),
        other_type("stream: of strings", "string"),
        other_type("stream: of signed bytes", "s8"),
    ]
}

/// A plugin whose streams have elements of another type.
fn other_type(name: &'static str, element: &'static str) -> Case {
    Case::bytes(name, WrongType, element, move || {
        let plugin = AsyncPlugin::streaming("unreachable");
        plugin.streams_of(element).build()
    })
}

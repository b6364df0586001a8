//! Errors of types, names and indexes, in WebAssembly text format, which is
//! converted to binary without validation.

use kumiki::inspect::Kind;

use super::Expected::{self, Malformed, Not, Proposal};

/// The error, the component's text, and the expected outcome.
pub(super) const CASES: &[(&str, &str, Expected)] = &[
    (
        "an import twice",
        r#"(import "a" (func)) (import "a" (func))"#,
        Malformed("conflicts with previous name"),
    ),
    (
        "imports alike but for case",
        r#"(import "a-b" (func)) (import "a-B" (func))"#,
        Malformed("conflicts with previous name"),
    ),
    (
        "an export twice",
        r#"(import "a" (func $f)) (export "b" (func $f)) (export "b" (func $f))"#,
        Malformed("conflicts with previous name"),
    ),
    (
        "exports alike but for case",
        r#"(import "a" (func $f)) (export "b" (func $f)) (export "B" (func $f))"#,
        Malformed("conflicts with previous name"),
    ),
    (
        "an empty name",
        r#"(import "" (func))"#,
        Malformed("kebab case"),
    ),
    (
        "a name with an underscore",
        r#"(import "a_b" (func))"#,
        Malformed("kebab case"),
    ),
    (
        "a name that begins with a digit",
        r#"(import "1a" (func))"#,
        Malformed("kebab case"),
    ),
    (
        "a name with a double hyphen",
        r#"(import "a--b" (func))"#,
        Malformed("kebab case"),
    ),
    (
        "a name of mixed case",
        r#"(import "aB" (func))"#,
        Malformed("kebab case"),
    ),
    (
        "a name in another alphabet",
        "(import \"組木\" (func))",
        Malformed("kebab case"),
    ),
    (
        "a name with an escape sequence",
        "(import \"a\\1b[2J\" (func))",
        Malformed("kebab case"),
    ),
    (
        "an interface without a package",
        r#"(import "/x" (instance))"#,
        Malformed(""),
    ),
    (
        "an interface without a name",
        r#"(import "a:b/" (instance))"#,
        Malformed(""),
    ),
    (
        "a version that is none",
        r#"(import "a:b/c@one" (instance))"#,
        Malformed(""),
    ),
    (
        "a method of no resource",
        r#"(import "[method]a.b" (func))"#,
        Malformed(""),
    ),
    (
        "a constructor that makes nothing",
        r#"(import "a" (type $a (sub resource))) (import "[constructor]a" (func))"#,
        Malformed(""),
    ),
    (
        "an interface's name for a function's field",
        r#"(type (record (field "a:b/c" u8)))"#,
        Malformed("kebab case"),
    ),
    (
        "a field twice",
        r#"(type (record (field "a" u8) (field "A" u8)))"#,
        Malformed("conflicts with previous"),
    ),
    (
        "a case twice",
        r#"(type (variant (case "a") (case "a")))"#,
        Malformed("conflicts with previous"),
    ),
    (
        "a flag twice",
        r#"(type (flags "a" "a"))"#,
        Malformed("conflicts with previous"),
    ),
    (
        "a parameter twice",
        r#"(type (func (param "a" u8) (param "a" u8)))"#,
        Malformed("conflicts with previous"),
    ),
    (
        "a type that is not there",
        "(type (list 7))",
        Malformed("unknown type"),
    ),
    (
        "a type of itself",
        "(type (list 0))",
        Malformed("unknown type"),
    ),
    (
        "types of each other",
        "(type (list 1)) (type (list 0))",
        Malformed("unknown type"),
    ),
    (
        "a list of functions",
        "(type (func)) (type (list 0))",
        Malformed("not a defined type"),
    ),
    (
        "a function of a type that is none",
        r#"(type u8) (import "a" (func (type 0)))"#,
        Malformed("not a function type"),
    ),
    (
        "an instance of a type that is none",
        r#"(type u8) (import "a" (instance (type 0)))"#,
        Malformed("not an instance type"),
    ),
    (
        "an import of a type that is not there",
        r#"(import "a" (func (type 9)))"#,
        Malformed("unknown type"),
    ),
    (
        "an export of a function that is not there",
        r#"(export "a" (func 3))"#,
        Malformed("unknown function"),
    ),
    (
        "an export of an instance that is not there",
        r#"(export "a" (instance 3))"#,
        Malformed("unknown instance"),
    ),
    (
        "an export of a component that is not there",
        r#"(export "a" (component 3))"#,
        Not(Kind::WitPackage),
    ),
    (
        "an export as another type",
        r#"(import "a" (func $f)) (export "b" (func $f) (func (param "x" u8)))"#,
        Malformed(""),
    ),
    (
        "an alias of an export that is not there",
        r#"(import "a" (instance $i)) (alias export $i "b" (func))"#,
        Malformed("no export named"),
    ),
    (
        "an alias of another kind",
        r#"(import "a" (instance $i (export "b" (func)))) (alias export $i "b" (instance))"#,
        Malformed("is not a instance"),
    ),
    (
        "an alias of an instance that is not there",
        r#"(alias export 5 "b" (func))"#,
        Malformed("unknown instance"),
    ),
    (
        "an alias of a core export that is not there",
        r#"(core module $m) (core instance $i (instantiate $m)) (alias core export $i "f" (core func))"#,
        Malformed("no export named"),
    ),
    (
        "an alias of too far outside",
        "(alias outer 3 0 (type))",
        Malformed("invalid outer alias count"),
    ),
    (
        "an alias of an outer type that is not there",
        "(alias outer 0 9 (type))",
        Malformed("unknown type"),
    ),
    (
        "an instance of a component that is not there",
        "(instance (instantiate 4))",
        Malformed("unknown component"),
    ),
    (
        "an instance without what it needs",
        r#"(component $c (import "a" (func))) (instance (instantiate $c))"#,
        Malformed("missing import"),
    ),
    (
        "an instance with another type than it needs",
        r#"(import "f" (func $f (param "x" u8))) (component $c (import "a" (func))) (instance (instantiate $c (with "a" (func $f))))"#,
        Malformed("expected 0 parameters"),
    ),
    (
        "an argument twice",
        r#"(import "f" (func $f)) (component $c (import "a" (func))) (instance (instantiate $c (with "a" (func $f)) (with "a" (func $f))))"#,
        Malformed("conflicts with previous"),
    ),
    (
        "a core instance of a module that is not there",
        "(core instance (instantiate 2))",
        Malformed("unknown module"),
    ),
    (
        "a core instance without what it needs",
        r#"(core module $m (import "a" "b" (func))) (core instance (instantiate $m))"#,
        Malformed("missing module instantiation argument"),
    ),
    (
        "a core instance with another type than it needs",
        r#"(core module $a (func (export "b") (param i32))) (core instance $i (instantiate $a)) (core module $m (import "a" "b" (func))) (core instance (instantiate $m (with "a" (instance $i))))"#,
        Malformed("type mismatch"),
    ),
    (
        "lifted from another core type",
        r#"(core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m)) (func (canon lift (core func $i "f")))"#,
        Malformed("lowered parameter types"),
    ),
    (
        "lifted with another core result",
        r#"(core module $m (func (export "f") (result i64))) (core instance $i (instantiate $m)) (func (result u8) (canon lift (core func $i "f")))"#,
        Malformed("lowered result types"),
    ),
    (
        "lifted from a core function that is not there",
        "(func (canon lift (core func 8)))",
        Malformed("unknown core function"),
    ),
    (
        "lifted to a type that is none",
        r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m)) (alias core export $i "f" (core func $f)) (type u8) (func (type 0) (canon lift (core func $f)))"#,
        Malformed("not a function type"),
    ),
    (
        "a string lifted without a memory",
        r#"(core module $m (func (export "f") (result i32) (i32.const 0))) (core instance $i (instantiate $m)) (func (result string) (canon lift (core func $i "f")))"#,
        Malformed("`memory` is required"),
    ),
    (
        "a string taken without an allocator",
        r#"(core module $m (memory (export "m") 1) (func (export "f") (param i32 i32))) (core instance $i (instantiate $m)) (func (param "s" string) (canon lift (core func $i "f") (memory $i "m")))"#,
        Malformed("`realloc` is required"),
    ),
    (
        "an allocator of another type",
        r#"(core module $m (memory (export "m") 1) (func (export "f")) (func (export "r"))) (core instance $i (instantiate $m)) (func (canon lift (core func $i "f") (memory $i "m") (realloc (func $i "r"))))"#,
        Malformed("`realloc` uses a core function with an incorrect signature"),
    ),
    (
        "a memory that is not there",
        r#"(import "a" (func $f)) (core func (canon lower (func $f) (memory 3)))"#,
        Malformed("unknown memory"),
    ),
    (
        "two encodings of strings",
        r#"(import "a" (func $f)) (core func (canon lower (func $f) string-encoding=utf8 string-encoding=utf16))"#,
        Malformed("conflicts with option"),
    ),
    (
        "two memories for one function",
        r#"(core module $m (memory (export "m") 1)) (core instance $i (instantiate $m)) (import "a" (func $f)) (core func (canon lower (func $f) (memory $i "m") (memory $i "m")))"#,
        Malformed("specified more than once"),
    ),
    (
        "work after the return of a lowered function",
        r#"(core module $m (func (export "p"))) (core instance $i (instantiate $m)) (import "a" (func $f)) (core func (canon lower (func $f) (post-return (func $i "p"))))"#,
        Malformed("post-return"),
    ),
    (
        "work after the return of another type",
        r#"(core module $m (func (export "f")) (func (export "p") (param i32))) (core instance $i (instantiate $m)) (func (canon lift (core func $i "f") (post-return (func $i "p"))))"#,
        Malformed("`post-return` uses a core function with an incorrect signature"),
    ),
    (
        "a function lowered that is not there",
        "(core func (canon lower (func 2)))",
        Malformed("unknown function"),
    ),
    (
        "a resource dropped that is none",
        "(type $t u8) (core func (canon resource.drop $t))",
        Malformed("not a resource"),
    ),
    (
        "a resource dropped that is not there",
        "(core func (canon resource.drop 3))",
        Malformed("unknown type"),
    ),
    (
        "a resource made that is another's",
        r#"(import "r" (type $r (sub resource))) (core func (canon resource.new $r))"#,
        Malformed("not a local resource"),
    ),
    (
        "a resource represented by i64",
        "(type (resource (rep i64)))",
        Proposal("cm64"),
    ),
    (
        "a resource's destructor of another type",
        r#"(core module $m (func (export "d"))) (core instance $i (instantiate $m)) (type (resource (rep i32) (dtor (func $i "d"))))"#,
        Malformed("wrong signature for a destructor"),
    ),
    (
        "a resource in an import's type",
        r#"(component (type (component (type (resource (rep i32))))))"#,
        Malformed("resources can only be defined"),
    ),
    (
        "a handle of what is no resource",
        "(type $t u8) (type (own $t))",
        Malformed("not a resource"),
    ),
    (
        "a borrowed handle in a result",
        r#"(import "r" (type $r (sub resource))) (type (func (result (borrow $r))))"#,
        Malformed("borrow"),
    ),
    (
        "a borrowed handle deep in a result",
        r#"(import "r" (type $r (sub resource))) (type $b (borrow $r)) (type $l (list $b)) (type (func (result (option $l))))"#,
        Malformed("borrow"),
    ),
    (
        "a resource exported without its type",
        r#"(type $r (resource (rep i32))) (type $o (own $r)) (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m)) (func $f (param "r" $o) (canon lift (core func $i "f"))) (export "f" (func $f))"#,
        Malformed("not valid to be used as export"),
    ),
    (
        "a start function",
        r#"(import "a" (func $f)) (start $f)"#,
        Proposal("cm-values"),
    ),
    (
        "an instance type with an export twice",
        r#"(type (instance (export "a" (func)) (export "a" (func))))"#,
        Malformed("conflicts with previous"),
    ),
    (
        "an instance type of a type that is not there",
        r#"(type (instance (export "a" (func (type 4)))))"#,
        Malformed("unknown type"),
    ),
    (
        "an inner component that is malformed",
        "(component (component (type (list 9))))",
        Malformed("unknown type"),
    ),
    (
        "an inner module that is malformed",
        "(core module (func (result i32)))",
        Malformed("type mismatch"),
    ),
    (
        "a core type of itself",
        "(core type (module (import \"a\" \"b\" (func (type 3)))))",
        Malformed("unknown type"),
    ),
];

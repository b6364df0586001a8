use wasm_encoder::{ComponentSectionId, RawSection};
use wasmtime::Store;
use wasmtime::component::{Component as Compiled, Linker, Val};

use super::*;
use crate::{Engine, EngineConfig};

/// Functions with more code than [`MIN_CODE`]; `value` makes the module a different one.
fn large(value: u32) -> String {
    let filler = "nop ".repeat(MIN_CODE);
    format!("(func $large (result i32) {filler} i32.const {value})")
}

/// A large module that exports a function `f`, which returns `value`.
fn module(name: &str, value: u32) -> String {
    format!(
        "(core module {name} (@name \"runtime\") {} (export \"f\" (func $large)))",
        large(value)
    )
}

/// A component that exports `run`: its core function `$i.f`, unless it exports another
/// one.
fn component(text: &str) -> Vec<u8> {
    let lift = "(func (export \"run\") (result u32) (canon lift (core func $i \"f\")))";
    let run = if text.contains("\"run\"") { "" } else { lift };
    test_components::parse(&format!("(component {text} {run})"))
}

/// Calls `run` of a component, which imports these modules.
fn run(component: &[u8], modules: &[(ModuleHash, &[u8])]) -> wasmtime::Result<u32> {
    let engine = Engine::shared(&EngineConfig::default().with_slots(0)).unwrap();
    let engine = engine.as_wasmtime();
    let mut linker = Linker::new(engine);
    for (hash, bytes) in modules {
        let module = wasmtime::Module::from_binary(engine, bytes)?;
        linker.root().module(&hash.import_name(), &module)?;
    }
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = linker.instantiate(&mut store, &Compiled::from_binary(engine, component)?)?;
    let run = instance.get_func(&mut store, "run").unwrap();
    let mut results = [Val::Bool(false)];
    run.call(&mut store, &[], &mut results)?;
    let [Val::U32(result)] = results else {
        panic!("{results:?}");
    };
    Ok(result)
}

/// Checks that a component does the same without its large modules; returns their number.
fn check(component: &[u8]) -> usize {
    let split = split(component).unwrap();
    assert!(split.component.len() < MIN_CODE);
    let result = run(component, &[]).unwrap();
    assert_eq!(run(&split.component, &split.modules).unwrap(), result);
    for (hash, bytes) in &split.modules {
        assert_eq!(*hash, ModuleHash::of(bytes));
    }
    split.modules.len()
}

#[test]
fn component_without_its_large_modules_does_the_same() {
    let small =
        |name: &str| format!("(core module {name} (func (export \"f\") (result i32) i32.const 9))");
    let (one, two) = (module("$one", 1), module("$two", 2));
    let again = module("$again", 1);
    let adder = format!(
        "(core module $m
            (import \"a\" \"f\" (func $a (result i32)))
            (import \"b\" \"f\" (func $b (result i32)))
            {}
            (func (export \"f\") (result i32)
                (i32.add (call $large) (i32.add (call $a) (call $b)))))",
        large(100)
    );
    let instance =
        "(core instance $i (instantiate $m (with \"a\" (instance $a)) (with \"b\" (instance $b))))";
    for (name, text, modules) in [
        ("alone", format!("{one} (core instance $i (instantiate $one))"), 1),
        (
            "between small modules, which get other indices",
            format!(
                "{} {one} {} {two} (core instance $a (instantiate $s)) (core instance $b (instantiate $t))
                 {adder} {instance}",
                small("$s"), small("$t"),
            ),
            3,
        ),
        (
            "the same module twice is one",
            format!(
                "{one} {again} {adder} (core instance $a (instantiate $one))
                 (core instance $b (instantiate $again)) {instance}"
            ),
            2,
        ),
        (
            "nested three deep",
            format!(
                "{} (component $c (component $c (component $c {} {two} (core instance $i (instantiate $two))
                 (func (export \"f\") (result u32) (canon lift (core func $i \"f\"))))
                 (instance $c (instantiate $c)) (export \"f\" (func $c \"f\")))
                 (instance $c (instantiate $c)) (export \"f\" (func $c \"f\")))
                 (instance $c (instantiate $c)) (export \"run\" (func $c \"f\"))",
                small("$s"), small("$t"),
            ),
            1,
        ),
        (
            "modules of the outermost component that a nested one uses",
            format!(
                "{} {one} (component $c {two}
                 (alias outer 1 $s (core module $x)) (alias outer 1 $one (core module $y))
                 (component $d (alias outer 1 $two (core module $two)) (alias outer 2 $s (core module $s))
                    (core instance $i (instantiate $two)) (core instance (instantiate $s)))
                 (core instance $a (instantiate $x)) (core instance $b (instantiate $y))
                 {adder} {instance}
                 (func (export \"f\") (result u32) (canon lift (core func $i \"f\"))))
                 (instance $c (instantiate $c)) (export \"run\" (func $c \"f\"))",
                small("$s"),
            ),
            3,
        ),
    ] {
        assert_eq!(check(&component(&text)), modules, "{name}");
    }
}

#[test]
fn module_may_import_and_export_items_of_each_kind() {
    let text = format!(
        "(core module $x
            (memory (export \"memory\") 1 3) (table (export \"table\") 2 5 funcref)
            (global (export \"constant\") i32 i32.const 5)
            (global (export \"variable\") (mut i64) i64.const 6)
            (func (export \"f\") (param i32 i64 f32 f64) (result i32 i64) local.get 0 local.get 1))
         (core instance $x (instantiate $x))
         (core module $m
            (import \"x\" \"memory\" (memory 1 3)) (import \"x\" \"table\" (table 2 5 funcref))
            (import \"x\" \"constant\" (global i32)) (import \"x\" \"variable\" (global (mut i64)))
            (import \"x\" \"f\" (func $f (param i32 i64 f32 f64) (result i32 i64)))
            {}
            (export \"memory\" (memory 0)) (export \"table\" (table 0))
            (export \"constant\" (global 0)) (export \"variable\" (global 1))
            (func (export \"f\") (result i32)
                (call $f (global.get 0) (global.get 1) (f32.const 0) (f64.const 0)) drop drop
                (call $large)))
         (core instance $i (instantiate $m (with \"x\" (instance $x))))",
        large(7)
    );
    assert_eq!(check(&component(&text)), 1);
}

#[test]
fn modules_that_differ_in_one_byte_are_not_the_same() {
    let text = format!(
        "{} {} (core instance (instantiate $one)) (core instance $i (instantiate $two))",
        module("$one", 1),
        module("$two", 2)
    );
    let component = component(&text);
    let split = split(&component).unwrap();
    let [(one, first), (two, second)] = &*split.modules else {
        panic!("{} modules", split.modules.len());
    };
    let differ = first.iter().zip(*second).filter(|(one, two)| one != two);
    assert_eq!(differ.count(), 1);
    assert_ne!(one, two);
    assert_eq!(run(&split.component, &split.modules).unwrap(), 2);
    let swapped = [(*one, *second), (*two, *first)];
    assert_eq!(run(&split.component, &swapped).unwrap(), 1);
}

#[test]
fn small_modules_stay() {
    let text = "(core module $m (func (export \"f\") (result i32) i32.const 9))
        (core instance $i (instantiate $m))";
    assert!(split(&component(text)).is_none());
    assert!(split(b"\0asm\x0d\0\x01\0").is_none());
    assert!(split(b"").is_none());
}

/// No known tool generates them. A host's contract check refuses most of them anyway.
#[test]
fn component_that_passes_modules_around_stays_whole() {
    let one = module("$one", 1);
    for (name, text) in [
        ("core type", format!("(core type (func)) {one}")),
        ("module type", format!("(core type (module)) {one}")),
        ("import", format!("(import \"m\" (core module)) {one}")),
        ("export", format!("{one} (export \"m\" (core module $one))")),
        (
            "argument",
            format!(
                "(component $c (import \"m\" (core module $m (export \"f\" (func (result i32))))))
                 {one} (instance (instantiate $c (with \"m\" (core module $one))))"
            ),
        ),
        (
            "alias of its own module",
            format!("(alias outer 0 0 (core module)) {one}").replacen(
                "(alias",
                "(core module $s) (alias",
                1,
            ),
        ),
        (
            "long name",
            format!(
                "(core module {} (export \"{}\" (func $large)))",
                large(1),
                "n".repeat(257)
            ),
        ),
        (
            "alias",
            format!(
                "(component $c {one} (export \"m\" (core module $one)))
                 (instance $c (instantiate $c)) (alias export $c \"m\" (core module $m))"
            ),
        ),
    ] {
        let component = test_components::parse(&format!("(component {text})"));
        assert!(split(&component).is_none(), "{name}");
    }
}

#[test]
fn number_of_shared_modules_is_limited() {
    let modules: String = (0..20)
        .map(|value| module(&format!("$m{value}"), value))
        .collect();
    let component = component(&format!("{modules} (core instance $i (instantiate $m19))"));
    let split = split(&component).unwrap();
    assert_eq!(split.modules.len(), MAX_MODULES);
    assert_eq!(run(&split.component, &split.modules).unwrap(), 19);
}

/// It is compiled once, and not a thousand times.
#[test]
fn thousand_copies_of_a_module_are_one() {
    let module = test_components::parse(&module("", 1).replacen("core module", "module", 1));
    let mut component = Component::new();
    for _ in 0..1000 {
        component.section(&RawSection {
            id: ComponentSectionId::CoreModule.into(),
            data: &module,
        });
    }
    let component = component.finish();
    let split = split(&component).unwrap();
    assert_eq!(split.modules.len(), 1);
    assert!(split.component.len() < 1000);
}

/// Each level copies everything below it.
#[test]
fn component_that_would_be_copied_many_times_stays_whole() {
    let nested = |levels: usize| {
        let mut text = module("$m", 1);
        for _ in 0..levels {
            text = format!("(component {text})");
        }
        test_components::parse(&format!("(component {text})"))
    };
    assert!(split(&nested(3)).is_some());
    assert!(split(&nested(6)).is_none());
}

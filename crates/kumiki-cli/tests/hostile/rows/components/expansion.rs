//! Rows: small files that expand: one part of them is used or compiled many times.

use std::fmt::Write as _;

use test_components::{TextPlugin, parse};

use crate::guests::binary::{leb128, with_section};
use crate::program::Scene;
use crate::suite::Case;
use crate::suite::Outcome::TooLarge;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::bytes("300,000 functions lowered", TooLarge, "adapters", || {
            // The first function, without options.
            with_repeated_item(8, 300_000, &[1, 0, 0, 0])
        }),
        Case::bytes(
            "300,000 types of components",
            TooLarge,
            "component types",
            || with_repeated_item(7, 300_000, &[0x7d]),
        ),
        Case::bytes(
            "ten instances per component, seven levels deep",
            TooLarge,
            "counted for each instance",
            || with_component(&instances(7, 10)),
        )
        .timeout(240),
        Case::bytes(
            "ten references per component, seven levels deep",
            TooLarge,
            "counted for each instance",
            || with_component(&captured(7, 10)),
        )
        .timeout(240),
        Case::bytes(
            "an instance exported twice, eighteen levels deep",
            TooLarge,
            "counted for each instance",
            || with_component(&bags(18, 20)),
        )
        .timeout(240),
        Case::bytes(
            "200 functions of a large type between two components",
            TooLarge,
            "parts in the types of functions called between its components",
            || with_component(&adapters(200, 100)),
        )
        .within(512)
        .timeout(240),
        Case::bytes(
            "a component that is passed to another",
            TooLarge,
            "that are passed to it",
            || with_component(&component_argument()),
        ),
        Case::bytes(
            "1,000 instances of 25 names of 99 KB",
            TooLarge,
            "bytes in a name",
            || with_component(&named_exports(1_000, 25, 99_000)),
        )
        .within(256),
        Case::bytes(
            "10 components that are not instantiated, with 490 imports of a large type each",
            TooLarge,
            "counted for each import",
            || with_component(&imports_of_a_type(10, 490, 2_000)),
        )
        .within(768),
        Case::bytes(
            "types of components with 490 imports of a large type, in 6 components",
            TooLarge,
            "counted for each import",
            || with_component(&types_with_imports(6, 490, 2_000)),
        )
        .within(768),
        Case::bytes(
            "40 components that are not instantiated, with 10 instances of 60,000 functions",
            TooLarge,
            "counted for each instance",
            || with_component(&compared_types(40, 10, 60_000)),
        )
        .within(512),
        Case::bytes(
            "types of modules with 270,000 exports",
            TooLarge,
            "component types",
            || module_types(3, 90_000),
        )
        .within(512),
        Case::check("types, components and instances in chains of 500", || {
            for chain in chains(500) {
                refused_by_the_program(&with_component(&chain), "too deeply")?;
            }
            Ok(())
        }),
        Case::check("types nested 300,000 deep, run and inspected", || {
            refused_by_the_program(&nested_types(300_000), "levels of nested types")
        }),
        Case::bytes(
            "types nested 101 deep",
            TooLarge,
            "levels of nested types",
            || nested_types(101),
        ),
        Case::check("90,000 nested blocks", || {
            let body = "block ".repeat(90_000) + &"end ".repeat(90_000);
            compiled_by_the_program(&format!("(func {body})"))
        })
        .timeout(240),
        Case::check("an expression 200,000 deep", || {
            let body = "local.get 0 ".repeat(200_000) + &"i32.sub ".repeat(199_999);
            compiled_by_the_program(&format!("(func (param i32) (result i32) {body})"))
        })
        .timeout(240),
    ]
}

/// A plugin with an additional section of this many equal items.
fn with_repeated_item(section: u8, count: usize, item: &[u8]) -> Vec<u8> {
    let mut contents = leb128(count);
    contents.extend(item.repeat(count));
    with_section(TextPlugin::new("hostile").build(), section, &contents)
}

/// Instances of a component whose exports have names of this length.
fn named_exports(instances: usize, exports: usize, length: usize) -> String {
    let mut text = "(component $c (instance $e)".to_owned();
    for number in 0..exports {
        let name = format!("n{number}-");
        let rest = "a".repeat(length - name.len());
        let _ = write!(text, "(export \"{name}{rest}\" (instance $e))");
    }
    text + ")" + &"(instance (instantiate $c))".repeat(instances)
}

/// A plugin with module types, each with this many exported functions.
fn module_types(types: usize, exports: usize) -> Vec<u8> {
    // The first declaration is a function type.
    let mut module = [&[0x50][..], &leb128(exports + 1), &[1, 0x60, 0, 0]].concat();
    for number in 0..exports {
        let name = number.to_string();
        module.extend([3, name.len() as u8]);
        module.extend(name.bytes());
        module.extend([0, 0]);
    }
    let section = [leb128(types), module.repeat(types)].concat();
    let component = with_section(b"\0asm\x0d\0\x01\0".to_vec(), 3, &section);
    with_section(TextPlugin::new("hostile").build(), 4, &component)
}

/// Chains in which each type, component or instance refers to the previous one.
fn chains(length: usize) -> [String; 4] {
    let chain = |first: &str, next: fn(usize, usize) -> String| {
        let rest = (1..length).map(|level| next(level, level - 1));
        first.to_owned() + &rest.collect::<String>()
    };
    let last = length - 1;
    [
        chain("(type $t0 (instance))", |level, before| {
            format!("(type $t{level} (instance (export \"a\" (instance (type $t{before})))))")
        }) + &format!("(import \"x\" (instance (type $t{last})))"),
        chain("(type $t0 (component))", |level, before| {
            format!("(type $t{level} (component (export \"a\" (component (type $t{before})))))")
        }) + &format!("(import \"x\" (component (type $t{last})))"),
        chain("(component $c0)", |level, before| {
            format!("(component $c{level} (export \"a\" (component $c{before})))")
        }),
        chain("(instance $i0)", |level, before| {
            format!("(instance $i{level} (export \"a\" (instance $i{before})))")
        }),
    ]
}

/// Components that import instances of the same type, with a resource and this many
/// functions.
fn imports_of_a_type(components: usize, imports: usize, functions: usize) -> String {
    let component = format!("(component {})", imports_of_t(imports));
    type_t(functions) + &component.repeat(components)
}

/// Like [`imports_of_a_type`], with the imports in a component type.
fn types_with_imports(components: usize, imports: usize, functions: usize) -> String {
    let component = format!("(component (type (component {})))", imports_of_t(imports));
    type_t(functions) + &component.repeat(components)
}

/// Components that pass an instance with many functions to others. Each time the
/// validator compares the types of all functions.
fn compared_types(components: usize, instances: usize, functions: usize) -> String {
    let instances = "(instance (instantiate $c (with \"i0\" (instance $i))))".repeat(instances);
    let component = format!(
        "(component (import \"i0\" (instance $i (type $t)))
            (alias outer 1 $c (component $c)) {instances})"
    );
    let inner = format!("(component $c {})", imports_of_t(1));
    type_t(functions) + &inner + &component.repeat(components)
}

/// The type `$t` of an instance with a resource and this many functions.
fn type_t(functions: usize) -> String {
    let mut text = "(type $t (instance (export \"r\" (type (sub resource)))".to_owned();
    for number in 0..functions {
        let _ = write!(text, "(export \"n{number}\" (func))");
    }
    text + "))"
}

fn imports_of_t(imports: usize) -> String {
    let mut text = String::new();
    for number in 0..imports {
        let _ = write!(text, "(import \"i{number}\" (instance (type $t)))");
    }
    text
}

/// A plugin with an additional component, and an instance of that component.
fn with_component(component: &str) -> Vec<u8> {
    let component = parse(&format!("(component {component})"));
    let bytes = with_section(TextPlugin::new("hostile").build(), 4, &component);
    // One instance of the second component. The first is the plugin's own.
    with_section(bytes, 5, &[1, 0, 1, 0])
}

/// Components, each with this many instances of the previous one.
fn instances(levels: usize, times: usize) -> String {
    let mut text = String::from("(component $c0)");
    for level in 1..=levels {
        let before = level - 1;
        let instances = "(instance (instantiate $before))".repeat(times);
        let _ = write!(
            text,
            "(component $c{level} (alias outer 1 {before} (component $before)) {instances})"
        );
    }
    text + &format!("(instance (instantiate $c{levels}))")
}

/// Components without instances. Each refers this many times to the previous one.
fn captured(levels: usize, times: usize) -> String {
    let mut text = String::from("(component $c0)");
    for level in 1..=levels {
        let before = level - 1;
        let aliases = format!("(alias outer 1 {before} (component))").repeat(times);
        let _ = write!(text, "(component $c{level} {aliases})");
    }
    text
}

/// Instances that export the previous instance twice, and copies that export the last
/// one.
fn bags(levels: usize, copies: usize) -> String {
    let mut text = String::from("(component $c) (instance $i0 (instantiate $c))");
    for level in 1..=levels {
        let before = format!("(instance $i{})", level - 1);
        let _ = write!(
            text,
            "(instance $i{level} (export \"a\" {before}) (export \"b\" {before}))"
        );
    }
    text + &format!("(instance (export \"a\" (instance $i{levels})))").repeat(copies)
}

/// Two components, of which one calls functions of the other. Each function takes a
/// record whose fields are lists of lists.
fn adapters(functions: usize, fields: usize) -> String {
    let fields: String = (0..fields)
        .map(|number| {
            format!("(field \"f{number}\" (list (tuple string (list (tuple string string u64)))))")
        })
        .collect();
    let each = |text: &dyn Fn(usize) -> String| (0..functions).map(text).collect::<String>();
    let bodies = each(&|n| format!("(func (export \"f{n}\") (param i32))"));
    let allocator = "(memory (export \"memory\") 1)
        (func (export \"r\") (param i32 i32 i32 i32) (result i32) unreachable)";
    let options = "(memory $i \"memory\") (realloc (func $i \"r\"))";
    let lifted = each(&|n| {
        format!(
            "(func $g{n} (param \"p\" $r) (canon lift (core func $i \"f{n}\") {options}))
             (export \"e{n}\" (func $g{n}))"
        )
    });
    let exported = each(&|n| format!("(export \"e{n}\" (func (param \"p\" $r)))"));
    let lowered =
        each(&|n| format!("(core func $l{n} (canon lower (func $a \"e{n}\") {options}))"));
    let passed = each(&|n| format!("(export \"x{n}\" (func $l{n}))"));
    let imported = each(&|n| format!("(import \"a\" \"x{n}\" (func (param i32)))"));
    format!(
        "(component $a
            (core module $m {allocator} {bodies}) (core instance $i (instantiate $m))
            (type $r' (record {fields})) (export $r \"r\" (type $r')) {lifted})
         (component $b
            (import \"a\" (instance $a
                (type $r' (record {fields})) (export \"r\" (type $r (eq $r'))) {exported}))
            (core module $m {allocator}) (core instance $i (instantiate $m))
            {lowered}
            (core instance $passed {passed})
            (core module $n {imported})
            (core instance (instantiate $n (with \"a\" (instance $passed)))))
         (instance $a1 (instantiate $a))
         (instance (instantiate $b (with \"a\" (instance $a1))))"
    )
}

/// A component that instantiates a component that it imports.
fn component_argument() -> String {
    "(component $inner)
     (component $outer
        (import \"c\" (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
     (instance (instantiate $outer (with \"c\" (component $inner))))"
        .to_owned()
}

/// A plugin with one nested type: an instance that exports an instance type, which
/// exports an instance type, and so on.
fn nested_types(depth: usize) -> Vec<u8> {
    let mut contents = vec![1];
    contents.extend([0x42, 1, 1].repeat(depth - 1));
    contents.extend([0x42, 0]);
    with_section(TextPlugin::new("hostile").build(), 7, &contents)
}

/// A plugin, with an input of one line.
fn scene(plugin: &[u8]) -> Result<Scene, String> {
    let scene = Scene::new()?;
    scene.file("work/p.wasm", plugin)?;
    scene.file("work/input.txt", "a\n")?;
    Ok(scene)
}

/// Every command must end with a message about the size. A recursive parser would
/// overflow the stack, which ends the process.
fn refused_by_the_program(bytes: &[u8], message: &str) -> Result<(), String> {
    let scene = scene(bytes)?;
    for (arguments, code) in [
        ("inspect p.wasm", 0),
        ("inspect --json p.wasm", 0),
        ("doctor p.wasm", 1),
        ("check p.wasm", 1),
        ("run --plugin p.wasm input.txt", 1),
    ] {
        let output = scene.run(arguments)?;
        output
            .expect_within(code, 256)
            .map_err(|fact| format!("kumiki {arguments}: {fact}"))?;
        let text = format!("{}{}", output.stdout.text, output.stderr.text);
        if !text.contains(message) {
            return Err(format!("kumiki {arguments}: {output:?}"));
        }
    }
    Ok(())
}

/// The program must compile the plugin and write a result. A compiler that recurses for
/// each level would overflow the stack.
fn compiled_by_the_program(items: &str) -> Result<String, String> {
    let scene = scene(&TextPlugin::new("hostile").items(items).build())?;
    let output = scene.run("run --plugin p.wasm input.txt")?;
    output.expect_within(0, 1024)
}

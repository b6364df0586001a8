//! Tests of the component that converts text.

use super::*;

#[test]
fn import_becomes_an_instance_and_other_indices_follow() {
    let component = wat::parse_str(format!(
        r#"(component
            (import "{INTERFACE}" (instance $utf8
                (export "decode" (func (param "bytes" (list u8)) (result (option string))))
                (export "encode" (func (param "text" string) (result (list u8))))))
            (import "other" (func $other))
            (component $first (import "f" (func)))
            (component $second (import "decode" (func (param "bytes" (list u8))
                (result (option string)))))
            (instance (instantiate $first (with "f" (func $other))))
            (instance (instantiate $second (with "decode" (func $utf8 "decode")))))"#
    ));
    let linked = link(&component.unwrap()).unwrap();
    let imports: Vec<String> = Parser::new(0)
        .parse_all(&linked)
        .filter_map(|payload| match payload.unwrap() {
            Payload::ComponentImportSection(section) => Some(section),
            _ => None,
        })
        .flatten()
        .map(|import| import.unwrap().name.name.to_owned())
        .collect();
    // Those of the nested components are listed too.
    assert_eq!(imports, ["other", "f", "decode"]);
}

#[test]
fn component_without_the_import_stays_as_it_is() {
    let component = wat::parse_str("(component (component) (import \"f\" (func)))").unwrap();
    assert_eq!(link(&component).unwrap(), component);
}

#[test]
fn world_is_extended_by_the_import() {
    let mut resolve = Resolve::new();
    let wit = "package a:b@1.0.0; interface i { f: func(); } world w { export i; }";
    let package = resolve.push_source("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    let extended = extended_wit(resolve, world).unwrap();
    let mut resolve = Resolve::new();
    let package = resolve.push_source("extended.wit", &extended).unwrap();
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    let keys = resolve.worlds[world].imports.keys();
    let imports: Vec<_> = keys.map(|key| resolve.name_world_key(key)).collect();
    assert_eq!(imports, [INTERFACE], "{extended}");
}

use wasmparser::{Parser, Validator, WasmFeatures};

use super::*;
use crate::Error;

/// Returns the expanded size of a component: items, and parts of adapters if there are
/// any.
fn expand(bytes: &[u8]) -> Result<(usize, usize)> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut counter = ExpansionCounter::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        validator.payload(&payload).unwrap();
        counter.add("p", &payload, validator.types(0))?;
    }
    let size = counter.open[0].size;
    let adapters = if counter.adapts { size.adapters } else { 0 };
    Ok((size.items, adapters))
}

fn size_of(text: &str) -> (usize, usize) {
    expand(&test_components::parse(&format!("(component {text})"))).unwrap()
}

#[test]
fn instance_counts_everything_in_its_component() {
    let of = |times: usize| {
        let instances = "(instance (instantiate $b))".repeat(times);
        let inner = "(instance (instantiate $x))".repeat(times);
        size_of(&format!(
            "(component $a) (component $b (alias outer 1 $a (component $x)) {inner}) {instances}"
        ))
        .0
    };
    let (one, ten) = (of(1), of(10));
    assert!((100..200).contains(&ten), "{ten}");
    assert!(one < 20, "{one}");
}

#[test]
fn core_instance_counts_the_imports_of_its_module() {
    let each = |text: &dyn Fn(usize) -> String| (0..100).map(text).collect::<String>();
    let imports = each(&|n| format!("(import \"a\" \"f{n}\" (func))"));
    let functions = each(&|n| format!("(func (export \"f{n}\"))"));
    let exported = format!("(core module $m {functions}) (core instance $i (instantiate $m))");
    let instance = "(core instance (instantiate $n (with \"a\" (instance $i))))";
    let of = |times: usize| {
        let instances = instance.repeat(times);
        size_of(&format!(
            "{exported} (core module $n {imports}) {instances}"
        ))
        .0
    };
    assert_eq!(of(10) - of(0), 10 * 102);
}

#[test]
fn only_functions_between_components_have_adapters() {
    let module = "(core module $m (func (export \"f\") (param i32)))
        (core instance $i (instantiate $m))";
    let lift = "(func $f (param \"a\" u32) (canon lift (core func $i \"f\")))";
    let lower = "(core func (canon lower (func $f)))";
    let alone = size_of(&format!("{module} {lift} {lower}"));
    assert_eq!(alone.1, 0, "a component cannot call itself");
    let imported = size_of(&format!(
        "(import \"f\" (func $f (param \"a\" u32))) {lower}"
    ));
    assert_eq!(imported.1, 0, "calling the host needs no adapter");
    let between = size_of(&format!(
        "(component $c {module} {lift} (export \"f\" (func $f)))
         (instance $c (instantiate $c)) (alias export $c \"f\" (func $f)) {}",
        lower.repeat(3)
    ));
    assert_eq!(between.1, 6, "three functions of one parameter");
}

#[test]
fn instance_of_an_imported_component_is_rejected() {
    let bytes = test_components::parse(
        "(component (component (import \"c\" (component $c)) (instance (instantiate $c))))",
    );
    let error = expand(&bytes).unwrap_err();
    assert!(matches!(error, Error::TooLarge { most: 0, .. }), "{error}");
}

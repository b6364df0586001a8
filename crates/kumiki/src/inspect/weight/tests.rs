use wasmparser::{Parser, Validator, WasmFeatures};

use super::*;
use crate::Error;

/// What a component comes to: items, and parts of adapters where there are any.
fn weigh(bytes: &[u8]) -> Result<(usize, usize)> {
    let (mut validator, mut weights) = (
        Validator::new_with_features(WasmFeatures::all()),
        Weights::new(),
    );
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        validator.payload(&payload).unwrap();
        weights.add("p", &payload, validator.types(0))?;
    }
    let weight = weights.open[0].weight;
    Ok((
        weight.items,
        if weights.adapts { weight.adapters } else { 0 },
    ))
}

fn weight_of(text: &str) -> (usize, usize) {
    weigh(&test_components::parse(&format!("(component {text})"))).unwrap()
}

#[test]
fn each_instance_comes_to_all_that_is_in_it() {
    let of = |times: usize| {
        let instances = "(instance (instantiate $b))".repeat(times);
        let inner = "(instance (instantiate $x))".repeat(times);
        weight_of(&format!(
            "(component $a) (component $b (alias outer 1 $a (component $x)) {inner}) {instances}"
        ))
        .0
    };
    let (one, ten) = (of(1), of(10));
    assert!((100..200).contains(&ten), "{ten}");
    assert!(one < 20, "{one}");
}

#[test]
fn an_instance_comes_to_the_imports_of_its_module() {
    let each = |text: &dyn Fn(usize) -> String| (0..100).map(text).collect::<String>();
    let imports = each(&|n| format!("(import \"a\" \"f{n}\" (func))"));
    let functions = each(&|n| format!("(func (export \"f{n}\"))"));
    let exported = format!("(core module $m {functions}) (core instance $i (instantiate $m))");
    let instance = "(core instance (instantiate $n (with \"a\" (instance $i))))";
    let of = |times: usize| {
        let instances = instance.repeat(times);
        weight_of(&format!(
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
    let alone = weight_of(&format!("{module} {lift} {lower}"));
    assert_eq!(alone.1, 0, "one component cannot call itself");
    let imported = weight_of(&format!(
        "(import \"f\" (func $f (param \"a\" u32))) {lower}"
    ));
    assert_eq!(imported.1, 0, "the host makes no adapter");
    let between = weight_of(&format!(
        "(component $c {module} {lift} (export \"f\" (func $f)))
         (instance $c (instantiate $c)) (alias export $c \"f\" (func $f)) {}",
        lower.repeat(3)
    ));
    assert_eq!(between.1, 6, "three functions of one parameter");
}

#[test]
fn what_is_passed_in_is_not_instantiated() {
    let bytes = test_components::parse(
        "(component (component (import \"c\" (component $c)) (instance (instantiate $c))))",
    );
    let error = weigh(&bytes).unwrap_err();
    assert!(matches!(error, Error::TooLarge { most: 0, .. }), "{error}");
}

//! Recursion without end in a plugin in JavaScript: an error that the plugin can catch, and
//! never a trap. Needs no toolchain.

mod scene;

use scene::{Scene, snapshot};

/// Calls deeper than this are plain functions that call each other.
const DEEP: u64 = 10_000;

fn outputs(scene: &Scene, input: &str) -> Vec<String> {
    let arguments = ["run", "-p", "deep/deep.wasm", "--output", "raw"];
    let output = scene.run_with(&arguments, input.as_bytes());
    let (_, output) = output.split_once("--- standard output\n").expect("output");
    let (output, errors) = output.split_once("--- standard error\n").expect("errors");
    assert!(!errors.contains("error:"), "{errors}");
    output.lines().map(str::to_owned).collect()
}

#[test]
fn endless_recursion_is_a_range_error_and_never_a_trap() {
    let scene = Scene::new();
    scene.run(&["new", "deep", "--lang", "js"]);
    let scene = scene.file("deep/plugin.js", include_str!("recursion/plugin.js"));
    snapshot!(
        scene
            .run(&["build", "deep"])
            .lines()
            .next()
            .unwrap_or_default()
    );
    let names = outputs(&scene, "cases\n").remove(0);
    let names: Vec<&str> = names.split(' ').collect();
    assert!(names.len() > 40, "{names:?}");
    let found = outputs(&scene, &(names.join("\n") + "\n"));
    assert_eq!(found.len(), names.len());
    for (name, found) in names.iter().zip(found) {
        let (depth, error) = found.split_once(' ').expect("a depth");
        let expected = match *name {
            "regexp" => "SyntaxError: too many captures",
            "regexplook" | "regexpclass" => "SyntaxError: stack overflow",
            "proto" | "free" | "gc" | "asyncrec" => "",
            _ => "RangeError: Maximum call stack size exceeded",
        };
        assert!(error.starts_with(expected), "{name}: {found}");
        if matches!(
            *name,
            "plain" | "args" | "many" | "closure" | "finally_" | "spread"
        ) {
            let depth: u64 = depth.parse().expect("a number");
            assert!(depth > DEEP, "{name}: {found}");
        }
    }
}

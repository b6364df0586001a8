//! Tests of loading: what is accepted, what is rejected, and the messages.

use std::sync::LazyLock;

use kumiki::Error;
use kumiki::inspect::{Inspection, Kind};
use kumiki_text::{Config, TextHost, load_folder};
use proptest::prelude::*;
use test_components::{
    ALL_CALL_MODES, BATCH, TEXT_PROCESSOR, TextPlugin, build, core_module, parse,
};

static HOST: LazyLock<TextHost> = LazyLock::new(|| TextHost::new().expect("a host"));

/// Returns the error of loading `bytes`, as text, with its hint.
fn refusal(bytes: &[u8]) -> String {
    let error = HOST
        .load_bytes("p.wasm", bytes)
        .expect_err("it must be refused");
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

/// Returns the error of loading a component of a changed contract.
fn refusal_of_world(change: impl Fn(String) -> String) -> String {
    let wit = change(TEXT_PROCESSOR.to_owned());
    // The functions of all changed worlds; the encoder uses those of the world.
    let core = TextPlugin::default().core();
    refusal(&build(&wit, "text-plugin", &core))
}

#[test]
fn other_files_are_identified() {
    let wit_package = wit_component_package();
    let artifact = HOST
        .engine()
        .as_wasmtime()
        .precompile_component(&TextPlugin::default().build())
        .expect("it compiles");
    let module = core_module("(func (export \"process\"))");
    let cases: [(&[u8], Kind); 6] = [
        (b"", Kind::Empty),
        (b"Hello, plugin!", Kind::Text),
        (TEXT_PROCESSOR.as_bytes(), Kind::WitText),
        (&module, Kind::CoreModule),
        (&wit_package, Kind::WitPackage),
        (&artifact, Kind::Artifact),
    ];
    for (bytes, kind) in cases {
        let error = HOST
            .load_bytes("p.wasm", bytes)
            .expect_err("it must be refused");
        assert!(
            matches!(&error, Error::NotAComponent { found, .. } if *found == kind),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            format!("`p.wasm` is not a component but {kind}")
        );
        assert!(error.hint().is_some(), "{kind}");
    }
}

/// A minimal WIT package in binary format: one exported type, and no code.
fn wit_component_package() -> Vec<u8> {
    parse(
        r#"(component
            (type (component
                (type (instance (type (func)) (export "f" (func (type 0)))))
                (export "a:b/c" (instance (type 0)))))
            (export "c" (type 0)))"#,
    )
}

#[test]
fn truncated_component_is_rejected_at_any_length() {
    let whole = TextPlugin::default().build();
    for part in 1..=20 {
        let length = whole.len() * part / 21;
        let error = HOST
            .load_bytes("p.wasm", &whole[..length])
            .expect_err("it must be refused");
        let truncated = matches!(
            error,
            Error::NotAComponent {
                found: Kind::Truncated,
                ..
            }
        );
        // Cut between two sections, it is valid but lacks exports.
        let lacking = matches!(error, Error::MissingExport { .. });
        assert!(truncated || lacking, "cut at {length}: {error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn component_of_another_world_is_rejected() {
    let bytes = build(
        "package other:place; world w { export run: func() -> u32; }",
        "w",
        r#"(func (export "run") (result i32) (i32.const 1))"#,
    );
    assert_eq!(
        refusal(&bytes),
        "`p.wasm` does not export `myapp:text-processor/plugin: interface { get-name: func() -> \
         string; get-version: func() -> string; process: func(input: string) -> \
         result<process-result, process-error> }`, as the contract \
         `myapp:text-processor/text-plugin` requires\n\
         hint: build the plugin against the WIT of `myapp:text-processor/text-plugin`"
    );
}

#[test]
fn missing_function_is_reported_with_its_type() {
    let without = |wit: String| wit.replace("get-version: func() -> string;", "");
    let core = TextPlugin::default().core();
    let start = core
        .find("(func (export \"myapp:text-processor/plugin#get-version\")")
        .unwrap();
    let end = start
        + core[start..]
            .find("(func (export \"myapp:text-processor/plugin#process\")")
            .unwrap();
    let core = format!("{}{}", &core[..start], &core[end..]);
    let bytes = build(&without(TEXT_PROCESSOR.to_owned()), "text-plugin", &core);
    assert_eq!(
        refusal(&bytes),
        "`p.wasm` does not export `myapp:text-processor/plugin#get-version: func() -> string`, \
         as the contract `myapp:text-processor/text-plugin` requires\n\
         hint: build the plugin against the WIT of `myapp:text-processor/text-plugin`"
    );
}

/// Optional exports must have the contract's type if present.
#[test]
fn optional_interface_with_a_different_type_is_rejected() {
    let core = TextPlugin::default().batch(BATCH).core();
    let of = |wit: &str| build(wit, "text-plugin-batch", &core);
    HOST.load_bytes("p.wasm", &of(ALL_CALL_MODES))
        .expect("it fits");
    let bytes = "process-batch: func(inputs: list<list<u8>>)";
    let text = refusal(&of(
        &ALL_CALL_MODES.replace("process-batch: func(inputs: list<string>)", bytes)
    ));
    let start = "`p.wasm` exports `myapp:text-processor/batch#process-batch` as \
                 `func(inputs: list<list<u8>>) -> ";
    assert!(text.starts_with(start), "{text}");
    let renamed = ALL_CALL_MODES.replace("process-batch:", "process-many:");
    let core = core.replace("process-batch", "process-many");
    let text = refusal(&build(&renamed, "text-plugin-batch", &core));
    let start = "`p.wasm` does not export `myapp:text-processor/batch#process-batch: func(";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn type_mismatch_is_reported_with_both_types() {
    // A list of bytes has the same shape in core WebAssembly as a string.
    let text = refusal_of_world(|wit| {
        wit.replace(
            "process: func(input: string)",
            "process: func(input: list<u8>)",
        )
    });
    assert_eq!(
        text.lines().next().unwrap(),
        "`p.wasm` exports `myapp:text-processor/plugin#process` as `func(input: list<u8>) -> \
         result<record { output: string, metadata: list<record { key: string, value: string }> }, \
         enum { invalid-input, unsupported-format, internal-error }>`, where the contract \
         `myapp:text-processor/text-plugin` has `func(input: string) -> result<process-result, \
         process-error>`"
    );
}

#[test]
fn nested_type_difference_is_found() {
    for change in [
        ("internal-error,", "internal-fault,"),
        ("key: string,", "name: string,"),
    ] {
        let text = refusal_of_world(|wit| wit.replace(change.0, change.1));
        assert!(text.contains("plugin#process` as `func("), "{text}");
    }
}

#[test]
fn import_with_a_different_type_is_rejected() {
    let text = refusal_of_world(|wit| wit.replace("msg: string", "msg: list<u8>"));
    assert!(
        text.starts_with("`p.wasm` imports `myapp:text-processor/host-api#log` as `func(level: "),
        "{text}"
    );
}

#[test]
fn unknown_imports_are_reported() {
    let import = |wit: &str, module: &str, function: &str| {
        let wit = format!(
            "{}\n{wit}",
            TEXT_PROCESSOR.replace("import host-api;", "import host-api; import extra;")
        );
        let core = format!(
            "(import \"{module}\" \"{function}\" (func $extra)) {}",
            TextPlugin::default().core().replace(
                "(result i32) (i32.store (i32.const 0) (i32.const 64))",
                "(result i32) (call $extra) (i32.store (i32.const 0) (i32.const 64))"
            )
        );
        refusal(&build(&wit, "text-plugin", &core))
    };
    assert_eq!(
        import(
            "interface extra { boom: func(); }",
            "myapp:text-processor/extra",
            "boom"
        ),
        "`p.wasm` imports `myapp:text-processor/extra`, which this host does not provide\n\
         hint: this contract provides `myapp:text-processor/host-api`, \
         `myapp:text-processor/types` and WASI 0.2 and 0.3"
    );
}

#[test]
fn newer_wasi_is_rejected_by_name() {
    let bytes = parse(
        r#"(component
            (import "wasi:cli/stdin@0.4.0" (instance))
            (import "wasi:cli/environment@0.2.99" (instance)))"#,
    );
    let text = refusal(&bytes);
    assert_eq!(
        text,
        "`p.wasm` imports `wasi:cli/stdin@0.4.0`, which this host does not provide\n\
         hint: build the plugin for `wasm32-wasip2`; this host provides WASI 0.2 and 0.3"
    );
}

#[test]
fn folder_is_loaded_in_order_despite_failures() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    file("b.wasm", &TextPlugin::new("second").build());
    file("c.wasm", b"not a plugin");
    file("a.wasm", &TextPlugin::new("first").build());
    file("d.wasm", &TextPlugin::new("third").build());
    file(".hidden.wasm", b"not a plugin");
    file("notes.txt", b"not a plugin");

    let loaded = load_folder(&HOST, folder.path(), |_| Config::default()).expect("a folder");
    let names: Vec<_> = loaded
        .iter()
        .map(|(_, plugin)| {
            plugin
                .as_ref()
                .map_or("failed", kumiki_text::TextPlugin::name)
        })
        .collect();
    assert_eq!(names, ["first", "second", "failed", "third"]);
    let missing = load_folder(&HOST, &folder.path().join("none"), |_| Config::default());
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .starts_with("cannot read plugin folder")
    );
}

#[test]
fn missing_file_is_named() {
    let error = HOST.load("no/such/file.wasm").expect_err("there is none");
    assert_eq!(error.to_string(), "cannot read plugin `no/such/file.wasm`");
    assert!(matches!(error, Error::Read { .. }));
}

proptest! {
    /// Any change of a good component loads or is refused, and never panics.
    #[test]
    fn changed_components_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| TextPlugin::default().build());
        let mut bytes = GOOD.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = HOST.load_bytes("p.wasm", &bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        component.extend(&bytes);
        prop_assert!(HOST.load_bytes("p.wasm", &component).is_err());
        prop_assert!(HOST.load_bytes("p.wasm", &bytes).is_err());
    }
}

/// Printed WIT is valid WIT that describes the same types as the component.
#[test]
fn printed_wit_round_trips() {
    let bytes = TextPlugin::default().build();
    let text = Inspection::wit("p.wasm", &bytes).expect("it has WIT");
    let mut resolve = wit_parser::Resolve::new();
    let package = resolve
        .push_source("printed.wit", &text)
        .expect("it parses");
    resolve
        .select_world(&[package], Some("root"))
        .expect("it has its world");
    assert!(
        text.contains("process: func(input: string) -> result<process-result, process-error>;")
    );
    assert!(matches!(
        Inspection::wit("p.wasm", b"no"),
        Err(Error::NoWit { .. })
    ));
}

proptest! {
    #[test]
    fn any_bytes_can_be_inspected(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), cut in any::<prop::sample::Index>()) {
        static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| TextPlugin::default().build());
        let mut bytes = GOOD.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let inspection = Inspection::of(&bytes);
        if !inspection.parts.is_empty() {
            prop_assert_eq!(inspection.parts.iter().map(|(_, size)| size).sum::<usize>(), bytes.len());
        }
        let _ = Inspection::wit("p.wasm", &bytes);
    }
}

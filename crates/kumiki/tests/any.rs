//! Components of any world, called with values that are known only at run time.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use kumiki::wasmtime::component::Val;
use kumiki::{Any, Error, Host, Instance, Limit, Limits, LogRecord, Observer, Plugin};

const WIT: &str = "
    package example:calc@1.2.0;

    interface math {
        record point { x: s32, y: s32 }
        enum color { red, green }
        add: func(a: u32, b: u32) -> u32;
        swap: func(p: point) -> point;
        same: func(a: color) -> color;
        half: func(n: u32) -> result<u32, string>;
        loops: func();
    }
    interface text {
        add: func(a: string, b: string) -> string;
    }
    interface things {
        resource thing { constructor(); }
        make: func() -> thing;
    }
    interface outside {
        ask: func() -> u32;
    }
    world calc {
        import outside;
        export math;
        export text;
        export things;
        export ask-outside: func() -> u32;
        export nothing: func(maybe: option<u8>);
    }
";

const CORE: &str = r#"
    (import "example:calc/outside@1.2.0" "ask" (func $ask (result i32)))
    (import "[export]example:calc/things@1.2.0" "[resource-new]thing"
        (func $new (param i32) (result i32)))
    (func (export "example:calc/math@1.2.0#add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1)))
    (func (export "example:calc/math@1.2.0#swap") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 1))
        (i32.store (i32.const 20) (local.get 0))
        (i32.const 16))
    (func (export "example:calc/math@1.2.0#same") (param i32) (result i32) (local.get 0))
    (func (export "example:calc/math@1.2.0#half") (param i32) (result i32)
        (i32.store8 (i32.const 16) (i32.and (local.get 0) (i32.const 1)))
        (i32.store (i32.const 20) (i32.shr_u (local.get 0) (i32.const 1)))
        (if (i32.and (local.get 0) (i32.const 1)) (then
            (i32.store (i32.const 20) (i32.const 64))
            (i32.store (i32.const 24) (i32.const 3))
            (i32.store (i32.const 64) (i32.const 0x64646f))))
        (i32.const 16))
    (func (export "example:calc/math@1.2.0#loops") (loop (br 0)))
    (func (export "example:calc/text@1.2.0#add") (param i32 i32 i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16))
    (func (export "example:calc/things@1.2.0#[constructor]thing") (result i32)
        (call $new (i32.const 1)))
    (func (export "example:calc/things@1.2.0#make") (result i32) (call $new (i32.const 2)))
    (func (export "ask-outside") (result i32) (call $ask))
    (func (export "nothing") (param i32 i32))
"#;

fn plugin() -> Plugin<Any> {
    let limits = Limits::default().with_time(std::time::Duration::from_millis(50));
    let host = Host::<Any>::builder().limits(limits).build().unwrap();
    let component = test_components::build(WIT, "calc", CORE);
    host.load_bytes("calc.wasm", &component).unwrap()
}

fn instance() -> Instance<Any> {
    plugin().instantiate(()).unwrap()
}

#[test]
fn exported_functions_are_listed_with_their_types() {
    let functions = plugin().functions();
    let listed: Vec<_> = functions.iter().map(ToString::to_string).collect();
    for expected in [
        "ask-outside: func() -> u32",
        "nothing: func(maybe: option<u8>)",
        "example:calc/math@1.2.0#add: func(a: u32, b: u32) -> u32",
        "example:calc/math@1.2.0#half: func(n: u32) -> result<u32, string>",
        "example:calc/math@1.2.0#swap: func(p: record { x: s32, y: s32 }) -> record { x: s32, y: s32 }",
        "example:calc/text@1.2.0#add: func(a: string, b: string) -> string",
    ] {
        assert!(
            listed.iter().any(|line| line == expected),
            "{expected}: {listed:#?}"
        );
    }
}

#[test]
fn calls_in_wave_return_wave() {
    let mut instance = instance();
    for (call, result) in [
        ("math#add(40, 2)", "42"),
        ("example:calc/math#add(1,2)", "3"),
        (" example:calc/math@1.2.0#add( 1, 2 ) ", "3"),
        (r#"text#add("木", "b")"#, "\"木\""),
        (r#"text#add("a(b#c)", "")"#, "\"a(b#c)\""),
        ("swap({x: 1, y: -2})", "{x: -2, y: 1}"),
        ("same(green)", "green"),
        ("half(8)", "ok(4)"),
        ("half(7)", "err(\"odd\")"),
        ("nothing(some(3))", "()"),
        ("nothing(none)", "()"),
    ] {
        assert_eq!(instance.call_wave(call).unwrap(), result, "{call}");
    }
}

#[test]
fn calls_that_do_not_fit_are_rejected_and_poison_nothing() {
    let mut instance = instance();
    for (call, message, hint) in [
        (
            "add(1, 2)",
            "exports more than one function `add`",
            "text@1.2.0#add`",
        ),
        ("sub(1)", "exports no function `sub`", "it exports: `"),
        (
            "text#half(1)",
            "exports no function `text#half`",
            "it exports: `",
        ),
        ("", "cannot call `` of", "write a call in WAVE"),
        ("half(", "cannot call `half(` of", "write a call in WAVE"),
        (
            "half(\"1\")",
            "cannot call `example:calc/math@1.2.0#half`",
            "func(n: u32)",
        ),
        ("half(-1)", "cannot call", "func(n: u32)"),
        ("half()", "cannot call", "func(n: u32)"),
        ("half(1, 2)", "cannot call", "func(n: u32)"),
        ("half(1) half(2)", "cannot call", "write a call in WAVE"),
        ("same(blue)", "cannot call", "enum { red, green }"),
        ("swap({x: 1})", "cannot call", "record { x: s32, y: s32 }"),
    ] {
        let error = instance.call_wave(call).unwrap_err();
        assert!(error.to_string().contains(message), "{call}: {error}");
        let found = error.hint().unwrap_or_default();
        assert!(found.contains(hint), "{call}: {found}");
        assert!(!instance.is_poisoned(), "{call}");
    }
    assert_eq!(instance.calls(), 0, "the guest was not called");
    assert_eq!(instance.call_wave("half(8)").unwrap(), "ok(4)");
}

#[test]
fn values_are_checked_before_the_call() {
    let mut instance = instance();
    let sum = instance.call_values("math#add", &[Val::U32(1), Val::U32(2)]);
    assert_eq!(sum.unwrap(), [Val::U32(3)]);
    let record = |names: [&str; 2]| {
        let field = |name: &str| (name.to_owned(), Val::S32(1));
        Val::Record(names.map(field).into())
    };
    instance.call_values("swap", &[record(["x", "y"])]).unwrap();
    for (function, arguments) in [
        ("math#add", vec![Val::U32(1)]),
        ("math#add", vec![Val::U32(1), Val::S32(2)]),
        ("swap", vec![record(["y", "x"])]),
        ("same", vec![Val::Enum("blue".into())]),
        ("nothing", vec![Val::Option(Some(Box::new(Val::U32(1))))]),
        ("nothing", vec![Val::Bool(true)]),
    ] {
        let error = instance.call_values(function, &arguments).unwrap_err();
        assert!(
            matches!(error, Error::Arguments { .. }),
            "{function}: {error:?}"
        );
        assert!(!instance.is_poisoned(), "{function}");
    }
}

#[test]
fn result_with_a_handle_has_no_text_form() {
    let error = instance().call_wave("make()").unwrap_err();
    assert!(error.to_string().contains("contains a handle"), "{error}");
    let values = instance().call_values("make", &[]).unwrap();
    assert!(matches!(values[..], [Val::Resource(_)]));
}

#[test]
fn unknown_import_traps_when_it_is_called() {
    let mut instance = instance();
    assert_eq!(instance.call_wave("half(8)").unwrap(), "ok(4)");
    let error = instance.call_wave("ask-outside()").unwrap_err();
    let Error::Trap { message, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(
        message.contains("example:calc/outside@1.2.0#ask"),
        "{message}"
    );
    assert!(instance.is_poisoned());
}

#[test]
fn earlier_version_of_wasi_is_linked() {
    let component = test_components::parse(
        r#"(component
            (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
                (export "now" (func (result u64)))))
            (core module $m
                (import "" "now" (func $now (result i64)))
                (func (export "now") (result i64) (call $now)))
            (core func $now (canon lower (func $clock "now")))
            (core instance $i (instantiate $m (with "" (instance (export "now" (func $now))))))
            (func (export "now") (result u64) (canon lift (core func $i "now"))))"#,
    );
    let host = Host::<Any>::new().unwrap();
    let plugin = host.load_bytes("clock", &component).unwrap();
    let now = plugin.instantiate(()).unwrap().call_wave("now()").unwrap();
    assert!(now.parse::<u64>().is_ok(), "{now}");
}

#[test]
fn limits_apply_to_any_component() {
    let error = instance().call_wave("loops()").unwrap_err();
    let limit = matches!(
        error,
        Error::Limit {
            limit: Limit::Time(_),
            ..
        }
    );
    assert!(limit, "{error:?}");
    let host = Host::<Any>::new().unwrap();
    let module = host.load_bytes("module", b"\0asm\x01\0\0\0").unwrap_err();
    assert!(matches!(module, Error::NotAComponent { .. }), "{module:?}");
}

/// A component that returns this many flags of one letter, all set, and a text of control
/// characters.
fn amplifying(limits: Limits) -> Instance<Any> {
    let letters: Vec<_> = ('a'..='z').map(String::from).collect();
    let wit = format!(
        "package example:big;
        interface types {{ flags letters {{ {} }} }}
        world big {{
            import types;
            use types.{{letters}};
            export many: func() -> list<letters>;
            export text: func() -> string;
        }}",
        letters.join(", ")
    );
    let component = test_components::build(
        &wit,
        "big",
        r#"
        (func $fill (param $byte i32) (param $length i32) (param $count i32) (result i32)
            (drop (memory.grow (i32.const 10)))
            (memory.fill (i32.const 65536) (local.get $byte) (local.get $length))
            (i32.store (i32.const 16) (i32.const 65536))
            (i32.store (i32.const 20) (local.get $count))
            (i32.const 16))
        (func (export "many") (result i32)
            (call $fill (i32.const 255) (i32.const 400000) (i32.const 100000)))
        (func (export "text") (result i32)
            (call $fill (i32.const 1) (i32.const 1000) (i32.const 1000)))
        "#,
    );
    let host = Host::<Any>::builder().limits(limits).build().unwrap();
    let plugin = host.load_bytes("big", &component).unwrap();
    plugin.instantiate(()).unwrap()
}

/// wasmtime counts 2.6 MB of names, and would make 200 MB of strings of them.
#[test]
fn flags_count_towards_the_transfer_limit_as_the_strings_they_become() {
    let limits = Limits::default().with_transfer(4 << 20);
    let error = amplifying(limits).call_values("many", &[]).unwrap_err();
    let limit = matches!(
        error,
        Error::Limit {
            limit: Limit::Transfer(_),
            ..
        }
    );
    assert!(limit, "{error:?}");
    let limits = Limits::default().with_transfer(1 << 30);
    let letters = amplifying(limits).call_values("many", &[]).unwrap();
    let Val::List(letters) = &letters[0] else {
        panic!("{letters:?}")
    };
    assert_eq!(letters.len(), 100_000);
}

#[test]
fn text_form_of_a_result_is_within_the_transfer_limit() {
    let limits = Limits::default().with_transfer(4000);
    let error = amplifying(limits).call_wave("text()").unwrap_err();
    assert!(error.to_string().contains("4000 bytes passed"), "{error}");
    let text = amplifying(Limits::default()).call_wave("text()").unwrap();
    assert!(text.len() > 4000, "{}", text.len());
}

#[test]
fn message_for_text_that_is_not_a_call_says_what_is_meant() {
    for (call, expected) in [
        ("math#same('red')", "double quotes"),
        ("ask_outside()", "`-` instead of `_`"),
        ("Nothing()", "no capital letters"),
        ("math#half(-3)", "`-3` at character 6 does not fit the type"),
        (
            "math#half(red)",
            "`red` at character 6 does not fit the type",
        ),
        ("math#half(1", "the call is incomplete"),
    ] {
        let error = instance().call_wave(call).unwrap_err();
        assert!(matches!(error, Error::Arguments { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{call}: {error}");
    }
}

#[derive(Clone, Default)]
struct Messages(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Observer for Messages {
    fn log(&self, record: &LogRecord<'_>) {
        let text = format!("{}: {}", record.level, record.message);
        self.0.lock().unwrap().push(text);
    }
}

#[test]
fn log_function_of_any_contract_reaches_the_observer() {
    let component = test_components::build(
        "package example:logs;
        interface host {
            enum level { debug, error }
            log: func(level: level, message: string);
        }
        world logs { import host; export run: func(); }",
        "logs",
        r#"
        (import "example:logs/host" "log" (func $log (param i32 i32 i32)))
        (data (i32.const 16) "panicked")
        (func (export "run")
            (call $log (i32.const 1) (i32.const 16) (i32.const 8)) unreachable)
        "#,
    );
    let messages = Messages::default();
    let host = Host::<Any>::builder()
        .observer(messages.clone())
        .build()
        .unwrap();
    let plugin = host.load_bytes("logs", &component).unwrap();
    let error = plugin
        .instantiate(())
        .unwrap()
        .call_wave("run()")
        .unwrap_err();
    assert!(matches!(error, Error::Trap { .. }), "{error:?}");
    assert_eq!(*messages.0.lock().unwrap(), ["error: panicked"]);
}

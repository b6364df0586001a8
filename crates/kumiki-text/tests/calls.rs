//! Tests of single calls: answers, logs, traps and limits.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kumiki::{Event, Level, Limit, Limits, LogRecord, Observer};
use kumiki_text::{
    Answer, CircuitBreaker, Config, Error, Pipeline, ProcessError, TextHost, TextPlugin, Texts,
};
use test_components::{ECHO, TEXT_PROCESSOR, TextPlugin as Guest, build, error};

/// Loads a guest with an empty configuration.
fn load(guest: &Guest) -> TextPlugin {
    load_with(&TextHost::new().unwrap(), guest).unwrap()
}

fn load_with(host: &TextHost, guest: &Guest) -> Result<TextPlugin, Error> {
    TextPlugin::new(
        host.load_bytes("guest.wasm", &guest.build())?,
        Config::default(),
    )
}

/// An observer that records all logs and events.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Notes {
    fn log(&self, record: &LogRecord<'_>) {
        let LogRecord {
            plugin,
            level,
            message,
            ..
        } = record;
        self.0
            .lock()
            .unwrap()
            .push(format!("{plugin} {level} {message}"));
    }

    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(match event {
            Event::Loaded { plugin, .. } => format!("{plugin} loaded"),
            Event::InstanceEnded { plugin, reason } => format!("{plugin} ended: {reason}"),
            other => format!("{other:?}"),
        });
    }
}

#[test]
fn text_round_trips() {
    let mut plugin = load(&Guest::new("echo"));
    let long = "木組 😀 ".repeat(10_000);
    for text in [
        "",
        "a",
        "Hello, Component Model!",
        "木\u{10ffff}\0\r\n",
        &long,
    ] {
        let result = plugin.process(text).unwrap();
        assert_eq!(result.output, text);
        assert!(result.metadata.is_empty());
    }
}

#[test]
fn plugin_errors_do_not_count_as_failures() {
    for (number, expected, kind) in [
        (0, ProcessError::InvalidInput, "invalid-input"),
        (1, ProcessError::UnsupportedFormat, "unsupported-format"),
        (2, ProcessError::InternalError, "internal-error"),
    ] {
        let mut plugin = load(&Guest::new("refuser").process(&error(number)));
        for _ in 0..3 {
            let error = plugin.process("x").unwrap_err();
            assert!(matches!(error, Error::Plugin { error, .. } if error == expected));
            assert_eq!(error.kind(), kind);
            assert_eq!(
                error.to_string(),
                format!("`refuser` returned an error: {kind}")
            );
        }
    }
}

#[test]
fn invalid_enum_value_traps() {
    let error = load(&Guest::new("liar").process(&error(3)))
        .process("x")
        .unwrap_err();
    assert_eq!(error.kind(), "trap");
}

#[test]
fn logs_reach_the_observer_with_level_and_name() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    let guest = Guest::new("talker")
        .data(256, "first")
        .data(300, "世界")
        .process(&format!(
            "(call $log (i32.const 1) (i32.const 256) (i32.const 5))
         (call $log (i32.const 3) (i32.const 300) (i32.const 6)) {ECHO}"
        ));
    let mut plugin = load_with(&host, &guest).unwrap();
    plugin.process("x").unwrap();
    assert_eq!(
        notes.take(),
        [
            "guest.wasm loaded",
            "talker info first",
            "talker error 世界"
        ]
    );
    assert!(Level::Debug < Level::Info && Level::Info < Level::Warn && Level::Warn < Level::Error);
}

/// A guest whose `process` uses its input as a configuration key and returns the
/// value, or `unsupported-format` if it is not set.
fn looker() -> Guest {
    Guest::new("looker").process(
        "(call $get-config (local.get $at) (local.get $length) (i32.const 128))
         (i32.store8 (i32.const 16) (i32.const 1))
         (i32.store8 (i32.const 20) (i32.const 1))
         (if (i32.load8_u (i32.const 128)) (then
            (i32.store8 (i32.const 16) (i32.const 0))
            (i32.store (i32.const 20) (i32.load (i32.const 132)))
            (i32.store (i32.const 24) (i32.load (i32.const 136)))
            (i32.store (i32.const 28) (i32.const 0))
            (i32.store (i32.const 32) (i32.const 0))))
         (i32.const 16)",
    )
}

#[test]
fn each_plugin_sees_only_its_configuration() {
    let host = TextHost::new().unwrap();
    let loaded = host.load_bytes("looker.wasm", &looker().build()).unwrap();
    let with = |pairs: &[(&str, &str)]| {
        TextPlugin::new(loaded.clone(), pairs.iter().copied().collect()).unwrap()
    };
    let (mut one, mut other) = (
        with(&[("mode", "one"), ("empty", "")]),
        with(&[("mode", "other")]),
    );
    assert_eq!(one.process("mode").unwrap().output, "one");
    assert_eq!(other.process("mode").unwrap().output, "other");
    assert_eq!(one.process("empty").unwrap().output, "");
    assert_eq!(
        other.process("empty").unwrap_err().kind(),
        "unsupported-format"
    );
}

#[test]
fn trap_fails_only_its_record() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    // Traps on the third call of an instance.
    let guest = Guest::new("third").global("calls").process(&format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable)) {ECHO}"
    ));
    let mut plugin = load_with(&host, &guest).unwrap();
    let answers: Vec<_> = (1..=7)
        .map(|n| plugin.process(&n.to_string()).map(|r| r.output))
        .collect();
    for (index, answer) in answers.iter().enumerate() {
        match (index + 1) % 3 {
            0 => assert_eq!(answer.as_ref().unwrap_err().kind(), "trap"),
            _ => assert_eq!(answer.as_ref().unwrap(), &(index + 1).to_string()),
        }
    }
    let Err(Error::Host(error)) = &answers[2] else {
        panic!("{answers:?}")
    };
    assert_eq!(
        error.to_string(),
        "`third` trapped in `process`: wasm `unreachable` instruction executed"
    );
    let backtrace = error.backtrace().unwrap();
    assert!(backtrace.contains("guest!<wasm function"), "{backtrace}");
    assert_eq!(
        notes
            .take()
            .iter()
            .filter(|note| note.starts_with("third ended"))
            .count(),
        2
    );
}

#[test]
fn trapped_instance_is_never_called_again() {
    let host = TextHost::new().unwrap();
    let plugin = host
        .load_bytes("p.wasm", &Guest::new("p").process("unreachable").build())
        .unwrap();
    let mut instance = plugin
        .instantiate(kumiki_text::TextData::default())
        .unwrap();
    let mut calls = 0;
    for expected in ["trap", "host", "host"] {
        let result = instance.call("process", |bindings, store| {
            calls += 1;
            bindings.plugin().call_process(store, "x")
        });
        assert_eq!(Error::from(result.unwrap_err()).kind(), expected);
        assert!(instance.is_poisoned());
    }
    assert_eq!(calls, 1);
}

#[test]
fn plugin_that_traps_in_get_name_is_not_loaded() {
    let host = TextHost::new().unwrap();
    let error = load_with(&host, &Guest::new("mute").get_name("unreachable")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`guest.wasm` trapped in `get-name`"),
        "{error}"
    );
}

#[test]
fn invalid_values_trap() {
    let output = |at: &str, length: &str| {
        format!(
            "(i32.store8 (i32.const 16) (i32.const 0))
             (i32.store (i32.const 20) {at}) (i32.store (i32.const 24) {length})
             (i32.store (i32.const 28) (i32.const 0)) (i32.store (i32.const 32) (i32.const 0))
             (i32.const 16)"
        )
    };
    for (what, body, message) in [
        (
            "invalid UTF-8",
            format!(
                "(i32.store8 (i32.const 300) (i32.const 0xff)) {}",
                output("(i32.const 300)", "(i32.const 1)")
            ),
            "invalid utf-8",
        ),
        (
            "a string out of bounds",
            output("(i32.const 0x7fffff00)", "(i32.const 4)"),
            "out of bounds",
        ),
        (
            "4 GiB of string",
            output("(i32.const 0)", "(i32.const -1)"),
            "out of bounds",
        ),
        (
            "a misaligned result",
            "(i32.const 17)".into(),
            "not aligned",
        ),
        (
            "a result out of bounds",
            "(i32.const 0x7ffffff0)".into(),
            "out of bounds",
        ),
    ] {
        let error = load(&Guest::new("liar").process(&body))
            .process("x")
            .unwrap_err();
        assert_eq!(error.kind(), "trap", "{what}: {error}");
        assert!(
            error.to_string().to_lowercase().contains(message),
            "{what}: {error}"
        );
    }
}

#[test]
fn exceeded_limit_ends_the_call_and_is_named() {
    let host = |limits| TextHost::builder().limits(limits).build().unwrap();
    let time = Duration::from_millis(300);
    let grow = "(if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable))";
    let cases = [
        (
            host(Limits::default().with_time(time)),
            "(loop (br 0)) unreachable".to_owned(),
            Limit::Time(time),
        ),
        (
            host(Limits::default().with_memory(1 << 20)),
            format!("{grow} {ECHO}"),
            Limit::Memory(1 << 20),
        ),
    ];
    for (host, body, expected) in cases {
        let mut plugin = load_with(&host, &Guest::new("greedy").process(&body)).unwrap();
        for _ in 0..2 {
            let start = Instant::now();
            let error = plugin.process("x").unwrap_err();
            let Error::Host(kumiki::Error::Limit { limit, .. }) = &error else {
                panic!("{error:?}")
            };
            assert_eq!(*limit, expected);
            assert!(start.elapsed() < Duration::from_secs(60), "it was ended");
        }
    }
    let host = host(Limits::default().with_transfer(1 << 16));
    let mut echo = load_with(&host, &Guest::new("echo")).unwrap();
    assert!(echo.process(&"x".repeat(60_000)).is_ok());
    let error = echo.process(&"x".repeat(70_000)).unwrap_err();
    let Error::Host(kumiki::Error::Limit { limit, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*limit, Limit::Transfer(1 << 16));
}

#[test]
fn denied_memory_growth_is_not_a_failure_if_the_guest_continues() {
    let limits = Limits::default().with_memory(1 << 20);
    let host = TextHost::builder().limits(limits).build().unwrap();
    let body = format!("(drop (memory.grow (i32.const 1000))) {ECHO}");
    let mut plugin = load_with(&host, &Guest::new("modest").process(&body)).unwrap();
    assert_eq!(plugin.process("x").unwrap().output, "x");
}

#[test]
fn earlier_denied_growth_does_not_explain_a_later_trap() {
    let limits = Limits::default().with_memory(1 << 20);
    let host = TextHost::builder().limits(limits).build().unwrap();
    let body = format!(
        "(if (i32.eqz (local.get $length)) (then unreachable))
         (drop (memory.grow (i32.const 1000))) {ECHO}"
    );
    let mut plugin = load_with(&host, &Guest::new("modest").process(&body)).unwrap();
    plugin.process("x").unwrap();
    assert_eq!(plugin.process("").unwrap_err().kind(), "trap");
}

#[test]
fn fuel_is_metered_if_enabled() {
    let host = TextHost::builder()
        .limits(Limits::default().with_fuel(100_000))
        .build()
        .unwrap();
    let mut spinner = load_with(
        &host,
        &Guest::new("spinner").process("(loop (br 0)) unreachable"),
    )
    .unwrap();
    let error = spinner.process("x").unwrap_err();
    let Error::Host(kumiki::Error::Limit { limit, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*limit, Limit::Fuel(100_000));
    // Each call gets the full amount.
    let mut echo = load_with(&host, &Guest::new("echo")).unwrap();
    for _ in 0..10_000 {
        echo.process("x").unwrap();
    }
}

#[test]
fn deep_recursion_traps() {
    let guest = Guest::new("diver").process(
        "(call $dive (local.get $length)) unreachable)
         (func $dive (param i32) (call $dive (i32.add (local.get 0) (i32.const 1)))",
    );
    let error = load(&guest).process("x").unwrap_err();
    assert!(
        error.to_string().contains("call stack exhausted"),
        "{error}"
    );
}

/// Several records at once give the same results as one by one, also in a sibling,
/// whichever plugin of a chain fails for which record.
#[test]
fn pipelines_process_several_records_like_single_ones() {
    let refuses = |name: &str, letter: char| {
        Guest::new(name).process(&format!(
            "(if (i32.eq (i32.load8_u (local.get $at)) (i32.const {}))
                (then {} (return))) {ECHO}",
            u32::from(letter),
            error(0)
        ))
    };
    let plugins = || vec![load(&refuses("a", 'a')), load(&refuses("b", 'b'))];
    let words = |result: Result<Answer<'_>, &Arc<Error>>| match result {
        Ok(answer) => format!("{:?}", answer.to_result()),
        Err(error) => format!("{error:?}"),
    };
    let inputs = ["x", "a", "b", "y", "a", "z"];
    for make in [Pipeline::each, Pipeline::chain] {
        let mut one_by_one: Vec<(String, Vec<_>)> = Vec::new();
        let mut pipeline = make(plugins());
        for input in inputs {
            let mut column = 0;
            let done = pipeline.process(input, |outcome| {
                if one_by_one.len() == column {
                    one_by_one.push((outcome.plugin.to_owned(), Vec::new()));
                }
                one_by_one[column].1.push(words(outcome.result));
                column += 1;
                Ok::<(), ()>(())
            });
            done.unwrap();
        }
        let sibling = pipeline.sibling();
        for mut pipeline in [pipeline, sibling] {
            let inputs = Texts::from_iter(inputs);
            let together = pipeline.process_all(&inputs).into_iter().map(|outcomes| {
                let results = outcomes.answers.iter().map(words).collect();
                (outcomes.plugin.to_owned(), results)
            });
            assert_eq!(together.collect::<Vec<_>>(), one_by_one);
        }
    }
}

#[test]
fn pipelines_run_independently_or_as_a_chain() {
    let plugins = || {
        vec![
            load(&Guest::new("a")),
            load(&Guest::new("b")),
            load(&Guest::new("a")),
        ]
    };
    let run = |mut pipeline: Pipeline| {
        let mut outcomes = Vec::new();
        pipeline
            .process("x", |outcome| {
                outcomes.push((
                    outcome.plugin.to_owned(),
                    outcome.result.map(|r| r.output.to_owned()).ok(),
                ));
                Ok::<(), ()>(())
            })
            .unwrap();
        outcomes
    };
    let x = Some("x".to_owned());
    assert_eq!(
        run(Pipeline::each(plugins())),
        [
            ("a (guest.wasm)".to_owned(), x.clone()),
            ("b".to_owned(), x.clone()),
            ("a (guest.wasm)".to_owned(), x.clone())
        ]
    );
    assert_eq!(run(Pipeline::chain(plugins())).len(), 1);
    let failing = vec![
        load(&Guest::new("a")),
        load(&Guest::new("b").process(&error(0))),
    ];
    assert_eq!(run(Pipeline::chain(failing)), [("a | b".to_owned(), None)]);
}

#[test]
fn plugin_is_usable_from_many_threads() {
    let host = TextHost::new().unwrap();
    let loaded = host
        .load_bytes("echo.wasm", &Guest::new("echo").build())
        .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let loaded = loaded.clone();
            scope.spawn(move || {
                let mut plugin = TextPlugin::new(loaded, Config::default()).unwrap();
                for n in 0..1000 {
                    let text = format!("{thread} {n}");
                    assert_eq!(plugin.process(&text).unwrap().output, text);
                }
            });
        }
    });
}

#[test]
fn trap_in_start_function_is_reported() {
    let core = Guest::new("starter").core() + "(func $start unreachable) (start $start)";
    let bytes = build(TEXT_PROCESSOR, "text-plugin", &core);
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("starter.wasm", &bytes).unwrap();
    let error = TextPlugin::new(plugin, Config::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`starter.wasm` trapped in `instantiate`"),
        "{error}"
    );
}

#[test]
fn instance_over_the_memory_limit_is_not_created() {
    let host = TextHost::builder()
        .limits(Limits::default().with_memory(1 << 16))
        .build()
        .unwrap();
    // Its memory has two pages initially.
    let error = load_with(&host, &Guest::new("big")).unwrap_err();
    let Error::Host(kumiki::Error::Limit { limit, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*limit, Limit::Memory(1 << 16));
}

#[test]
fn circuit_opens_after_failures_and_is_retried() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    // Traps unless the input is empty.
    let process = "(if (local.get $length) (then unreachable)) ".to_owned() + ECHO;
    let guest = Guest::new("moody").process(&process);
    let breaker = CircuitBreaker::default()
        .with_failure_threshold(3)
        .with_open_time(Duration::from_millis(50), Duration::from_secs(60));
    let mut plugin = load_with(&host, &guest)
        .unwrap()
        .with_circuit_breaker(breaker);
    let mut kinds = |inputs: &[&str]| -> Vec<&'static str> {
        let kind = |input: &&str| {
            plugin
                .process(input)
                .map_or_else(|error| error.kind(), |_| "ok")
        };
        inputs.iter().map(kind).collect()
    };

    // An answer in between resets the count.
    assert_eq!(
        kinds(&["x", "x", "", "x", "x"]),
        ["trap", "trap", "ok", "trap", "trap"]
    );
    notes.take();
    assert_eq!(
        kinds(&["x", "x", ""]),
        ["trap", "circuit-open", "circuit-open"]
    );
    let heard = notes.take();
    let said = "Contract { plugin: \"moody\", event: CircuitOpened { failures: 3, time: 50ms } }";
    assert_eq!(heard.last().map(String::as_str), Some(said), "{heard:?}");
    std::thread::sleep(Duration::from_millis(60));
    // When it is retried, a failure doubles the time and an answer resets it.
    assert_eq!(kinds(&["x", ""]), ["trap", "circuit-open"]);
    std::thread::sleep(Duration::from_millis(110));
    assert_eq!(kinds(&["", "x", "x", ""]), ["ok", "trap", "trap", "ok"]);
}

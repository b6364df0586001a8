//! Tests of batches: each record gets its own result, whatever happens to the
//! others and by whichever mode the plugin is called.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use kumiki::{Event, Limits, LogRecord, Observer};
use kumiki_text::{Answer, CallMode, CircuitBreaker, Config, Error, TextHost, TextPlugin, Texts};
use proptest::prelude::*;
use test_components::{BATCH, COLUMN, ECHO, TextPlugin as Guest, error};

const MANY: [CallMode; 2] = [CallMode::Batch, CallMode::Column];

/// A guest that traps on inputs that begin with `t`, loops on `l`, returns an error
/// for `r`, and logs inputs that begin with `w`. It echoes these and all others.
fn moody() -> Guest {
    let process = format!(
        "(local $first i32)
         (if (local.get $length) (then (local.set $first (i32.load8_u (local.get $at)))))
         (if (i32.eq (local.get $first) (i32.const 0x74)) (then unreachable))
         (if (i32.eq (local.get $first) (i32.const 0x6c)) (then (loop (br 0))))
         (if (i32.eq (local.get $first) (i32.const 0x72)) (then {} (return)))
         (if (i32.eq (local.get $first) (i32.const 0x77))
            (then (call $log (i32.const 1) (local.get $at) (local.get $length))))
         {ECHO}",
        error(1)
    );
    Guest::new("moody").process(&process)
}

/// Loads a plugin that is called by `mode` and whose circuit never opens.
fn load(host: &TextHost, guest: &Guest, mode: CallMode) -> TextPlugin {
    let guest = host.load_bytes("guest.wasm", &guest.build()).unwrap();
    let plugin = TextPlugin::new(guest, Config::default()).unwrap();
    let mut plugin = plugin.with_circuit_breaker(CircuitBreaker::disabled());
    assert!(plugin.set_mode(mode), "{mode:?}");
    plugin
}

/// Returns each answer as one string: its output, or the kind of its error.
fn words(plugin: &mut TextPlugin, inputs: &[&str]) -> Vec<String> {
    let answers = plugin.process_all(&Texts::from_iter(inputs.iter().copied()));
    let word = |answer: Result<Answer<'_>, &Arc<Error>>| match answer {
        Ok(answer) => answer.output.to_owned(),
        Err(error) => error.kind().to_owned(),
    };
    let words: Vec<_> = answers.iter().map(word).collect();
    for (row, expected) in words.iter().enumerate() {
        assert_eq!(&word(answers.get(row).unwrap()), expected);
    }
    assert!(answers.get(words.len()).is_none());
    words
}

/// The expected result of [`moody`] for an input.
fn expected(input: &str) -> String {
    match input.bytes().next() {
        Some(b't') => "trap".into(),
        Some(b'l') => "limit".into(),
        Some(b'r') => "unsupported-format".into(),
        _ => input.to_owned(),
    }
}

#[test]
fn fastest_way_is_the_default() {
    let host = TextHost::new().unwrap();
    let mode = |guest: &Guest| {
        let guest = host.load_bytes("guest.wasm", &guest.build()).unwrap();
        TextPlugin::new(guest, Config::default()).unwrap().mode()
    };
    assert_eq!(mode(&Guest::new("p")), CallMode::Single);
    assert_eq!(mode(&Guest::new("p").batch(BATCH)), CallMode::Batch);
    assert_eq!(mode(&Guest::new("p").column(COLUMN)), CallMode::Column);
    let both = Guest::new("p").batch(BATCH).column(COLUMN);
    assert_eq!(mode(&both), CallMode::Column);

    let mut plugin = load(&host, &Guest::new("p").batch(BATCH), CallMode::Batch);
    assert!(!plugin.set_mode(CallMode::Column));
    assert_eq!(plugin.mode(), CallMode::Batch);
    assert_eq!(plugin.modes(), [CallMode::Single, CallMode::Batch]);
}

/// The guest's batch functions log each call.
#[test]
fn many_records_take_few_calls() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    let call = "(call $log (i32.const 1) (i32.const 256) (i32.const 4))";
    let guest = |mode: CallMode| match mode {
        CallMode::Batch => {
            Guest::new("p").batch(&BATCH.replacen("(block", &format!("{call} (block"), 1))
        }
        _ => Guest::new("p").column(&COLUMN.replacen("(block", &format!("{call} (block"), 1)),
    };
    for mode in MANY {
        let mut plugin = load(&host, &guest(mode).data(256, "call"), mode);
        let inputs = vec!["a"; 1024];
        assert_eq!(words(&mut plugin, &inputs), inputs);
        let calls = std::mem::take(&mut *notes.0.lock().unwrap()).len();
        assert_eq!(calls, 4, "{mode:?}");
        // A single record is not a batch.
        assert_eq!(words(&mut plugin, &["a"]), ["a"]);
        assert!(notes.0.lock().unwrap().is_empty());
    }
}

static HOST: LazyLock<TextHost> = LazyLock::new(|| TextHost::new().unwrap());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No record is lost, duplicated or reordered, and only failing records have errors.
    #[test]
    fn each_record_gets_its_own_answer(
        kinds in prop::collection::vec(prop::sample::select(vec!["", "", "", "", "", "", "", "", "e", "r", "t"]), 0..700),
        column in any::<bool>(),
        sizes in prop::collection::vec(0..400_usize, 1..4),
        long in prop::option::of(0..700_usize),
    ) {
        let guest = moody().batch(BATCH).column(COLUMN);
        let mut plugin = load(&HOST, &guest, if column { CallMode::Column } else { CallMode::Batch });
        let inputs: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| match long == Some(at) {
                // Longer than the maximum input of one call.
                true => format!("{kind}{at}").repeat(400_000),
                false if kind.is_empty() && at % 7 == 0 => String::new(),
                false => format!("{kind}{at} 木"),
            })
            .collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let mut answers = Vec::new();
        let mut rest = &inputs[..];
        for size in sizes.iter().cycle() {
            let (some, after) = rest.split_at((*size).min(rest.len()));
            answers.extend(words(&mut plugin, some));
            rest = after;
            if rest.is_empty() || sizes.iter().all(|size| *size == 0) { break }
        }
        let given = inputs.len() - rest.len();
        let expected: Vec<_> = inputs[..given].iter().map(|input| expected(input)).collect();
        prop_assert_eq!(answers, expected);
    }
}

/// The limit applies to the whole call: once exceeded, records are called one by one.
#[test]
fn record_that_exceeds_the_time_limit_fails_alone() {
    let time = Duration::from_millis(300);
    let limits = Limits::default().with_time(time);
    let host = TextHost::builder().limits(limits).build().unwrap();
    for mode in MANY {
        let guest = moody().batch(BATCH).column(COLUMN);
        let mut plugin = load(&host, &guest, mode);
        let mut inputs = vec!["a"; 200];
        inputs[77] = "loops";
        let start = Instant::now();
        let answers = words(&mut plugin, &inputs);
        let elapsed = start.elapsed();
        let expected: Vec<_> = inputs.iter().map(|input| expected(input)).collect();
        assert_eq!(answers, expected);
        // Twice the limit, not once more for each split.
        assert!(elapsed < time * 5, "{mode:?}: {elapsed:?}");
    }
}

/// Together the records transfer more than one call may; each one alone does not.
#[test]
fn batch_that_exceeds_a_limit_is_split() {
    let limits = Limits::default().with_transfer(1 << 16);
    let host = TextHost::builder().limits(limits).build().unwrap();
    let text = "x".repeat(10_000);
    for mode in MANY {
        let guest = moody().batch(BATCH).column(COLUMN);
        let mut plugin = load(&host, &guest, mode);
        let too_much = "x".repeat(70_000);
        let mut inputs = vec![&*text; 50];
        inputs[20] = &too_much;
        let answers = words(&mut plugin, &inputs);
        assert_eq!(answers.len(), inputs.len());
        for (at, answer) in answers.iter().enumerate() {
            let expected = if at == 20 { "limit" } else { &text };
            assert_eq!(answer, expected, "{at}");
        }
    }
}

/// An observer that records log messages and the ends of instances.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Observer for Notes {
    fn log(&self, record: &LogRecord<'_>) {
        self.0.lock().unwrap().push(record.message.to_owned());
    }

    fn event(&self, event: &Event<'_>) {
        if let Event::InstanceEnded { .. } | Event::Contract { .. } = event {
            let text = format!("{event:?}");
            let word = text.split(' ').next().unwrap_or_default();
            self.0.lock().unwrap().push(word.to_owned());
        }
    }
}

#[test]
fn plugin_without_batches_is_called_per_record() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    let mut plugin = load(&host, &moody(), CallMode::Single);
    let answers = words(&mut plugin, &["w1", "t2", "w3", ""]);
    assert_eq!(answers, ["w1", "trap", "w3", ""]);
    assert_eq!(*notes.0.lock().unwrap(), ["w1", "InstanceEnded", "w3"]);
    assert_eq!(words(&mut plugin, &[]), [""; 0]);
}

/// A split is not a failure: patience counts only single records that fail.
#[test]
fn circuit_opens_after_ten_records_of_a_batch_failed() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    for mode in MANY {
        let guest = moody().batch(BATCH).column(COLUMN);
        let mut plugin = load(&host, &guest, mode);
        plugin = plugin.with_circuit_breaker(
            CircuitBreaker::default()
                .with_open_time(Duration::from_secs(3600), Duration::from_secs(3600)),
        );
        // One failing record in each of many batches: the circuit stays closed.
        for _ in 0..20 {
            assert_eq!(words(&mut plugin, &["a", "t", "b"]), ["a", "trap", "b"]);
        }
        notes.0.lock().unwrap().clear();
        let answers = words(&mut plugin, &["t"; 100]);
        assert_eq!(answers[..10], ["trap"; 10]);
        assert_eq!(answers[10..], ["circuit-open"; 90]);
        let notes = std::mem::take(&mut *notes.0.lock().unwrap());
        let ended = notes.iter().filter(|note| *note == "InstanceEnded").count();
        assert!((10..=30).contains(&ended), "{ended}");
        assert_eq!(words(&mut plugin, &["a"; 5]), ["circuit-open"; 5]);
    }
}

#[test]
fn batch_usage_is_measured() {
    let guest = moody().batch(BATCH).column(COLUMN);
    let mut plugin = load(&HOST, &guest, CallMode::Column).measured();
    assert_eq!(words(&mut plugin, &["a", "r", "t"]).len(), 3);
    let usage = plugin.usage().unwrap();
    assert_eq!((usage.records, usage.refused, usage.failed), (3, 1, 1));
}

#[test]
fn too_many_entries_fail_only_their_record() {
    // Returns as many empty entries as the input has bytes.
    let guest = Guest::new("p")
        .process(&format!(
            "(i32.store (i32.const 32) (local.get $length)) {}",
            ECHO.replace("(i32.store (i32.const 32) (i32.const 0))", "")
        ))
        .batch(BATCH);
    let mut plugin = load(&HOST, &guest, CallMode::Batch).with_max_metadata(2);
    let answers = plugin.process_all(&Texts::from_iter(["1", "22", "333", ""]));
    let answers: Vec<_> = answers.iter().collect();
    let [Ok(one), Ok(two), Err(three), Ok(none)] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!((one.metadata.len(), two.metadata.len()), (1, 2));
    assert!(none.metadata.is_empty());
    let Error::Metadata { max_entries, .. } = &***three else {
        panic!("{three:?}")
    };
    assert_eq!(*max_entries, 2);
}

/// Bodies of `process-batch` and `process-column` that return invalid answers. The
/// records are then retried one by one, so all of them get results.
#[test]
fn invalid_batch_answers_are_rejected() {
    let notes = Notes::default();
    let host = TextHost::builder().observer(notes.clone()).build().unwrap();
    let change = |from: &str, to: &str| {
        assert!(COLUMN.contains(from), "{from}");
        COLUMN.replace(from, to)
    };
    let last = "(local.get $result)";
    let with = |store: &str| {
        let body = COLUMN.strip_suffix(last).unwrap();
        format!("{body} {store} {last}")
    };
    let columns = [
        // One offset too few, then none.
        change(
            "(local.get $rows) (i32.const 1)))\n    (i32.store offset=8",
            "(local.get $rows) (i32.const 0)))\n    (i32.store offset=8",
        ),
        with("(i32.store offset=4 (local.get $result) (i32.const 0))"),
        // A decreasing offset, one out of bounds, a wrong first one, a wrong last one.
        with("(i32.store offset=8 (local.get $ends) (i32.const 0))"),
        with("(i32.store offset=8 (local.get $ends) (i32.const -1))"),
        with("(i32.store (local.get $ends) (i32.const 1))"),
        with("(i32.store offset=12 (local.get $ends) (i32.const 2))"),
        // Offsets and texts outside of the memory.
        with("(i32.store (local.get $result) (i32.const 0x7ffffff0))"),
        with("(i32.store offset=12 (local.get $result) (i32.const -1))"),
        // A split character, then invalid UTF-8.
        with("(i32.store offset=4 (local.get $ends) (i32.const 2))"),
        with("(i32.store8 (local.get $text) (i32.const 0xff))"),
        // A failed row that does not exist, a duplicate, one with an invalid error.
        with(
            "(i32.store offset=56 (local.get $result) (local.get $failed))
              (i32.store offset=60 (local.get $result) (i32.const 1))
              (i32.store (local.get $failed) (i32.const 3))",
        ),
        with(
            "(i32.store offset=56 (local.get $result) (local.get $failed))
              (i32.store offset=60 (local.get $result) (i32.const 2))
              (i64.store (local.get $failed) (i64.const 1))
              (i64.store offset=8 (local.get $failed) (i64.const 1))",
        ),
        with(
            "(i32.store offset=56 (local.get $result) (local.get $failed))
              (i32.store offset=60 (local.get $result) (i32.const 1))
              (i64.store (local.get $failed) (i64.const 0x0000000900000000))",
        ),
        // Metadata of too many rows, then of too few entries.
        with(
            "(i32.store offset=16 (local.get $result) (local.get $ends))
              (i32.store offset=20 (local.get $result) (i32.const 2))",
        ),
        with(
            "(i32.store offset=16 (local.get $result) (local.get $ends))
              (i32.store offset=20 (local.get $result) (i32.const 4))",
        ),
        with("(i32.store offset=20 (local.get $result) (i32.const -1))"),
    ];
    let batches = [
        BATCH.replace(
            "(i32.const 12) (local.get $count)",
            "(i32.const 12) (i32.const 2)",
        ),
        BATCH.replace(
            "(i32.const 12) (local.get $count)",
            "(i32.const 12) (i32.const 0)",
        ),
        BATCH.replace(
            "(i32.const 12) (local.get $count)",
            "(i32.const 12) (i32.const -1)",
        ),
    ];
    let columns = columns
        .iter()
        .map(|body| (CallMode::Column, moody().column(body)));
    let batches = batches
        .iter()
        .map(|body| (CallMode::Batch, moody().batch(body)));
    for (at, (mode, guest)) in columns.chain(batches).enumerate() {
        let mut plugin = load(&host, &guest, mode);
        let answers = words(&mut plugin, &["木", "b", "木"]);
        assert_eq!(answers, ["木", "b", "木"], "{at}: {mode:?}");
        let notes = std::mem::take(&mut *notes.0.lock().unwrap());
        assert!(!notes.is_empty(), "{at}: {mode:?} was believed");
    }
}

//! Tests of the conformance checks: they fail for faulty plugins and pass for
//! conforming ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use kumiki_text::{CallMode, Growth, TextHost, conformance};
use test_components::{BATCH, COLUMN, ECHO, TextPlugin as Guest, error};

/// Returns the checks that a guest fails, with the reasons.
fn failures(guest: &Guest) -> Vec<(String, String)> {
    let plugin = TextHost::new()
        .unwrap()
        .load_bytes("guest.wasm", &guest.build())
        .unwrap();
    let mut failures = Vec::new();
    let mut seen = 0;
    conformance::check(&plugin, |finding| {
        seen += 1;
        if let Err(wrong) = finding.outcome {
            failures.push((finding.check.into_owned(), wrong));
        }
    });
    assert_eq!(seen, conformance::count(&plugin));
    failures
}

#[test]
fn conforming_plugin_passes() {
    assert_eq!(failures(&Guest::new("echo")), []);
    assert_eq!(failures(&Guest::new("refuser").process(&error(0))), []);
    let in_every_way = Guest::new("echo").batch(BATCH).column(COLUMN);
    assert_eq!(failures(&in_every_way), []);
}

#[test]
fn trap_fails_its_checks() {
    let body = format!("(if (i32.eqz (local.get $length)) (then unreachable)) {ECHO}");
    let failures = failures(&Guest::new("fragile").process(&body));
    let checks: Vec<_> = failures.iter().map(|(check, _)| &**check).collect();
    assert_eq!(
        checks,
        ["empty input", "100,000 calls without memory growth"]
    );
    assert!(
        failures[0].1.contains("trapped in `process`"),
        "{failures:?}"
    );
}

#[test]
fn changing_answer_fails() {
    // The second call of an instance rejects what the first accepted.
    let body = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.gt_u (global.get $calls) (i32.const 1)) (then {} (return))) {ECHO}",
        error(0)
    );
    let failures = failures(&Guest::new("moody").global("calls").process(&body));
    let checks: Vec<_> = failures.iter().map(|(check, _)| &**check).collect();
    assert_eq!(
        checks,
        [
            "the same input gives the same answer",
            "a new instance gives the same answer"
        ]
    );
}

#[test]
fn differing_answer_by_one_way_fails() {
    let check = "every mode gives the same answers";
    let wrong = |guest: Guest| {
        let failures = failures(&guest);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].0, check);
        failures[0].1.clone()
    };
    // The second record, of one byte, becomes empty.
    let batch = BATCH.replacen(
        "(i32.store (i32.const 8)",
        "(i32.store offset=28 (local.get $results) (i32.const 0)) (i32.store (i32.const 8)",
        1,
    );
    assert_eq!(
        wrong(Guest::new("other").batch(&batch)),
        "by batch, 1 B of input: first `a` with 0 of metadata, then `` with 0 of metadata"
    );
    assert_eq!(
        wrong(Guest::new("broken").batch(BATCH).column("unreachable")),
        "`process-column` fails on records that succeed one by one"
    );
}

#[test]
fn growing_memory_fails() {
    // A page in every 1,000 calls: 65 bytes per call.
    let body = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.eqz (i32.rem_u (global.get $calls) (i32.const 1000)))
            (then (drop (memory.grow (i32.const 1))))) {ECHO}"
    );
    let failures = failures(&Guest::new("leaky").global("calls").process(&body));
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(
        failures[0].1,
        "its memory grew by 6553600 bytes in 100000 calls, 66 bytes per call"
    );
}

#[test]
fn memory_growth_only_in_batches_is_measured() {
    // Insert after the local variables, which must come first.
    let variables = "(local $row i32) (local $results i32)";
    let body = BATCH.trim_start().strip_prefix(variables).unwrap();
    let batch = format!("{variables} (drop (memory.grow (i32.const 1))) {body}");
    let guest = Guest::new("leaky").batch(&batch).build();
    let plugin = TextHost::new()
        .unwrap()
        .load_bytes("leaky", &guest)
        .unwrap();
    assert!(!Growth::measure(&plugin).unwrap().is_leak());
    let growth = Growth::measure_by(&plugin, CallMode::Batch).unwrap();
    assert_eq!(
        growth.to_string(),
        "its memory grew by 25624576 bytes in 100096 records by batch, 256 bytes per record"
    );
}

#[test]
fn one_time_memory_growth_is_not_a_leak() {
    let body = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.eq (global.get $calls) (i32.const 150000))
            (then (drop (memory.grow (i32.const 1))))) {ECHO}"
    );
    let guest = Guest::new("collected").global("calls").process(&body);
    assert_eq!(failures(&guest), []);
}

/// The guest reaches its memory limit during the warm-up and continues to answer.
#[test]
fn full_memory_fails() {
    let body = format!("(drop (memory.grow (i32.const 16))) {ECHO}");
    let failures = failures(&Guest::new("greedy").process(&body));
    let (check, wrong) = failures.last().expect("it is found");
    assert_eq!(check, "100,000 calls without memory growth");
    assert!(wrong.contains(" bytes per call"), "{wrong}");
}

#[test]
fn empty_name_fails() {
    let nameless = Guest::new("");
    assert_eq!(
        failures(&nameless),
        [(
            "name and version are set".to_owned(),
            "its name is empty".to_owned()
        )]
    );
}

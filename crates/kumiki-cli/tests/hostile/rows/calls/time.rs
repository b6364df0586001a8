//! Rows: guests that never return.

use test_components::TextPlugin;
use test_components::imports::{BLOCK, NOW, POLL, RANDOM, SLEEP, STDOUT, WRITE};

use crate::guests::{FOREVER, attacker, bad_allocator, late_attacker};
use crate::suite::Case;

/// An hour, in nanoseconds.
const HOUR: &str = "(i64.const 3600000000000)";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = loops();
    cases.extend(loops_through_the_host());
    cases.extend(sleeps());
    cases
}

fn loops() -> Vec<Case> {
    let endless = format!("{FOREVER} unreachable");
    vec![
        Case::endless("endless loop", attacker(FOREVER)),
        Case::endless(
            "endless loop in the start function",
            TextPlugin::new("hostile").items(&format!("(func $begin {FOREVER}) (start $begin)")),
        ),
        Case::endless(
            "endless loop in get-name",
            TextPlugin::new("hostile").get_name(&endless),
        ),
        Case::endless(
            "endless loop in get-version",
            TextPlugin::new("hostile").get_version(&endless),
        ),
        Case::endless("endless loop in cabi_realloc", bad_allocator(FOREVER)),
        Case::endless("endless loop in post-return", late_attacker(FOREVER)),
        Case::endless(
            "endless series of calls",
            attacker("(call $again)")
                .items("(func $again (loop $l (call $nothing) (br $l))) (func $nothing)"),
        ),
    ]
}

fn loops_through_the_host() -> Vec<Case> {
    vec![
        Case::endless(
            "endless loop of get-config calls",
            attacker(
                "(loop $l (call $get-config (i32.const 300) (i32.const 1) (i32.const 128))
                    (br $l))",
            ),
        ),
        Case::endless(
            "endless polling of the clock",
            attacker(
                "(loop $l (br_if $l (i64.ne (call $now) (i64.const 0)))
                    (br $l))",
            )
            .import(NOW),
        ),
        Case::endless(
            "endless flood of random bytes",
            attacker(
                "(loop $l (call $random (i64.const 4096) (i32.const 128)) (call $reset) (br $l))",
            )
            .import(RANDOM),
        ),
        Case::endless(
            "endless flood of standard output",
            attacker(
                "(local.set $a (call $stdout))
                 (loop $l (call $write (local.get $a) (i32.const 0) (i32.const 4096)
                    (i32.const 128)) (br $l))",
            )
            .import(STDOUT)
            .import(WRITE),
        ),
        Case::endless(
            "endless flood of log records",
            attacker("(loop $l (call $log (i32.const 3) (i32.const 300) (i32.const 5)) (br $l))")
                .data(300, "flood"),
        ),
    ]
}

fn sleeps() -> Vec<Case> {
    let block = format!("(call $block (call $sleep {HOUR}))");
    let poll = format!(
        "(i32.store (i32.const 300) (call $sleep {HOUR}))
         (call $poll (i32.const 300) (i32.const 1) (i32.const 128))"
    );
    let in_name = format!("{block} unreachable");
    vec![
        Case::endless(
            "sleep for an hour",
            attacker(&block).import(SLEEP).import(BLOCK),
        ),
        Case::endless(
            "sleep for an hour by poll",
            attacker(&poll).import(SLEEP).import(POLL),
        ),
        Case::endless(
            "sleep for an hour in get-name",
            TextPlugin::new("hostile")
                .get_name(&in_name)
                .import(SLEEP)
                .import(BLOCK),
        ),
    ]
}

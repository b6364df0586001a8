//! Rows: guests that use up the stack, memory, tables, handles, or memory of the host.

use test_components::imports::{RANDOM, SLEEP};

use crate::guests::{
    INPUT, attacker, bad_allocator, number, repeated, result, result_with_entries, room,
};
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Limit, Trap};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = grown();
    cases.extend(transferred());
    cases
}

/// Grows memory until growing fails, and then traps.
const GROW: &str = "(loop $l
    (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable)) (br $l))";

fn grown() -> Vec<Case> {
    vec![
        Case::guest(
            "recursion without end",
            Trap,
            "call stack exhausted",
            attacker("(call $dive (i32.const 0))").items(
                "(func $dive (param i32) (call $dive (i32.add (local.get 0) (i32.const 1))))",
            ),
        ),
        Case::guest(
            "memory grown without end",
            Limit,
            "memory of 64 MiB",
            attacker(GROW),
        ),
        Case::guest(
            "memory grown without end in cabi_realloc",
            Limit,
            "memory of 64 MiB",
            bad_allocator(GROW),
        ),
        Case::guest(
            "memory grown by 4 GiB at once",
            Limit,
            "memory of 64 MiB",
            attacker(
                "(if (i32.eq (memory.grow (i32.const 65534)) (i32.const -1)) (then unreachable))",
            ),
        ),
        Case::guest(
            "memory beyond the limit, with the failure handled",
            Answer,
            "",
            attacker("(drop (memory.grow (i32.const 65534)))"),
        ),
        Case::guest(
            "table of a billion elements",
            Answer,
            "",
            attacker(
                "(drop (table.grow $t (ref.null func) (i32.const 1000000000)))
                 (if (i32.ge_u (table.size $t) (i32.const 1000000000)) (then unreachable))",
            )
            .items("(table $t 1 funcref)"),
        ),
        Case::guest(
            "table grown without end",
            Limit,
            "1000000 elements",
            attacker(
                "(loop $l (br_if $l (i32.ne (i32.const -1)
                    (table.grow $t (ref.null func) (i32.const 100000))))) unreachable",
            )
            .items("(table $t 1 funcref)"),
        ),
        Case::guest(
            "20,000 handles",
            Limit,
            "10000 handles",
            attacker(&repeated(
                "$a",
                20_000,
                "(drop (call $sleep (i64.const 1)))",
            ))
            .import(SLEEP),
        ),
    ]
}

fn transferred() -> Vec<Case> {
    let (page, zero) = (number(131_072), number(0));
    vec![
        Case::guest(
            "output of 20 MB",
            Limit,
            "16 MiB passed to the host",
            attacker(&(room(20_000_000) + &result((&page, &number(20_000_000)), (&zero, &zero)))),
        ),
        Case::guest(
            "a million entries of metadata",
            Limit,
            "",
            attacker(&(room(16_000_000) + &result(INPUT, (&page, &number(1_000_000))))),
        ),
        Case::guest(
            "10,001 entries of metadata",
            Limit,
            "more than 10000 metadata entries",
            attacker(&(room(160_016) + &result(INPUT, (&page, &number(10_001))))),
        ),
        Case::guest(
            "200,000 entries of metadata, of one shared string",
            Limit,
            "",
            attacker(&result_with_entries(INPUT, 200_000, 4096)),
        ),
        Case::guest(
            "log record of 20 MB",
            Limit,
            "",
            attacker(&format!(
                "{} (call $log (i32.const 3) {page} (i32.const 20000000))",
                room(20_000_000)
            )),
        ),
        Case::guest(
            "10 MB of log in 10,000 records",
            Answer,
            "",
            attacker(&repeated(
                "$a",
                10_000,
                "(call $log (i32.const 3) (i32.const 0) (i32.const 1000))",
            )),
        ),
        Case::guest(
            "a million log records",
            Answer,
            "",
            attacker(&repeated(
                "$a",
                1_000_000,
                "(call $log (i32.const 3) (i32.const 0) (i32.const 0))",
            )),
        ),
        Case::guest(
            "key of 20 MB looked up",
            Limit,
            "16 MiB passed to the host",
            attacker(&format!(
                "{} (call $get-config {page} (i32.const 20000000) (i32.const 128))",
                room(20_000_000)
            )),
        ),
        Case::guest(
            "a tebibyte of random bytes",
            Limit,
            "random bytes at once",
            attacker("(call $random (i64.const 1099511627776) (i32.const 128))").import(RANDOM),
        ),
    ]
}

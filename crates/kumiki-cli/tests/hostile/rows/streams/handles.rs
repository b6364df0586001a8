//! Rows: very many streams, futures, waitable sets and subtasks.

use super::stage::attack;
use crate::guests::repeated;
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Limit, Trap};

const MILLION: u32 = 1_000_000;

pub(super) fn cases() -> Vec<Case> {
    let many = |body: &str| {
        let many = repeated("$count", MILLION, body);
        attack(&format!(
            "(local $count i32) (call $begin) {many} (call $end) (i32.const 0)"
        ))
    };
    let limit = "10000 handles";
    vec![
        many("(drop (call $stream-new))").case("a million streams", Limit, limit),
        many("(drop (call $future-new))").case("a million futures", Limit, limit),
        many("(drop (call $set-new))").case("a million waitable sets", Limit, limit),
        many("(drop (call $wait-for (i64.const 3600000000000)))")
            .with(|it| it.clock())
            .case("a million subtasks", Limit, limit),
        many("(call $backpressure-inc)").case(
            "a million times back-pressure",
            Trap,
            "backpressure",
        ),
        many("(call $set-drop (call $set-new))").case(
            "a million waitable sets, one after the other",
            Answer,
            "",
        ),
        dropped_pairs().case("200,000 streams, one after the other", Answer, ""),
    ]
}

fn dropped_pairs() -> super::stage::Attack {
    let drops = repeated(
        "$count",
        200_000,
        "(local.set $pair (call $stream-new))
         (call $drop-readable (call $readable (local.get $pair)))
         (call $drop-writable (call $writable (local.get $pair)))",
    );
    attack(&format!(
        "(local $count i32) (local $pair i64) (call $begin) {drops} (call $end) (i32.const 0)"
    ))
}

//! Rows: guests that trap.

use test_components::TextPlugin;

use crate::guests::{EMPTY, INPUT, attacker, bad_allocator, late_attacker, number, result};
use crate::suite::Case;
use crate::suite::Outcome::Trap;

pub(crate) fn cases() -> Vec<Case> {
    let unreachable = "unreachable";
    let trap = |name, guest| Case::guest(name, Trap, "unreachable", guest);
    let partial = result(INPUT, EMPTY).replace("(return (i32.const 16))", unreachable);
    vec![
        trap("trap in process", attacker(unreachable)),
        trap("trap after a partial result", attacker(&partial)),
        trap(
            "trap in get-name",
            TextPlugin::new("hostile").get_name(unreachable),
        ),
        trap(
            "trap in get-version",
            TextPlugin::new("hostile").get_version(unreachable),
        ),
        trap("trap in cabi_realloc", bad_allocator(unreachable)),
        trap("trap in post-return", late_attacker(unreachable)),
        trap(
            "trap in the start function",
            TextPlugin::new("hostile").items("(func $begin unreachable) (start $begin)"),
        ),
        Case::guest(
            "division by zero",
            Trap,
            "divide by zero",
            attacker("(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        ),
        Case::guest(
            "load out of bounds",
            Trap,
            "out of bounds",
            attacker("(drop (i32.load (i32.const -4)))"),
        ),
        Case::guest(
            "call through an empty table",
            Trap,
            "",
            attacker("(call_indirect $t (i32.const 0))").items("(table $t 1 funcref)"),
        ),
        Case::guest(
            "the host called from cabi_realloc",
            Trap,
            "cannot leave component",
            bad_allocator("(call $log (i32.const 3) (i32.const 0) (i32.const 0))"),
        ),
        Case::guest(
            "the host called from post-return",
            Trap,
            "cannot leave component",
            late_attacker(&format!(
                "(call $get-config {} {} (i32.const 128))",
                number(0),
                number(0)
            )),
        ),
    ]
}

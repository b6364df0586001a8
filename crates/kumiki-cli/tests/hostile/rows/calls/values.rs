//! Rows: guests that pass invalid values to the host.

use test_components::error;

use crate::guests::{EMPTY, INPUT, attacker, bad_allocator, number, result};
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Trap};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = results();
    cases.extend(arguments());
    cases
}

fn results() -> Vec<Case> {
    let zero = number(0);
    let invalid = |name, message, body: &str| Case::guest(name, Trap, message, attacker(body));
    vec![
        invalid(
            "output of 4 GiB",
            "out of bounds",
            &result((&zero, &number(-1)), EMPTY),
        ),
        invalid(
            "output out of bounds",
            "out of bounds",
            &result((&number(0x7fff_ff00), &number(4)), EMPTY),
        ),
        invalid(
            "metadata out of bounds",
            "out of bounds",
            &result(INPUT, (&number(0x7fff_ff00), &number(4))),
        ),
        invalid(
            "metadata of 4 billion entries",
            "",
            &result(INPUT, (&zero, &number(-1))),
        ),
        invalid(
            "metadata misaligned",
            "not aligned",
            &result(INPUT, (&number(257), &number(1))),
        ),
        invalid(
            "result out of bounds",
            "out of bounds",
            "(return (i32.const -4))",
        ),
        invalid(
            "result misaligned",
            "not aligned",
            "(return (i32.const 17))",
        ),
        invalid(
            "result with an invalid tag",
            "",
            "(i32.store8 (i32.const 16) (i32.const 2)) (return (i32.const 16))",
        ),
        invalid(
            "error that is not in the contract",
            "",
            &format!("(return (block (result i32) {}))", error(3)),
        ),
        invalid(
            "output of invalid UTF-8",
            "utf-8",
            &format!(
                "(i32.store8 (i32.const 300) (i32.const 0xff)) {}",
                result((&number(300), &number(1)), EMPTY)
            ),
        ),
        invalid(
            "output of a lone surrogate",
            "utf-8",
            &format!(
                "(i32.store (i32.const 300) (i32.const 0x80a0ed)) {}",
                result((&number(300), &number(3)), EMPTY)
            ),
        ),
        Case::guest(
            "output and metadata that overlap",
            Answer,
            "",
            // The entry's two strings are its own pointers and lengths.
            attacker(&format!(
                "(i32.store (i32.const 300) (i32.const 300))
                 (i32.store (i32.const 304) (i32.const 4))
                 (i32.store (i32.const 308) (i32.const 304))
                 (i32.store (i32.const 312) (i32.const 4))
                 {}",
                result(INPUT, (&number(300), &number(1)))
            )),
        ),
    ]
}

fn arguments() -> Vec<Case> {
    let invalid = |name, message, body: &str| Case::guest(name, Trap, message, attacker(body));
    vec![
        invalid(
            "log record of 4 GiB",
            "out of bounds",
            "(call $log (i32.const 3) (i32.const 0) (i32.const -1))",
        ),
        invalid(
            "log record of invalid UTF-8",
            "utf-8",
            "(i32.store8 (i32.const 300) (i32.const 0xff))
             (call $log (i32.const 3) (i32.const 300) (i32.const 1))",
        ),
        invalid(
            "log level that is not in the contract",
            "",
            "(call $log (i32.const 4) (i32.const 0) (i32.const 0))",
        ),
        invalid(
            "result of a host function out of bounds",
            "out of bounds",
            "(call $get-config (i32.const 0) (i32.const 0) (i32.const -8))",
        ),
        invalid(
            "result of a host function misaligned",
            "not aligned",
            "(call $get-config (i32.const 0) (i32.const 0) (i32.const 129))",
        ),
        Case::guest(
            "allocator that points out of bounds",
            Trap,
            "beyond end of memory",
            bad_allocator("(return (i32.const -4))"),
        ),
    ]
}

//! Rows: guests that read their environment, and guests that exit.

use test_components::imports::{ARGUMENTS, ENVIRONMENT, EXIT, READ, STDIN};

use crate::guests::{EMPTY, attacker, number, result};
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Trap};
use crate::suite::neighbour::SECRET;

pub(crate) fn cases() -> Vec<Case> {
    let (key, _) = SECRET;
    // The guest returns what it finds, and no row expects that.
    let found = result(
        ("(i32.load (i32.const 132))", "(i32.load (i32.const 136))"),
        EMPTY,
    );
    let probe = |function| {
        format!(
            "(call {function} (i32.const 128))
             (if (i32.load (i32.const 132)) (then unreachable))"
        )
    };
    vec![
        Case::guest(
            "another plugin's configuration",
            Answer,
            "",
            attacker(&format!(
                "(call $get-config (i32.const 300) {} (i32.const 128))
                 (if (i32.load8_u (i32.const 128)) (then {found}))",
                number(key.len() as i64)
            ))
            .data(300, key),
        ),
        Case::guest(
            "the environment's variables",
            Answer,
            "",
            attacker(&probe("$environment")).import(ENVIRONMENT),
        ),
        Case::guest(
            "the program's arguments",
            Answer,
            "",
            attacker(&probe("$arguments")).import(ARGUMENTS),
        ),
        Case::guest(
            "blocking read of standard input",
            Answer,
            "",
            // The read must fail (`closed`).
            attacker(
                "(call $read (call $stdin) (i64.const 1000) (i32.const 128))
                 (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable))",
            )
            .import(STDIN)
            .import(READ),
        ),
        Case::guest(
            "exit with success",
            Trap,
            "`exit` with code 0",
            attacker("(call $exit (i32.const 0))").import(EXIT),
        ),
        Case::guest(
            "exit with an error",
            Trap,
            "`exit` with code 1",
            attacker("(call $exit (i32.const 1))").import(EXIT),
        ),
        Case::guest(
            "exit with another code",
            Trap,
            "",
            attacker("(call $exit (i32.const 7))").import(EXIT),
        ),
        Case::guest(
            "an invalid handle",
            Trap,
            "",
            attacker("(call $read (i32.const 99) (i64.const 1) (i32.const 128))")
                .import(STDIN)
                .import(READ),
        ),
    ]
}

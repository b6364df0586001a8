//! Pieces that the hostile guests are put together from.

use test_components::{ECHO, TextPlugin};

/// A loop without end.
pub(crate) const FOR_EVER: &str = "(loop $for-ever (br $for-ever))";

/// A plugin that does `body` when its input is `attack`, and gives back any
/// input. `$a` and `$b` are its own.
pub(crate) fn attacker(body: &str) -> TextPlugin {
    TextPlugin::new("hostile").process(&format!(
        "(local $a i32) (local $b i32)
         (if (i32.eq (local.get $length) (i32.const 6)) (then {body}))
         {ECHO}"
    ))
}

/// A plugin that notes an attack in `$attacked` and gives back any input: for
/// what happens after `process`.
pub(crate) fn late_attacker(after: &str) -> TextPlugin {
    attacker("(global.set $attacked (i32.const 1))")
        .global("attacked")
        .post_return(&format!("(if (global.get $attacked) (then {after}))"))
}

/// A plugin whose allocator does `body` when the host lowers `attack`.
pub(crate) fn bad_allocator(body: &str) -> TextPlugin {
    TextPlugin::new("hostile").allocator(&format!(
        "(if (i32.eq (local.get $size) (i32.const 6)) (then {body}))"
    ))
}

/// Returns an output and metadata at these addresses and of these lengths.
pub(crate) fn result(output: (&str, &str), metadata: (&str, &str)) -> String {
    format!(
        "(i32.store8 (i32.const 16) (i32.const 0))
         (i32.store (i32.const 20) {}) (i32.store (i32.const 24) {})
         (i32.store (i32.const 28) {}) (i32.store (i32.const 32) {})
         (return (i32.const 16))",
        output.0, output.1, metadata.0, metadata.1
    )
}

/// A number as an operand.
pub(crate) fn number(value: i64) -> String {
    format!("(i32.const {value})")
}

/// A plugin that answers how often it was called.
pub(crate) fn counter() -> TextPlugin {
    let answer = result(
        ("(local.get $p)", "(i32.sub (i32.const 320) (local.get $p))"),
        ("(i32.const 0)", "(i32.const 0)"),
    );
    TextPlugin::new("neighbour")
        .global("count")
        .process(&format!(
            "(local $n i32) (local $p i32)
         (global.set $count (i32.add (global.get $count) (i32.const 1)))
         (local.set $n (global.get $count))
         (local.set $p (i32.const 320))
         (loop $digit
            (local.set $p (i32.sub (local.get $p) (i32.const 1)))
            (i32.store8 (local.get $p)
                (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
            (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
            (br_if $digit (local.get $n)))
         {answer}"
        ))
}

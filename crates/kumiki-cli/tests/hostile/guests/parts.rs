//! Parts of hostile guests.

use test_components::{ECHO, TextPlugin};

/// An endless loop.
pub(crate) const FOREVER: &str = "(loop $for-ever (br $for-ever))";

/// Repeats `body` this many times. `counter` is a local variable that `body` must not
/// change.
pub(crate) fn repeated(counter: &str, times: u32, body: &str) -> String {
    format!(
        "(local.set {counter} (i32.const {times}))
         (loop $next {body}
            (br_if $next (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))"
    )
}

/// A plugin that runs `body` if its input is `attack`, and then returns its input.
/// `$a` and `$b` are local variables.
pub(crate) fn attacker(body: &str) -> TextPlugin {
    TextPlugin::new("hostile").process(&format!(
        "(local $a i32) (local $b i32)
         (if (i32.eq (local.get $length) (i32.const 6)) (then {body}))
         {ECHO}"
    ))
}

/// A plugin that returns its input, and runs `after` in post-return of `attack`.
pub(crate) fn late_attacker(after: &str) -> TextPlugin {
    attacker("(global.set $attacked (i32.const 1))")
        .global("attacked")
        .post_return(&format!("(if (global.get $attacked) (then {after}))"))
}

/// A plugin whose allocator runs `body` when the host passes `attack`.
pub(crate) fn bad_allocator(body: &str) -> TextPlugin {
    TextPlugin::new("hostile").allocator(&format!(
        "(if (i32.eq (local.get $size) (i32.const 6)) (then {body}))"
    ))
}

/// Returns an output and metadata, each with its address and length.
pub(crate) fn result(output: (&str, &str), metadata: (&str, &str)) -> String {
    format!(
        "(i32.store8 (i32.const 16) (i32.const 0))
         (i32.store (i32.const 20) {}) (i32.store (i32.const 24) {})
         (i32.store (i32.const 28) {}) (i32.store (i32.const 32) {})
         (return (i32.const 16))",
        output.0, output.1, metadata.0, metadata.1
    )
}

/// Empty metadata or an empty output.
pub(crate) const EMPTY: (&str, &str) = ("(i32.const 0)", "(i32.const 0)");

/// The input, as an output or as metadata.
pub(crate) const INPUT: (&str, &str) = ("(local.get $at)", "(local.get $length)");

/// A body of `get-name` or `get-version` that returns a text at this address.
pub(crate) fn text_at(at: i64, length: usize) -> String {
    format!(
        "(i32.store (i32.const 0) {}) (i32.store (i32.const 4) {}) (i32.const 0)",
        number(at),
        number(length as i64)
    )
}

/// A plugin with this name, which is stored at 300.
pub(crate) fn named(guest: TextPlugin, name: &str) -> TextPlugin {
    let body = text_at(300, name.len());
    guest.data(300, name).get_name(&body)
}

/// Returns the text at 300, of this length, as the output and as the key and the
/// value of metadata.
pub(crate) fn result_of_text(length: usize) -> String {
    let (at, length) = (number(300), number(length as i64));
    format!(
        "(i32.store (i32.const 256) {at}) (i32.store (i32.const 260) {length})
         (i32.store (i32.const 264) {at}) (i32.store (i32.const 268) {length})
         {}",
        result((&at, &length), (&number(256), &number(1)))
    )
}

/// Grows memory once, so that there are this many bytes from page 2 on.
pub(crate) fn room(bytes: usize) -> String {
    let pages = bytes.div_ceil(65536) + 2;
    format!(
        "(if (i32.lt_u (memory.size) (i32.const {pages}))
            (then (drop (memory.grow (i32.sub (i32.const {pages}) (memory.size))))))"
    )
}

/// Returns this output and metadata entries, which are stored from page 2 on. They
/// share one key at 64, of length `key`, and one value of 4 KiB at 0.
pub(crate) fn result_with_entries(output: (&str, &str), entries: usize, key: u32) -> String {
    let count = format!("(i32.const {entries})");
    format!(
        "{} (local.set $a {count}) (local.set $b (i32.const 131072))
         (loop $l
            (i32.store (local.get $b) (i32.const 64))
            (i32.store offset=4 (local.get $b) (i32.const {key}))
            (i32.store offset=8 (local.get $b) (i32.const 0))
            (i32.store offset=12 (local.get $b) (i32.const 4096))
            (local.set $b (i32.add (local.get $b) (i32.const 16)))
            (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
         {}",
        room(entries * 16),
        result(output, ("(i32.const 131072)", &count))
    )
}

/// Logs the text at 300, of this length.
pub(crate) fn log_text(length: usize) -> String {
    format!("(call $log (i32.const 3) (i32.const 300) (i32.const {length}))")
}

/// A number as an operand.
pub(crate) fn number(value: i64) -> String {
    format!("(i32.const {value})")
}

/// A plugin that returns the number of its calls.
pub(crate) fn counter() -> TextPlugin {
    let output = result(
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
         {output}"
        ))
}

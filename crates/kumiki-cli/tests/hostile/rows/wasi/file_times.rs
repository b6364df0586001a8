//! Rows: guests that read the time from file times.

use std::time::SystemTime;

use kumiki::{Clocks, Grants};

use crate::guests::files::{method, with_files};
use crate::suite::Outcome::Answer;
use crate::suite::granted::{LONG, attempt, folder_with, limits};
use crate::suite::{Case, to_text};

const OPEN: &str = "(local.set $a (call $open (call $folder) (i32.const 0) (i32.const 3)))";

/// Checks the three times in the result of `stat` at 128. Nanoseconds must be a
/// multiple of `step`, and seconds must be 0 unless `seconds` is set.
fn look(seconds: bool, step: u32) -> String {
    let mut text = "(if (i32.load8_u (i32.const 128)) (then unreachable))".to_owned();
    for at in [160, 184, 208] {
        // The tag of the option, the seconds, the nanoseconds.
        text += &format!("(if (i32.eqz (i32.load8_u (i32.const {at}))) (then unreachable))");
        if !seconds {
            let at = at + 8;
            text += &format!(
                "(if (i64.ne (i64.load (i32.const {at})) (i64.const 0)) (then unreachable))"
            );
        }
        text += &format!(
            "(if (i32.rem_u (i32.load (i32.const {})) (i32.const {step})) (then unreachable))",
            at + 16
        );
    }
    text
}

pub(crate) fn cases() -> Vec<Case> {
    let row = |name, clocks: Clocks, body: String| {
        let guest = method(with_files("f", &body), "[method]descriptor.stat", "$stat");
        let guest = method(guest, "[method]descriptor.stat-at", "$stat-at");
        Case::granted(name, (Answer, ""), guest, limits(LONG), move || {
            let (folder, grants) = folder_with("f", b"text")?;
            Ok((folder, grants.with_clocks(clocks)))
        })
    };
    let both = |look: String| {
        format!(
            "{OPEN} (call $stat (local.get $a) (i32.const 128)) {look}
             (call $stat-at (call $folder) (i32.const 1) (i32.const 300) (i32.const 1)
                (i32.const 128)) {look}"
        )
    };
    vec![
        // Only 0 is a multiple of this.
        row(
            "the times of files under frozen clocks",
            Clocks::Frozen,
            both(look(false, 1_000_000_000)),
        ),
        row(
            "the times of files under coarse clocks",
            Clocks::Coarse,
            both(look(true, 1_000_000)),
        ),
        set_to_now(),
    ]
}

/// Setting a file time to "now" uses the time of the guest's clock.
fn set_to_now() -> Case {
    Case::new(
        "a file's times set to now under frozen clocks",
        Answer,
        "",
        || {
            let body = format!(
                "{OPEN} (call $set-times (local.get $a)
                (i32.const 1) (i64.const 0) (i32.const 0)
                (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 128))
             (if (i32.load8_u (i32.const 128)) (then unreachable))"
            );
            let guest = method(
                with_files("f", &body),
                "[method]descriptor.set-times",
                "$set-times",
            );
            let (folder, grants): (_, Grants) = folder_with("f", b"text")?;
            let seen = attempt(&guest, grants.with_clocks(Clocks::Frozen), limits(LONG))?;
            let metadata = folder.path().join("f").metadata();
            let written = metadata.and_then(|file| file.modified());
            let written = written.map_err(to_text)?;
            match written == SystemTime::UNIX_EPOCH {
                true => Ok(seen),
                false => Err(format!("the file was written at {written:?}")),
            }
        },
    )
}

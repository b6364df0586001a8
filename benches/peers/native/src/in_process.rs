//! A function of the host, without any boundary.

use std::hint::black_box;

use turns::{Row, Set, input, repeat};

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    let (work, text) = (row.work, input(row.size));
    let mut log_bytes = 0;
    let digest = work.answer(&text, |line| log_bytes += line.len()).digest();
    let mut ask = move || {
        let answer = work.answer(black_box(&text), |line| log_bytes += line.len());
        drop(black_box(answer));
        black_box(log_bytes);
    };
    let count = row.count;
    let turn = match row.kind.as_str() {
        "call" => repeat(1, ask),
        "many" => repeat(count, move || (0..count).for_each(|_| ask())),
        kind => return Err(format!("it has no `{kind}`")),
    };
    Ok(Set::new(digest, turn))
}

/// Copies the text twice: the minimum cost of any boundary between two memories.
pub(crate) fn copies(row: &Row) -> Result<Set, String> {
    if row.kind != "call" {
        return Err(format!("it has no `{}`", row.kind));
    }
    let text = input(row.size);
    let (mut there, mut back) = (vec![0_u8; row.size], vec![0_u8; row.size]);
    let mut copy = move || {
        there.copy_from_slice(black_box(text.as_bytes()));
        back.copy_from_slice(black_box(&there));
        black_box(&mut back);
    };
    copy();
    let digest = row.work.answer(&input(row.size), |_| ()).digest();
    Ok(Set::new(digest, repeat(1, copy)))
}

//! A function of the host, without any boundary.

use std::hint::black_box;
use std::io::{self, Read, Write};

use turns::{Answer, Row, Set, Work, input, repeat};

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    if row.kind == "stream" {
        return stream(row);
    }
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

/// The bytes that a contender reads at once.
const CHUNK: usize = 64 << 10;

/// Transforms a text in pieces, through a reader and a writer like those of the others.
fn stream(row: &Row) -> Result<Set, String> {
    let (work, text) = (row.work, input(row.size));
    let mut whole = Vec::new();
    filter(work, &mut text.as_bytes(), &mut whole);
    let output = String::from_utf8(whole).map_err(|error| error.to_string())?;
    let turn = repeat(1, move || {
        let mut discard = Discard(0);
        filter(work, &mut black_box(text.as_bytes()), &mut discard);
        black_box(discard.0);
    });
    Ok(Set::new(Answer::bare(output).digest(), turn))
}

/// As the plugin: reads pieces, checks them, and writes each result. The input has only
/// characters of one byte, which no piece cuts.
fn filter(work: Work, reader: &mut dyn Read, writer: &mut dyn Write) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = reader.read(&mut buffer).expect("a read");
        if read == 0 {
            return;
        }
        let piece = std::str::from_utf8(&buffer[..read]).expect("a text");
        let output = work.answer(piece, |_| ()).output;
        writer.write_all(output.as_bytes()).expect("a write");
    }
}

/// A writer that touches what it gets, and keeps a byte of it.
struct Discard(u8);

impl Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 ^= black_box(bytes).last().copied().unwrap_or_default();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

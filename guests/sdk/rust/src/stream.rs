//! Reads and writes a whole text piece by piece.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// The number of bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// The text that the plugin reads. Dropping it says that the rest is not needed.
pub struct Input {
    stream: StreamReader<u8>,
    /// What was read, but not yet returned.
    rest: Vec<u8>,
    has_ended: bool,
}

impl Input {
    /// Reads from this stream.
    pub fn new(stream: StreamReader<u8>) -> Self {
        Self {
            stream,
            rest: Vec::new(),
            has_ended: false,
        }
    }

    /// Returns the next bytes, which may end within a character; `None` at the end.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        while self.read_more().await {
            if !self.rest.is_empty() {
                break;
            }
        }
        match self.rest.is_empty() {
            true => None,
            false => Some(std::mem::take(&mut self.rest)),
        }
    }

    /// Returns the next text; `None` at the end. A character that the chunk cuts is
    /// returned with the next text.
    pub async fn read_text(&mut self) -> Option<String> {
        self.read_to(whole_characters).await
    }

    /// Returns the next lines, one or many; `None` at the end. All of them are whole: they
    /// end with `\n`, except perhaps the last line of the text. A line must fit into the
    /// memory.
    pub async fn read_lines(&mut self) -> Option<String> {
        self.read_to(whole_lines).await
    }

    /// Reads until `whole` says that this many of the bytes can be returned, or until the
    /// end.
    async fn read_to(&mut self, whole: fn(&[u8], usize) -> usize) -> Option<String> {
        loop {
            let known = self.rest.len();
            let is_open = self.read_more().await;
            let length = match is_open {
                true => whole(&self.rest, known),
                false => self.rest.len(),
            };
            if length > 0 {
                let rest = self.rest.split_off(length);
                return Some(text(std::mem::replace(&mut self.rest, rest)));
            }
            if !is_open {
                return None;
            }
        }
    }

    /// Adds the next chunk to the rest; false at the end.
    async fn read_more(&mut self) -> bool {
        if self.has_ended {
            return false;
        }
        let mut buffer = std::mem::take(&mut self.rest);
        buffer.reserve(CHUNK);
        let (status, buffer) = self.stream.read(buffer).await;
        self.rest = buffer;
        self.has_ended = status == StreamResult::Dropped;
        true
    }
}

/// The number of bytes before a character that is cut at the end.
fn whole_characters(bytes: &[u8], _: usize) -> usize {
    let is_start = |byte: &u8| !(0x80..0xc0).contains(byte);
    let Some(start) = bytes.iter().rposition(is_start) else {
        return 0;
    };
    let width = match bytes[start] {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    };
    if bytes.len() - start < width {
        start
    } else {
        bytes.len()
    }
}

/// The number of bytes before a line that is cut at the end; the first `known` bytes end no
/// line.
fn whole_lines(bytes: &[u8], known: usize) -> usize {
    let new = &bytes[known..];
    let end = new.iter().rposition(|byte| *byte == b'\n');
    end.map_or(0, |end| known + end + 1)
}

fn text(bytes: Vec<u8>) -> String {
    // SAFETY: the contract says that it is UTF-8, and it was read to the end of a character.
    // The host that keeps the contract runs this plugin and can write anything into its
    // memory; wit-bindgen does the same with a `string`. The check took a third of the time
    // of upper-casing ASCII.
    unsafe { String::from_utf8_unchecked(bytes) }
}

/// The text that the plugin writes.
pub struct Output {
    stream: StreamWriter<u8>,
    is_closed: Rc<Cell<bool>>,
}

impl Output {
    /// Writes all of this and waits until it is read.
    ///
    /// When nobody reads any more, this does not return: `transform` ends here, as if it
    /// had succeeded. What it owns is dropped.
    pub async fn write_all(&mut self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        // An empty write would wait for a reader.
        if bytes.is_empty() {
            return;
        }
        if !self.stream.write_all(bytes).await.is_empty() {
            self.is_closed.set(true);
            std::future::pending::<()>().await;
        }
    }
}

/// Runs `transform` with the output `stream` until it ends, or until nobody reads the
/// output any more.
pub async fn run<E>(
    stream: StreamWriter<u8>,
    transform: impl AsyncFnOnce(Output) -> Result<(), E>,
) -> Result<(), E> {
    let is_closed = Rc::new(Cell::new(false));
    let output = Output {
        stream,
        is_closed: is_closed.clone(),
    };
    let mut transform = pin!(transform(output));
    poll_fn(|context| match transform.as_mut().poll(context) {
        Poll::Pending if is_closed.get() => Poll::Ready(Ok(())),
        poll => poll,
    })
    .await
}

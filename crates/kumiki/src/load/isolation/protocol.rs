//! The protocol between the two processes: one request and one answer.

use std::io::{self, Read, Write};
use std::time::Duration;

/// The start of a request. The last byte is the protocol's version: increment it on
/// every change.
const MAGIC: [u8; 8] = *b"kumiki\0\x03";
/// The first byte of an answer.
const COMPILED: u8 = b'C';
const FAILED: u8 = b'F';
const OUT_OF_MEMORY: u8 = b'M';
/// The maximum length of an answer's message, in bytes.
const MESSAGE: u64 = 64 << 10;

/// A request to compile a component or a core module, with the limits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Whether it is a core module.
    pub(super) is_module: bool,
    /// Whether instructions are counted.
    pub(super) fuel: bool,
    /// As [`EngineConfig::concurrency`](crate::EngineConfig::concurrency).
    pub(super) concurrency: bool,
    /// The memory limit in bytes.
    pub(super) memory: u64,
    pub(super) time: Duration,
    /// The length in bytes of the component or module, which follows the request.
    pub(super) length: u64,
}

impl Request {
    pub(super) fn write(self, out: &mut impl Write) -> io::Result<()> {
        let Self {
            is_module,
            fuel,
            concurrency,
            memory,
            time,
            length,
        } = self;
        out.write_all(&MAGIC)?;
        out.write_all(&[is_module, fuel, concurrency].map(u8::from))?;
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        for number in [memory, milliseconds, length] {
            out.write_all(&number.to_le_bytes())?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        if array(input)? != MAGIC {
            return Err(io::Error::other("the request is not of this version"));
        }
        let [is_module, fuel, concurrency] = array(input)?;
        Ok(Self {
            is_module: is_module != 0,
            fuel: fuel != 0,
            concurrency: concurrency != 0,
            memory: number(input)?,
            time: Duration::from_millis(number(input)?),
            length: number(input)?,
        })
    }
}

/// The result of compiling.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The artifact.
    Compiled(Vec<u8>),
    /// The compiler's error.
    Failed(String),
    /// The system refused memory.
    OutOfMemory,
}

impl Answer {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (kind, bytes) = match self {
            Self::Compiled(artifact) => (COMPILED, &**artifact),
            Self::Failed(message) => (FAILED, message.as_bytes()),
            Self::OutOfMemory => (OUT_OF_MEMORY, &[][..]),
        };
        out.write_all(&[kind])?;
        out.write_all(&(bytes.len() as u64).to_le_bytes())?;
        out.write_all(blake3::hash(bytes).as_bytes())?;
        out.write_all(bytes)?;
        out.flush()
    }

    /// Reads a complete answer up to the end of input. An artifact may have at most
    /// `most` bytes.
    pub(super) fn read(input: &mut impl Read, most: u64) -> io::Result<Self> {
        let [kind] = array(input)?;
        let most = match kind {
            COMPILED => most,
            FAILED => MESSAGE,
            OUT_OF_MEMORY => 0,
            _ => return Err(io::Error::other("its output is not an answer")),
        };
        let length = number(input)?;
        if length > most {
            let message = format!("its answer has {length} bytes, over the limit of {most}");
            return Err(io::Error::other(message));
        }
        let hash: [u8; 32] = array(input)?;
        let mut bytes = Vec::new();
        let capacity = usize::try_from(length).unwrap_or(usize::MAX);
        bytes
            .try_reserve_exact(capacity)
            .map_err(io::Error::other)?;
        input.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if input.read(&mut [0])? != 0 {
            return Err(io::Error::other("it wrote more data after its answer"));
        }
        if blake3::hash(&bytes) != hash {
            return Err(io::Error::other("its answer is damaged"));
        }
        Ok(match kind {
            COMPILED => Self::Compiled(bytes),
            OUT_OF_MEMORY => Self::OutOfMemory,
            _ => Self::Failed(String::from_utf8_lossy(&bytes).into_owned()),
        })
    }
}

fn array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(input: &mut impl Read) -> io::Result<u64> {
    array(input).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answer: &Answer) -> Vec<u8> {
        let mut bytes = Vec::new();
        answer.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn requests_round_trip() {
        let request = Request {
            is_module: false,
            fuel: true,
            concurrency: false,
            memory: 1 << 32,
            time: Duration::from_mins(5),
            length: 7,
        };
        let mut bytes = Vec::new();
        request.write(&mut bytes).unwrap();
        assert_eq!(Request::read(&mut &*bytes).unwrap(), request);
        for length in 0..bytes.len() {
            assert!(Request::read(&mut &bytes[..length]).is_err(), "{length}");
        }
        bytes[7] = 1;
        assert!(Request::read(&mut &*bytes).is_err());
    }

    #[test]
    fn answers_round_trip() {
        for answer in [
            Answer::Compiled(b"machine code".into()),
            Answer::Compiled(Vec::new()),
            Answer::Failed("too many parameters".into()),
        ] {
            let bytes = written(&answer);
            assert_eq!(Answer::read(&mut &*bytes, 12).unwrap(), answer);
        }
    }

    #[test]
    fn only_complete_answers_are_accepted() {
        let bytes = written(&Answer::Compiled(b"machine code".into()));
        for length in 0..bytes.len() {
            assert!(Answer::read(&mut &bytes[..length], 12).is_err(), "{length}");
        }
        let error = |bytes: &[u8], most| {
            let answer = Answer::read(&mut &*bytes, most);
            answer.unwrap_err().to_string()
        };
        assert!(error(&bytes, 11).contains("12 bytes, over the limit of 11"));
        let longer = [&*bytes, b"x"].concat();
        assert!(error(&longer, 12).contains("after its answer"));
        for at in 9..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(error(&damaged, 12).contains("damaged"), "{at}");
        }
        let mut endless = vec![FAILED];
        endless.extend(u64::MAX.to_le_bytes());
        assert!(error(&endless, u64::MAX).contains("over the limit of 65536"));
        assert!(error(b"hello, world", 12).contains("not an answer"));
    }
}

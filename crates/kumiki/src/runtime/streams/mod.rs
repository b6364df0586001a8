//! The host's ends of a guest's `stream<u8>`: a reader and a writer.
//!
//! Bytes are copied once: from the reader into the guest's memory, or from the guest's
//! memory into the writer.

mod async_read;
mod async_write;
mod progress;
mod read;
mod returned;
mod transfer;
mod write;

pub use async_read::AsyncReadStream;
pub use async_write::AsyncWriteStream;
pub use progress::CallTimer;
pub(crate) use progress::Progress;
pub use read::ReadStream;
pub use write::WriteStream;

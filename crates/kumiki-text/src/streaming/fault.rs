//! What went wrong outside of the plugin, or in its output: the error that a stream
//! returns to wasmtime loses its type.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

use kumiki::{Error as HostError, Limit};

use super::utf8::NotUtf8;
use crate::Error;

/// The first fault of a call.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<Cause>>>);

pub(super) enum Cause {
    Input(io::Error),
    Output(io::Error),
    OutputText(NotUtf8),
    OutputLimit(Limit),
}

impl Fault {
    /// Sets the cause, unless there is one, and returns an error for the stream.
    pub(super) fn set(&self, cause: Cause) -> io::Error {
        let kind = match &cause {
            Cause::Input(error) | Cause::Output(error) => error.kind(),
            Cause::OutputText(_) => ErrorKind::InvalidData,
            Cause::OutputLimit(_) => ErrorKind::FileTooLarge,
        };
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(cause);
        io::Error::new(kind, "the stream failed")
    }

    pub(super) fn take(&self) -> Option<Cause> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Cause {
    pub(super) fn into_error(self, plugin: &str) -> Error {
        let plugin = plugin.to_owned();
        match self {
            Self::Input(source) => Error::Input { plugin, source },
            Self::Output(source) => Error::Output { plugin, source },
            Self::OutputText(NotUtf8 { at }) => Error::Stream {
                plugin,
                message: format!("its output is not UTF-8 from byte {at} on"),
            },
            Self::OutputLimit(limit) => Error::Host(HostError::Limit {
                plugin,
                function: super::FUNCTION.to_owned(),
                limit,
            }),
        }
    }
}

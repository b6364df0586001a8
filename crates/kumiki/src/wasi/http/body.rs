//! The body of a response, piece by piece as the guest reads it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::Error;

/// A body that comes to an end when its sender pauses for too long.
pub(super) struct PatientBody {
    incoming: Incoming,
    patience: Duration,
    /// Made in advance: a guest reads where no runtime is at hand to make it.
    end: Pin<Box<Sleep>>,
    waiting: bool,
}

impl PatientBody {
    pub(super) fn new(incoming: Incoming, patience: Duration) -> Self {
        Self {
            incoming,
            patience,
            end: Box::pin(sleep(patience)),
            waiting: false,
        }
    }
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(context) {
            this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        if !this.waiting {
            this.waiting = true;
            this.end.as_mut().reset(Instant::now() + this.patience);
        }
        ready!(this.end.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

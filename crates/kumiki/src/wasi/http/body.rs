//! The body of a response, with a timeout between its chunks, and that of a request,
//! without trailers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::HeldBytes;

/// A body that fails when its sender pauses for longer than the timeout.
pub(super) struct TimeoutBody {
    incoming: Incoming,
    timeout: Duration,
    /// Created in advance: no runtime is available to create it where a guest reads.
    sleep: Pin<Box<Sleep>>,
    waiting: bool,
    /// With WASI 0.3; then trailers are dropped, because no handle counts them.
    held: Option<HeldBytes>,
}

impl TimeoutBody {
    pub(super) fn new(incoming: Incoming, timeout: Duration, held: Option<HeldBytes>) -> Self {
        Self {
            incoming,
            timeout,
            sleep: Box::pin(sleep(timeout)),
            waiting: false,
            held,
        }
    }
}

impl Body for TimeoutBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(context) {
            this.waiting = false;
            let is_trailers = matches!(&frame, Some(Ok(frame)) if frame.is_trailers());
            let frame = frame.filter(|_| !is_trailers || this.held.is_none());
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        if !this.waiting {
            this.waiting = true;
            this.sleep.as_mut().reset(Instant::now() + this.timeout);
        }
        ready!(this.sleep.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The body of a request, which fails at its trailers.
pub(super) struct WithoutTrailers(pub(super) WasiBody);

impl Body for WithoutTrailers {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(context));
        if matches!(&frame, Some(Ok(frame)) if frame.is_trailers()) {
            let reason = "trailers are not supported".to_owned();
            return Poll::Ready(Some(Err(Error::InternalError(Some(reason)))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

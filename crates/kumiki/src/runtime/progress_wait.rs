//! Waits for a future as long as its calls make progress.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::time::timeout;

use super::streams::Progress;
use crate::clock::TICK;

/// Polls a future on this thread. Returns `None` if it is still pending when no time
/// remains.
pub(super) fn block_on<R>(future: impl Future<Output = R>, progress: &Progress) -> Option<R> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        let polled = progress.count_computing(|| future.as_mut().poll(&mut context));
        if let Poll::Ready(result) = polled {
            return Some(result);
        }
        let remaining = progress.remaining();
        if remaining.is_zero() {
            return None;
        }
        // The clock of the limits may be a tick late.
        thread::park_timeout(remaining.min(TICK * 100));
    }
}

/// Awaits a future in a task of a tokio runtime, as [`block_on`] does.
pub(super) async fn until_no_time_remains<R>(
    future: impl Future<Output = R>,
    progress: &Progress,
) -> Option<R> {
    let mut future = pin!(future);
    loop {
        let remaining = progress.remaining();
        if let Ok(result) = timeout(remaining.max(TICK), future.as_mut()).await {
            return Some(result);
        }
        if progress.remaining().is_zero() {
            return None;
        }
    }
}

/// Wakes the thread that waits in [`block_on`].
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

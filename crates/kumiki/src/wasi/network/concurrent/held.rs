//! Keeps the permit of a socket for as long as one of its streams is open, even if the
//! guest dropped the socket itself: the stream keeps the descriptor open.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::component::{FutureConsumer, FutureReader, Source};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;

use crate::wasi::descriptors::Permit;

type Ended = Result<(), ErrorCode>;

/// Returns a future with the same result as `ended`, the future beside a stream of a
/// socket. The permit is held until then.
pub(super) fn hold(
    mut store: impl AsContextMut<Data: 'static>,
    ended: FutureReader<Ended>,
    permit: Option<Arc<Permit>>,
) -> wasmtime::Result<FutureReader<Ended>> {
    let (sender, receiver) = oneshot::channel();
    let held = Held {
        result: Some(sender),
        permit,
    };
    ended.pipe(store.as_context_mut(), held)?;
    FutureReader::new(store, receiver)
}

struct Held {
    result: Option<oneshot::Sender<Ended>>,
    permit: Option<Arc<Permit>>,
}

impl<D: 'static> FutureConsumer<D> for Held {
    type Item = Ended;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'_, D>,
        mut source: Source<'_, Ended>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let this = self.get_mut();
        let mut ended = None;
        source.read(store.as_context_mut(), &mut ended)?;
        this.permit = None;
        if let Some(sender) = this.result.take() {
            // Fails if the guest dropped the future.
            let _ = sender.send(ended.unwrap_or(Ok(())));
        }
        Poll::Ready(Ok(()))
    }
}

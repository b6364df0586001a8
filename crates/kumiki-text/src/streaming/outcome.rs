//! The outcome that a plugin reports.

use std::pin::Pin;
use std::task::{Context, Poll};

use kumiki::StoreData;
use kumiki::wasmtime::component::{FutureConsumer, Source};
use kumiki::wasmtime::{self, StoreContextMut};
use tokio::sync::oneshot;

use crate::contract::ProcessError;

/// Receives the outcome that a plugin reports.
pub(super) struct Outcome(pub(super) Option<oneshot::Sender<Result<(), ProcessError>>>);

impl FutureConsumer<StoreData> for Outcome {
    type Item = Result<(), ProcessError>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, StoreData>,
        mut source: Source<'_, Self::Item>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut value = None;
        source.read(store, &mut value)?;
        if let (Some(value), Some(sender)) = (value, self.0.take()) {
            // Nobody waits if the call has failed.
            let _ = sender.send(value);
        }
        Poll::Ready(Ok(()))
    }
}

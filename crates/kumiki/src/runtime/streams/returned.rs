//! A writer that its owner gets back at the end of its stream.

use tokio::sync::oneshot;

/// A writer; dropping this returns it.
pub(super) struct Returned<W> {
    writer: Option<W>,
    end: Option<oneshot::Sender<W>>,
}

impl<W> Returned<W> {
    pub(super) fn new(writer: W) -> (Self, oneshot::Receiver<W>) {
        let (end, at_end) = oneshot::channel();
        let returned = Self {
            writer: Some(writer),
            end: Some(end),
        };
        (returned, at_end)
    }

    pub(super) fn get(&mut self) -> Option<&mut W> {
        self.writer.as_mut()
    }
}

impl<W> Drop for Returned<W> {
    fn drop(&mut self) {
        if let (Some(end), Some(writer)) = (self.end.take(), self.writer.take()) {
            // Nobody waits for a stream whose call failed.
            drop(end.send(writer));
        }
    }
}

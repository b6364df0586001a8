//! How far the reader may be ahead of the writer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Batches under way for each worker: one in its hands, one waiting for it, and
/// as many done that a slower one before them holds up.
const BATCHES: usize = 4;

/// Bytes of records under way, whatever the number of workers.
const BYTES: usize = 16 << 20;

/// Bounds what was read and is not yet written.
pub(super) struct Room {
    most: usize,
    taken: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Default)]
struct Taken {
    batches: usize,
    bytes: usize,
}

impl Room {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            most: workers.saturating_mul(BATCHES),
            taken: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// How many bytes a batch may have for there to be room for all of them.
    pub(super) fn batch(&self) -> usize {
        BYTES / self.most
    }

    /// Waits until there is room for a batch of so many bytes, and takes it.
    /// One that is larger than all of the room gets it alone.
    pub(super) fn take(&self, bytes: usize) {
        let full = |taken: &mut Taken| {
            taken.batches >= self.most
                || taken.batches > 0 && taken.bytes.saturating_add(bytes) > BYTES
        };
        let taken = self.freed.wait_while(self.lock(), full);
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.batches += 1;
        taken.bytes += bytes;
    }

    /// A batch that took so many bytes is written.
    pub(super) fn free(&self, bytes: usize) {
        let mut taken = self.lock();
        taken.batches -= 1;
        taken.bytes -= bytes;
        drop(taken);
        self.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Takes both; whether the second had to wait for the first.
    fn waits(room: &Room, first: usize, second: usize) -> bool {
        room.take(first);
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            scope.spawn(move || {
                room.take(second);
                sender.send(()).unwrap();
            });
            let waited = receiver.recv_timeout(Duration::from_millis(200)).is_err();
            room.free(first);
            if waited {
                receiver.recv().unwrap();
            }
            room.free(second);
            waited
        })
    }

    #[test]
    fn what_is_too_much_waits() {
        let room = Room::new(1);
        assert!(!waits(&room, 1, 1));
        assert!(!waits(&room, BYTES - 1, 1));
        assert!(waits(&room, BYTES, 1));
        assert!(waits(&room, 1, BYTES * 2));
        for _ in 0..BATCHES - 1 {
            room.take(0);
        }
        assert!(waits(&room, 0, 0));
    }
}

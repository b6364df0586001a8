//! Delivery of results in parts, so that the results of many records need not be
//! in memory at once. `docs/decisions/0010-results.md` describes how the program
//! uses it.

use kumiki::Limits;

use crate::Outcomes;

/// Limits on the size of the results of the next records, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Size at which a part is complete: once the collected answers have this
    /// many bytes, no more records are given to the plugin.
    pub part: usize,
    /// Maximum bytes that one call may transfer, capped by [`Limits::transfer`].
    pub call: usize,
    /// Whether a record whose answer needs more than `call` fails. If false, the
    /// record is deferred and retried with a larger allowance.
    pub last: bool,
}

/// Receiver of the results of [`Pipeline::process_in_parts`].
///
/// [`Pipeline::process_in_parts`]: crate::Pipeline::process_in_parts
pub trait Parts {
    /// Error that stops the delivery of parts.
    type Error;

    /// Returns the allowance for the next records. May block until there is room.
    /// `left` is true if the next record needs more than the previous allowance;
    /// the record fails if it does not fit into the new one either.
    fn allow(&mut self, left: bool) -> Allowance;

    /// Receives the results of the next records, the same records for each plugin.
    ///
    /// # Errors
    /// Returned to stop processing.
    fn part(&mut self, outcomes: Vec<Outcomes<'_>>) -> Result<(), Self::Error>;
}

impl Allowance {
    /// No restriction beyond the limits of the host.
    pub(crate) const ALL: Self = Self {
        part: usize::MAX,
        call: usize::MAX,
        last: true,
    };

    /// The allowance of a caller that collects all results, from `limits`.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            part: limits.output,
            call: limits.output,
            last: true,
        }
    }

    /// Returns the share of one of `plugins`, while `held` bytes of other answers
    /// are in memory. A record whose answer needs more is deferred, not failed:
    /// whether a record fails must not depend on other records.
    pub(crate) fn share(self, plugins: usize, held: usize) -> Self {
        let plugins = plugins.max(1);
        let part = self.part / plugins;
        let eighth = self.call / 8;
        if held <= eighth {
            return Self { part, ..self };
        }
        // At least a minimum: otherwise each small answer after a large one would be
        // deferred and cost a new instance.
        let call = self.call.saturating_sub(held).max(eighth / plugins);
        Self {
            part,
            call,
            last: false,
        }
    }

    /// Returns the final allowance of one record that already has `held` bytes of
    /// results in memory.
    pub(crate) fn of_one_record(self, held: usize) -> Self {
        Self {
            part: self.part,
            call: self.call.saturating_sub(held),
            last: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_answer_leaves_room_for_small_ones() {
        let all = Allowance {
            part: 60,
            call: 160,
            last: true,
        };
        for (plugins, held, expected) in [
            (6, 0, (10, 160, true)),
            (6, 20, (10, 160, true)),
            (6, 21, (10, 139, false)),
            (6, 160, (10, 3, false)),
            (1, 1000, (60, 20, false)),
            (0, 0, (60, 160, true)),
        ] {
            let Allowance { part, call, last } = all.share(plugins, held);
            assert_eq!((part, call, last), expected, "{plugins} {held}");
        }
        assert_eq!(all.of_one_record(100).call, 60);
        assert_eq!(all.of_one_record(200).call, 0);
    }
}

//! Results in parts, so that those of many records need not be in memory at
//! once. `docs/decisions/0010-results.md` says how the program uses it.

use kumiki::Limits;

use crate::Outcomes;

/// How many bytes may come of the next records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes of answers after which no more records are asked: those that are
    /// there make a part.
    pub part: usize,
    /// Bytes that one call may hand over, if [`Limits::transfer`] allows as many.
    pub call: usize,
    /// Whether a record whose answer needs more than `call` fails. Otherwise it is
    /// left, and asked again once more is allowed.
    pub last: bool,
}

/// Who gets the results of [`Pipeline::process_in_parts`].
///
/// [`Pipeline::process_in_parts`]: crate::Pipeline::process_in_parts
pub trait Parts {
    /// Why there should be no more parts.
    type Error;

    /// How much the next records may come to. May wait until there is room. `left`
    /// says that the next record needs more than was allowed last: what is allowed
    /// now is its last chance.
    fn allow(&mut self, left: bool) -> Allowance;

    /// What came of the next records, the same ones for each plugin.
    ///
    /// # Errors
    /// When nothing more is wanted.
    fn part(&mut self, outcomes: Vec<Outcomes<'_>>) -> Result<(), Self::Error>;
}

impl Allowance {
    /// What the limits allow, and nothing less.
    pub(crate) const ALL: Self = Self {
        part: usize::MAX,
        call: usize::MAX,
        last: true,
    };

    /// What may be collected within the limits.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            part: limits.output,
            call: limits.output,
            last: true,
        }
    }

    /// The share of one of `plugins`, while `held` bytes of other answers are in
    /// memory. A record whose answer needs more is left, not failed: what fails
    /// must not depend on other records.
    pub(crate) fn share(self, plugins: usize, held: usize) -> Self {
        let plugins = plugins.max(1);
        let part = self.part / plugins;
        let eighth = self.call / 8;
        if held <= eighth {
            return Self { part, ..self };
        }
        // Never nothing: small answers must not wait behind a large one, each with
        // a new instance.
        let call = self.call.saturating_sub(held).max(eighth / plugins);
        Self {
            part,
            call,
            last: false,
        }
    }

    /// The last chance of one record, of which `held` bytes of results are in
    /// memory already.
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
    fn a_large_answer_leaves_room_for_small_ones() {
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

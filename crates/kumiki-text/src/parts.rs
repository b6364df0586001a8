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

    /// What is left of it where so many bytes are held already for the same
    /// records, and so many plugins share it. What fails must not depend on other
    /// records: the last chance is not made smaller.
    pub(crate) fn share(self, plugins: usize, held: usize) -> Self {
        let call = match self.last {
            true => self.call,
            false => self.call.saturating_sub(held),
        };
        Self {
            part: (self.part / plugins.max(1)).saturating_sub(held),
            call,
            ..self
        }
    }
}

//! Rows: results and inputs that are too large.

mod inputs;
pub(crate) mod parquet;
mod results;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [results::cases(), inputs::cases()];
    all.into_iter().flatten().collect()
}

//! Rows: results and inputs that are too large or malformed.

mod footers;
mod inputs;
mod pages;
pub(crate) mod parquet;
mod results;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        results::cases(),
        inputs::cases(),
        footers::cases(),
        pages::cases(),
    ];
    all.into_iter().flatten().collect()
}

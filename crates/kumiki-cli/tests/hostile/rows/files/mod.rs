//! Rows: attacks on files that the program itself reads and writes.

#[cfg(unix)]
mod build_stamp;
#[cfg(unix)]
mod cache_folder;
mod links;
#[cfg(unix)]
mod projects;
pub(crate) mod states;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        #[cfg(unix)]
        cache_folder::cases(),
        #[cfg(unix)]
        build_stamp::cases(),
        links::cases(),
        #[cfg(unix)]
        projects::cases(),
        states::cases(),
    ];
    all.into_iter().flatten().collect()
}

//! Rows: plugins that try to get more than was granted to them.

#[cfg(unix)]
mod own_files;
mod plugin_names;
#[cfg(unix)]
mod requests;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        plugin_names::cases(),
        #[cfg(unix)]
        requests::cases(),
        #[cfg(unix)]
        own_files::cases(),
    ];
    all.into_iter().flatten().collect()
}

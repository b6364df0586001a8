//! Rows: guests that misuse the functions of WASI.

mod descriptors;
mod environment;
mod file_times;
mod generated;
mod http;
mod network;
mod waits;

use crate::suite::Case;

pub(crate) use self::network::run_as_child;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        environment::cases(),
        descriptors::cases(),
        waits::cases(),
        file_times::cases(),
        network::cases(),
        http::cases(),
        generated::cases(),
    ];
    all.into_iter().flatten().collect()
}

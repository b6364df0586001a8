//! Rows: what a guest does with the functions of WASI.

mod descriptors;
mod environment;
mod file_times;
mod generated;
mod http_memory;
mod network;
mod waits;

use crate::suite::Case;

pub(crate) use self::network::asked_for;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        environment::cases(),
        descriptors::cases(),
        waits::cases(),
        file_times::cases(),
        network::cases(),
        http_memory::cases(),
        generated::cases(),
    ];
    all.into_iter().flatten().collect()
}

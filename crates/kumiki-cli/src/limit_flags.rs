//! The flags that raise limits, for hints.

use kumiki::{Error, Limit};

/// The flag that raises the maximum of metadata entries, with a value to try.
pub(crate) const METADATA_FLAG: &str = "--metadata-limit 1000000";

/// The flag that raises the limit which `error` reports, with a value to try.
pub(crate) fn flag(error: &Error) -> Option<&'static str> {
    let Error::Limit { limit, .. } = error else {
        return None;
    };
    Some(match limit {
        Limit::Time(_) => "--time-limit 1m",
        Limit::Memory(_) => "--memory-limit 2GiB",
        Limit::Transfer(_) => "--transfer-limit 1GiB",
        Limit::Output(_) => "--output-limit 1GiB",
        Limit::Fuel(_) => "--fuel-limit 10000000000",
        Limit::TotalTime(_) => "--total-time-limit 1h",
        Limit::StreamOutput(_) => "--stream-output-limit 100GiB",
        Limit::StreamGrowth(_) => "--stream-growth-limit 1000",
        Limit::Handles(_) => "--handle-limit 100000",
        Limit::Descriptors(_) => "--descriptor-limit 1024",
        Limit::TableElements(_) => "--table-limit 10000000",
        Limit::CoreInstances(_) => "--instance-limit 10000",
        Limit::Random(_) => "--random-limit 64MiB",
        Limit::Component(_) => "--component-limit 1GiB",
        Limit::TotalMemory(_) => "--total-memory 16GiB",
        Limit::CompileMemory(_) => "--compile-memory 16GiB",
        Limit::CompileTime(_) => "--compile-time 30m",
        _ => return None,
    })
}

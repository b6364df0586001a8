//! The flags that raise limits, for hints.

use std::time::Duration;

use kumiki::{Error, Limit};

/// The flag that raises the maximum of metadata entries, with a value to try.
pub(crate) const METADATA_FLAG: &str = "--metadata-limit 1000000";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The flag that raises the limit which `error` reports, with a value to try.
pub(crate) fn flag(error: &Error) -> Option<String> {
    let Error::Limit { limit, .. } = error else {
        return None;
    };
    Some(match *limit {
        Limit::Time(time) => raised_time("--time-limit", time, 60),
        Limit::Memory(bytes) => raised_size("--memory-limit", bytes as u64, 2 * GIB),
        Limit::Transfer(bytes) => raised_size("--transfer-limit", bytes as u64, GIB),
        Limit::Output(bytes) => raised_size("--output-limit", bytes as u64, GIB),
        Limit::Fuel(fuel) => raised_count("--fuel-limit", fuel, 10_000_000_000),
        Limit::TotalTime(time) => raised_time("--total-time-limit", time, 0),
        Limit::StreamOutput(bytes) => raised_size("--stream-output-limit", bytes, MIB),
        Limit::StreamGrowth(bytes) => raised_count("--stream-growth-limit", bytes, 10),
        Limit::Handles(count) => raised_count("--handle-limit", count as u64, 100_000),
        Limit::Descriptors(count) => raised_count("--descriptor-limit", count as u64, 1024),
        Limit::TableElements(count) => raised_count("--table-limit", count as u64, 10_000_000),
        Limit::CoreInstances(count) => raised_count("--instance-limit", count as u64, 10_000),
        Limit::Random(bytes) => raised_size("--random-limit", bytes as u64, 64 * MIB),
        Limit::Component(bytes) => raised_size("--component-limit", bytes as u64, GIB),
        Limit::TotalMemory(bytes) => raised_size("--total-memory", bytes as u64, 16 * GIB),
        Limit::CompileMemory(bytes) => raised_size("--compile-memory", bytes as u64, 16 * GIB),
        Limit::CompileTime(time) => raised_time("--compile-time", time, 30 * 60),
        _ => return None,
    })
}

/// The usual value to try, or four times the limit if that is not below it.
fn raised(limit: u64, usual: u64) -> u64 {
    match limit < usual {
        true => usual,
        false => limit.saturating_mul(4),
    }
}

fn raised_count(flag: &str, limit: u64, usual: u64) -> String {
    format!("{flag} {}", raised(limit, usual))
}

fn raised_size(flag: &str, limit: u64, usual: u64) -> String {
    let bytes = raised(limit, usual);
    let unit = [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)]
        .into_iter()
        .find(|(_, unit)| bytes >= *unit);
    match unit {
        Some((name, unit)) => format!("{flag} {}{name}", bytes.div_ceil(unit)),
        None => format!("{flag} {bytes}"),
    }
}

fn raised_time(flag: &str, limit: Duration, usual_seconds: u64) -> String {
    let seconds = raised(limit.as_secs_f64().ceil() as u64, usual_seconds);
    let time = Duration::from_secs(seconds.max(1));
    let time = humantime::format_duration(time).to_string();
    format!("{flag} {}", time.replace(' ', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_is_above_the_limit() {
        for (limit, expected) in [
            (Limit::Time(Duration::from_secs(10)), "--time-limit 1m"),
            (Limit::Time(Duration::from_secs(90)), "--time-limit 6m"),
            (Limit::Memory(1 << 30), "--memory-limit 2GiB"),
            (Limit::Memory(4 << 30), "--memory-limit 16GiB"),
            (Limit::StreamOutput(0), "--stream-output-limit 1MiB"),
            (Limit::StreamOutput(1 << 20), "--stream-output-limit 4MiB"),
            (
                Limit::StreamOutput(1 << 40),
                "--stream-output-limit 4096GiB",
            ),
            (Limit::StreamGrowth(3), "--stream-growth-limit 10"),
            (Limit::StreamGrowth(100), "--stream-growth-limit 400"),
            (Limit::TotalTime(Duration::ZERO), "--total-time-limit 1s"),
            (
                Limit::TotalTime(Duration::from_millis(1500)),
                "--total-time-limit 8s",
            ),
            (Limit::TotalTime(Duration::MAX), ""),
            (Limit::Fuel(u64::MAX), "--fuel-limit 18446744073709551615"),
        ] {
            let flag = flag(&Error::Limit {
                plugin: "p".into(),
                function: "f".into(),
                limit,
            });
            let flag = flag.expect("a flag");
            assert!(expected.is_empty() || flag == expected, "{flag}");
        }
    }
}

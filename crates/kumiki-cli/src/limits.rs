//! Limits on plugins, from flags and a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use kumiki::Limits;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::failure::Failure;

/// Limits from flags and a file. Unset limits have the library's defaults.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Limits (per call or per plugin)")]
pub(crate) struct LimitArguments {
    /// Read limits from the `[limits]` table of a TOML file; its keys are the
    /// flags below, without `-limit`
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,

    #[command(flatten)]
    values: Values,
}

/// The limits, with the same names in the file and on the command line.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    /// Maximum duration of one call, or for a whole text, the maximum time without
    /// progress [default: 10s]
    #[arg(id = "time-limit", long = "time-limit", value_name = "TIME", value_parser = time)]
    #[serde(deserialize_with = "deserialize_time")]
    time: Option<Duration>,

    /// Maximum memory of one plugin [default: 1GiB]
    #[arg(id = "memory-limit", long = "memory-limit", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "deserialize_size")]
    memory: Option<usize>,

    /// Maximum data that a plugin may pass to the host in one call [default: 256MiB]
    #[arg(id = "transfer-limit", long = "transfer-limit", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "deserialize_size")]
    transfer: Option<usize>,

    /// Maximum size of the results of one record, and of all results that wait to
    /// be written [default: 160MiB]
    #[arg(id = "output-limit", long = "output-limit", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "deserialize_size")]
    output: Option<usize>,

    /// Maximum number of metadata entries in one result [default: 10000]
    #[arg(id = "metadata-limit", long = "metadata-limit", value_name = "COUNT")]
    metadata: Option<usize>,

    /// Maximum number of lines that one call may log; more are dropped [default: 1000]
    #[arg(id = "log-limit", long = "log-limit", value_name = "COUNT")]
    log: Option<usize>,

    /// Maximum size of what one call may log; more is dropped [default: 1MiB]
    #[arg(id = "log-size-limit", long = "log-size-limit", value_name = "SIZE", value_parser = size)]
    #[serde(rename = "log-size", deserialize_with = "deserialize_size")]
    log_size: Option<usize>,

    /// Maximum number of instructions of one call; counting them costs up to half
    /// of the speed [default: not counted]
    #[arg(id = "fuel-limit", long = "fuel-limit", value_name = "COUNT")]
    fuel: Option<u64>,

    /// Maximum duration of one call for a whole text [default: none]
    #[arg(id = "total-time-limit", long = "total-time-limit", value_name = "TIME", value_parser = time)]
    #[serde(rename = "total-time", deserialize_with = "deserialize_time")]
    total_time: Option<Duration>,

    /// Maximum size of the output of a whole text [default: none]
    #[arg(id = "stream-output-limit", long = "stream-output-limit", value_name = "SIZE", value_parser = size)]
    #[serde(rename = "stream-output", deserialize_with = "deserialize_size")]
    stream_output: Option<usize>,

    /// Maximum number of bytes of output for each byte of a whole text; the first
    /// 64 KiB of output are free [default: none]
    #[arg(
        id = "stream-growth-limit",
        long = "stream-growth-limit",
        value_name = "COUNT"
    )]
    #[serde(rename = "stream-growth")]
    stream_growth: Option<u64>,

    /// Maximum number of streams, files and timers that one plugin may hold [default: 10000]
    #[arg(id = "handle-limit", long = "handle-limit", value_name = "COUNT")]
    handle: Option<usize>,

    /// Maximum number of files, sockets and connections that one plugin may have
    /// open [default: 256; kumiki run: twice --in-flight, if that is more]
    #[arg(
        id = "descriptor-limit",
        long = "descriptor-limit",
        value_name = "COUNT"
    )]
    descriptor: Option<usize>,

    /// Maximum number of elements in the tables of one plugin [default: 1000000]
    #[arg(id = "table-limit", long = "table-limit", value_name = "COUNT")]
    table: Option<usize>,

    /// Maximum number of core instances in one plugin [default: 1000]
    #[arg(id = "instance-limit", long = "instance-limit", value_name = "COUNT")]
    instance: Option<usize>,

    /// Maximum number of random bytes that a plugin may get at once [default: 1MiB]
    #[arg(id = "random-limit", long = "random-limit", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "deserialize_size")]
    random: Option<usize>,

    /// Maximum size of a plugin's file [default: 256MiB]
    #[arg(id = "component-limit", long = "component-limit", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "deserialize_size")]
    component: Option<usize>,
}

/// A limits file. Unknown keys are errors, because a misplaced limit would
/// have no effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    limits: Values,
}

impl LimitArguments {
    /// Resolves each limit: the flag, else the file, else the default.
    pub(crate) fn resolve(&self) -> Result<RunLimits, Failure> {
        let file = match &self.limits {
            Some(path) => read(path)?,
            None => Values::default(),
        };
        Ok(limits(self.values.clone(), file))
    }
}

/// Limits of the host, and of the text contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunLimits {
    pub(crate) host: Limits,
    /// Maximum metadata entries of a result, unless the default applies.
    pub(crate) max_metadata: Option<usize>,
    /// Whether the number of descriptors is set.
    sets_descriptors: bool,
}

impl RunLimits {
    /// Allows a connection for each of this many records that are processed at the same
    /// time, and for each that is being closed, unless the number of descriptors is set.
    pub(crate) fn for_calls(mut self, calls: Option<usize>) -> Self {
        if let Some(calls) = calls.filter(|_| !self.sets_descriptors) {
            let descriptors = &mut self.host.descriptors;
            *descriptors = calls.saturating_mul(2).max(*descriptors);
        }
        self
    }
}

fn limits(flags: Values, file: Values) -> RunLimits {
    let mut limits = Limits::default();
    // A new limit must be named here.
    let Values {
        time,
        memory,
        transfer,
        output,
        metadata,
        log,
        log_size,
        fuel,
        total_time,
        stream_output,
        stream_growth,
        handle,
        descriptor,
        table,
        instance,
        random,
        component,
    } = flags;
    set(&mut limits.time, time.or(file.time));
    set(&mut limits.memory, memory.or(file.memory));
    set(&mut limits.transfer, transfer.or(file.transfer));
    set(&mut limits.output, output.or(file.output));
    set(&mut limits.log_records, log.or(file.log));
    set(&mut limits.log_bytes, log_size.or(file.log_size));
    set(&mut limits.handles, handle.or(file.handle));
    let descriptor = descriptor.or(file.descriptor);
    set(&mut limits.descriptors, descriptor);
    set(&mut limits.table_elements, table.or(file.table));
    set(&mut limits.core_instances, instance.or(file.instance));
    set(&mut limits.random, random.or(file.random));
    set(&mut limits.component, component.or(file.component));
    limits.fuel = fuel.or(file.fuel);
    limits.total_time = total_time.or(file.total_time);
    limits.stream_output = stream_output
        .or(file.stream_output)
        .map(|bytes| bytes as u64);
    limits.stream_growth = stream_growth.or(file.stream_growth);
    RunLimits {
        host: limits,
        max_metadata: metadata.or(file.metadata),
        sets_descriptors: descriptor.is_some(),
    }
}

fn set<T>(limit: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *limit = value;
    }
}

fn read(path: &Path) -> Result<Values, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        let hint = "check the path, relative to the current folder";
        Failure::path("limits file", path, &error, hint)
    })?;
    parse(&text).map_err(|(line, message)| {
        Failure::usage(
            format!("{}:{line}: {message}", path.display()),
            "write limits below a line `[limits]`, as in `time = \"10s\"`, `memory = \"1GiB\"` or \
             `handle = 100`",
        )
    })
}

/// Parses a limits file. An error has the line number and the message.
fn parse(text: &str) -> Result<Values, (usize, String)> {
    let file: File = toml::from_str(text).map_err(|error| {
        let before = error.span().map_or(0, |span| span.start);
        let lines = text.bytes().take(before).filter(|byte| *byte == b'\n');
        let message = error.message().trim_end().replace('\n', ", ");
        (lines.count() + 1, message)
    })?;
    Ok(file.limits)
}

/// Parses a duration such as `10s`.
pub(crate) fn time(argument: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(argument)
        .map_err(|_| "not a time; write a number and a unit, as in `10s` or `500ms`".to_owned())?;
    match time.is_zero() {
        true => Err("must be more than 0".to_owned()),
        false => Ok(time),
    }
}

/// Parses a size in bytes such as `64MiB`.
pub(crate) fn size(argument: &str) -> Result<usize, String> {
    let size: ByteSize = argument
        .parse()
        .map_err(|_| "not a size; write a number and a unit, as in `64MiB` or `1GiB`".to_owned())?;
    usize::try_from(size.as_u64()).map_err(|_| "too large for this machine".into())
}

fn deserialize_time<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    time(&text).map(Some).map_err(D::Error::custom)
}

fn deserialize_size<'a, D: Deserializer<'a>>(from: D) -> Result<Option<usize>, D::Error> {
    let text = String::deserialize(from)?;
    size(&text).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_parsed() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1 GiB"), Ok(1 << 30));
        assert_eq!(size("100"), Ok(100));
        assert!(size("many").is_err());
        assert_eq!(time("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(time("soon").is_err());
        assert!(time("0s").is_err());
    }

    #[test]
    fn flags_override_the_file_and_the_file_overrides_defaults() {
        let file = parse("[limits]\ntime = '2s'\nmemory = '64MiB'\nfuel = 1000\n").unwrap();
        let flags = Values {
            time: Some(Duration::from_secs(1)),
            ..Values::default()
        };
        let expected = Limits::default()
            .with_time(Duration::from_secs(1))
            .with_memory(64 << 20)
            .with_fuel(1000);
        assert_eq!(limits(flags, file).host, expected);
    }

    #[test]
    fn every_limit_can_be_set_in_a_file() {
        let text = "[limits]\ntime = '1ms'\nmemory = '1'\ntransfer = '2'\noutput = '12'\n\
                    metadata = 3\nlog = 4\nlog-size = '5'\nfuel = 6\nhandle = 7\ntable = 8\n\
                    instance = 9\nrandom = '10'\ncomponent = '11'\ndescriptor = 12\n\
                    total-time = '13s'\nstream-output = '14'\nstream-growth = 15\n";
        let expected = Limits::default()
            .with_time(Duration::from_millis(1))
            .with_memory(1)
            .with_transfer(2)
            .with_output(12)
            .with_log(4, 5)
            .with_fuel(6)
            .with_handles(7)
            .with_table_elements(8)
            .with_core_instances(9)
            .with_random(10)
            .with_component(11)
            .with_descriptors(12)
            .with_total_time(Duration::from_secs(13))
            .with_stream_output(14)
            .with_stream_growth(15);
        let set = limits(Values::default(), parse(text).unwrap());
        assert_eq!((set.host, set.max_metadata), (expected, Some(3)));
        let unset = limits(Values::default(), parse("[limits]").unwrap());
        assert_eq!((unset.host, unset.max_metadata), (Limits::default(), None));
    }

    #[test]
    fn records_at_the_same_time_have_descriptors() {
        for (text, calls, expected) in [
            ("[limits]", None, 256),
            ("[limits]", Some(16), 256),
            ("[limits]", Some(1000), 2000),
            ("[limits]\ndescriptor = 10", Some(1000), 10),
        ] {
            let limits = limits(Values::default(), parse(text).unwrap());
            assert_eq!(limits.for_calls(calls).host.descriptors, expected);
        }
    }

    #[test]
    fn parse_errors_name_their_line() {
        for (text, line, words) in [
            ("[limits]\ntime = 'soon'\n", 2, "as in `10s`"),
            ("[limits]\n\nspeed = 1\n", 3, "unknown field `speed`"),
            ("[limits]\nhandle = '1'\n", 2, "invalid type"),
            ("[limits]\nhandle = -1\n", 2, "invalid value"),
            ("limits = 1\n", 1, "invalid type"),
            ("", 1, "missing field `limits`"),
            ("memory = '1MiB'\n", 1, "unknown field `memory`"),
            ("[limits]\n[limit]\nfuel = 1\n", 2, "unknown field `limit`"),
            ("[limits\n", 1, ""),
        ] {
            let (at, message) = parse(text).unwrap_err();
            assert_eq!(at, line, "{text}: {message}");
            assert!(message.contains(words), "{text}: {message}");
        }
    }
}

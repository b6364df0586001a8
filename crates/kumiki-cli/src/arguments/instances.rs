//! The arguments that decide when an instance is replaced.

use clap::Args;
use kumiki::RecyclePolicy;

use crate::limits::size;

/// When an instance is replaced. One that traps or exceeds a limit always is.
#[derive(Args)]
#[command(next_help_heading = "Instances (by default reused until one fails)")]
pub(crate) struct InstanceArguments {
    /// Use a new instance for each record: no state of a plugin carries over from
    /// one record to another
    #[arg(long, conflicts_with_all = ["calls_per_instance", "memory_per_instance"])]
    fresh: bool,

    /// Replace an instance after this many calls, each of one or more records
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    calls_per_instance: Option<u64>,

    /// Replace an instance that holds more memory than this after a call
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_per_instance: Option<usize>,

    /// Number of records that one worker processes at the same time in one instance, with
    /// plugins that wait for other services (`kumiki inspect`: `concurrent`), at most
    /// 10000 [default: 16]
    #[arg(long, conflicts_with_all = ["fresh", "whole"], value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    in_flight: Option<u16>,
}

impl InstanceArguments {
    /// How many records a plugin processes at the same time, if that is set.
    pub(crate) fn in_flight(&self) -> Option<usize> {
        self.in_flight.map(usize::from)
    }

    /// When an instance that has not failed is replaced.
    pub(crate) fn recycling(&self) -> RecyclePolicy {
        let Self {
            fresh,
            calls_per_instance,
            memory_per_instance,
            in_flight: _,
        } = self;
        let mut recycling = RecyclePolicy::default();
        if *fresh {
            recycling = RecyclePolicy::fresh();
        }
        if let Some(calls) = calls_per_instance {
            recycling = recycling.with_calls(*calls);
        }
        if let Some(bytes) = memory_per_instance {
            recycling = recycling.with_memory(*bytes);
        }
        recycling
    }
}

//! The arguments of `kumiki run`.

use std::path::PathBuf;

use clap::Args;

use super::instances::InstanceArguments;
use super::{GrantArguments, key_value};
use crate::formats::{InputFormat, OutputFormat};
use crate::limits::{LimitArguments, size};
use crate::process::ProcessArguments;

/// Run text through plugins and print the results
///
/// Each line of input is one record, and each plugin gets each record.
/// Results go to standard output, everything else to standard error.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 success, 1 some plugin or record failed, 2 usage error, 130 interrupted")]
#[command(after_long_help = "\
Examples:
  kumiki run -p plugins --text 'Hello, Component Model!'
  kumiki run -p upper.wasm --output raw book.txt > BOOK.txt
  tail -f log | kumiki run -p mask.wasm -p upper.wasm --chain --output jsonl
  kumiki run -p mask.wasm --field text --into text --output-file masked.csv.gz rows.csv
  kumiki run -p redact.wasm --whole book.txt --output-file redacted.txt
  kumiki run -p redact.wasm --whole books --output-folder redacted
  kumiki run -p translate.wasm --in-flight 100 --allow-net api.example.com:443 book.txt

Exit codes: 0 success, 1 some plugin or record failed, 2 usage error, 130 interrupted")]
pub(crate) struct RunArguments {
    /// Files to read, one record per line, decompressed if they end in `.gz` or
    /// `.zst`; `-` is standard input, which is also the default. Folders only with
    /// --output-folder
    #[arg(value_name = "FILE", conflicts_with = "text")]
    pub(crate) files: Vec<PathBuf>,

    /// A plugin or a folder of plugins; can be repeated
    #[arg(
        short,
        long = "plugin",
        value_name = "PATH",
        default_value = "./plugins"
    )]
    pub(crate) plugins: Vec<PathBuf>,

    /// Use this whole string as the only record
    #[arg(short, long, value_name = "STRING", allow_hyphen_values = true)]
    pub(crate) text: Option<String>,

    /// A configuration value that plugins can read; can be repeated
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) config: Vec<(String, String)>,

    /// Pass each record through all plugins, one after the other
    #[arg(long)]
    pub(crate) chain: bool,

    /// Process each file, or standard input, as one text, and write the result as it
    /// comes; plugins that stream do so in constant memory
    #[arg(
        long,
        conflicts_with_all = ["field", "into", "input_format", "skip_blank", "output", "resume"]
    )]
    pub(crate) whole: bool,

    /// Read records from this column of a table, or this key of JSON objects,
    /// instead of whole lines
    #[arg(long, value_name = "NAME", conflicts_with = "text")]
    pub(crate) field: Option<String>,

    /// Put results into this column or key, new or existing, and write all rows
    /// with everything else unchanged
    #[arg(long, value_name = "NAME", requires = "field")]
    pub(crate) into: Option<String>,

    /// Format of the files [default: by file extension with --field, otherwise
    /// lines]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "text")]
    pub(crate) input_format: Option<InputFormat>,

    /// Skip lines that contain only white space
    #[arg(long, conflicts_with = "text")]
    pub(crate) skip_blank: bool,

    /// Format of the results [default: by extension of the --output-file, or with
    /// --into the input's format, otherwise text]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<OutputFormat>,

    /// Write results to this file, compressed if it ends in `.gz` or `.zst`; until
    /// it is complete, it is called FILE.part
    #[arg(short = 'O', long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,

    /// With --whole, write the result of each file to a file of the same name in this
    /// folder, several at a time; inputs may be folders
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "whole",
        conflicts_with_all = ["output_file", "text"]
    )]
    pub(crate) output_folder: Option<PathBuf>,

    /// Resume the --output-file where an earlier run stopped, if one did
    #[arg(long, requires = "output_file", conflicts_with = "text")]
    pub(crate) resume: bool,

    /// Show errors only: no plugin logs, notices or progress
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Show more of the plugin logs (default: warnings; -v: info; -vv: everything)
    /// and of the causes of failures
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Report the most that each plugin used, to help you choose limits
    #[arg(long)]
    pub(crate) report: bool,

    /// Number of workers, each with its own instances, that process records in parallel,
    /// or files with --output-folder; at most 1024 [default: number of cores]
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,

    /// Maximum size of a line or row that is a record
    #[arg(long, value_name = "SIZE", default_value = "128MiB", value_parser = size)]
    pub(crate) line_limit: usize,

    #[command(flatten)]
    pub(crate) instances: InstanceArguments,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    #[command(flatten)]
    pub(crate) process: ProcessArguments,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

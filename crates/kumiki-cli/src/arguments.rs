//! What may stand on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kumiki::{Clocks, FolderGrant, GrantError, NetworkGrant, Randomness, Renewal, VariableGrant};
use kumiki_build::Profile;

use crate::limits::{LimitArguments, size};
use crate::process::{COMPILE, CompileArguments, ProcessArguments};

/// Run WebAssembly plugins, written in any language, over text
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    New(NewArguments),
    Build(BuildArguments),
    Run(Box<RunArguments>),
    Inspect(Box<InspectArguments>),
    Check(Box<CheckArguments>),
    Doctor(DoctorArguments),
    Cache(CacheArguments),
    /// Compile a component for a process that limits this one
    #[command(name = COMPILE, hide = true)]
    CompileForParent,
}

/// See and mend what is kept of compiled plugins
///
/// Each plugin is compiled once, and kept for this user. What is kept is found
/// again by the plugin's bytes, whatever its file is called, and what was not
/// used for longest goes when there is more than 4 GiB.
#[derive(Args)]
#[command(after_help = "\
Environment:
  KUMIKI_CACHE  the folder, or `off` [default: kumiki/artifacts in the user's cache folder]

Exit codes: 0 all went well, 1 some plugin failed, 2 wrong use")]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Subcommand)]
pub(crate) enum CacheCommand {
    /// Show what is kept
    List,
    /// Remove all of it
    Clear,
    /// Compile plugins beforehand, on all cores
    Warm {
        /// Plugins, and folders of them
        #[arg(required = true, value_name = "PATH")]
        plugins: Vec<PathBuf>,

        #[command(flatten)]
        compile: CompileArguments,
    },
}

/// Say what is wrong with this machine, a project or a component, and its cure
///
/// Nothing is built and nothing is changed. A component that fits the contract
/// is called some 100,000 times, within the usual limits and with nothing
/// granted, to see whether it leaks; `kumiki inspect` runs nothing.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 nothing is wrong, 1 something is, 2 wrong use")]
pub(crate) struct DoctorArguments {
    /// A plugin's folder, or a file that should be a plugin; the machine and
    /// its toolchains when nothing is named
    pub(crate) path: Option<PathBuf>,
}

/// Begin a plugin: a folder with its source, ready to build
///
/// The plugin works as it is written: it trims text and makes one space of
/// every run of white space. With --wit it is one of any contract, and its
/// functions are there to be written. What is not said here is asked for on a
/// terminal.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 it is written, 2 wrong use; nothing is overwritten")]
pub(crate) struct NewArguments {
    /// The plugin's name, and its folder's: lower-case letters, digits and
    /// hyphens, a letter first
    pub(crate) name: Option<String>,

    /// The language to write it in
    #[arg(short, long = "lang", value_name = "LANGUAGE", value_enum)]
    pub(crate) language: Option<Language>,

    /// A contract of your own: its file or folder of WIT, which is copied
    #[arg(long, value_name = "PATH")]
    pub(crate) wit: Option<PathBuf>,

    /// Which world of it the plugin exports, where there are several
    #[arg(long, value_name = "NAME", requires = "wit")]
    pub(crate) world: Option<String>,
}

/// The languages that there are templates for, as they are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    C,
    #[value(alias = "javascript")]
    Js,
    Python,
    Go,
}

/// Make a plugin's component from its source
///
/// The folder's kumiki.toml says how. Nothing is done when nothing changed.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 it is built, 1 it could not be, 2 wrong use")]
#[command(after_long_help = "\
Environment:
  KUMIKI_TOOLS   where --install puts tools [default: kumiki/tools in the user's cache folder]
  KUMIKI_WORK    where intermediate files stay [default: kumiki/builds in the
                 user's cache folder]
  KUMIKI_RUST    the only way to Rust to use: rustup or debian [default: the first that is ready]
  WASI_SDK_PATH  the folder of a WASI SDK, for C

Exit codes: 0 it is built, 1 it could not be, 2 wrong use")]
pub(crate) struct BuildArguments {
    /// The plugin's folder, with its kumiki.toml
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,

    /// The component's file [default: FOLDER/NAME.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Get what is missing first, where it can be had without root
    #[arg(long)]
    pub(crate) install: bool,

    /// Make it small rather than quick, by the compiler and then by wasm-opt
    /// (Rust, C, Go)
    #[arg(long, conflicts_with = "debug")]
    pub(crate) size: bool,

    /// Keep names and line numbers, for backtraces (Rust, C, Go)
    #[arg(long)]
    pub(crate) debug: bool,

    /// Stay, and build again whenever a source changes
    #[arg(long)]
    pub(crate) watch: bool,
}

impl BuildArguments {
    /// What the component is to be good at.
    pub(crate) fn profile(&self) -> Profile {
        match (self.size, self.debug) {
            (true, _) => Profile::Size,
            (_, true) => Profile::Debug,
            _ => Profile::Speed,
        }
    }
}

/// Try a plugin on everything that a plugin should stand
#[derive(Args)]
#[command(after_help = "Exit codes: 0 all checks passed, 1 some failed, 2 wrong use")]
#[command(
    after_long_help = r#"Cases are JSON objects, one a line; `metadata` and `config` may be left out:
  {"input": " a  b ", "output": "a b", "metadata": {"words": "2"}}
  {"input": "", "error": "invalid-input", "config": {"mode": "strict"}}

Exit codes: 0 all checks passed, 1 some failed, 2 wrong use"#
)]
pub(crate) struct CheckArguments {
    /// The plugin
    pub(crate) file: PathBuf,

    /// Then try your own cases: what it must answer to which input
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) process: ProcessArguments,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

/// Show what a file is and what it could touch, without running it
///
/// With grants, also what it would be granted in a run with the same ones.
#[derive(Args)]
pub(crate) struct InspectArguments {
    /// A plugin, or any other file
    pub(crate) file: PathBuf,

    /// Write a JSON object for machines
    #[arg(long, conflicts_with = "wit")]
    pub(crate) json: bool,

    /// Write its interfaces as WIT and nothing else
    #[arg(long)]
    pub(crate) wit: bool,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

/// Send text through plugins and print what they make of it
///
/// Each line of the input is one record, and each plugin gets each record.
/// Results go to standard output, everything else to standard error.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 all went well, 1 some plugin or record failed, 2 wrong use, 130 interrupted")]
#[command(after_long_help = "\
Examples:
  kumiki run -p plugins --text 'Hello, Component Model!'
  kumiki run -p upper.wasm --output raw book.txt > BOOK.txt
  tail -f log | kumiki run -p mask.wasm -p upper.wasm --chain --output jsonl
  kumiki run -p mask.wasm --field text --into text --output-file masked.csv.gz rows.csv

Exit codes: 0 all went well, 1 some plugin or record failed, 2 wrong use, 130 interrupted")]
pub(crate) struct RunArguments {
    /// Files to read, a record a line, unpacked where they end in `.gz` or `.zst`;
    /// `-` is standard input, which is also read when nothing is named
    #[arg(value_name = "FILE", conflicts_with = "text")]
    pub(crate) files: Vec<PathBuf>,

    /// A plugin, or a folder of them; may be given several times
    #[arg(
        short,
        long = "plugin",
        value_name = "PATH",
        default_value = "./plugins"
    )]
    pub(crate) plugins: Vec<PathBuf>,

    /// Take this string, whole, as the only record
    #[arg(short, long, value_name = "STRING", allow_hyphen_values = true)]
    pub(crate) text: Option<String>,

    /// What plugins find under a key when they ask; may be given several times
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) config: Vec<(String, String)>,

    /// Send each record through all plugins, one after the other
    #[arg(long)]
    pub(crate) chain: bool,

    /// Take records from this column of a table, or this key of JSON objects, in
    /// the place of whole lines
    #[arg(long, value_name = "NAME", conflicts_with = "text")]
    pub(crate) field: Option<String>,

    /// Put results into this column or key, new or not, and write all rows with
    /// all else in them as it is
    #[arg(long, value_name = "NAME", requires = "field")]
    pub(crate) into: Option<String>,

    /// What files hold [default: what their names end in where there is a
    /// --field, else lines]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "text")]
    pub(crate) input_format: Option<InputFormat>,

    /// Pass over lines that hold nothing but white space
    #[arg(long, conflicts_with = "text")]
    pub(crate) skip_blank: bool,

    /// How to write results [default: what the --output-file ends in, or with
    /// --into the input's format, or else text]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<OutputFormat>,

    /// Write results to this file, packed where it ends in `.gz` or `.zst`; it
    /// has its name once it is whole
    #[arg(short = 'O', long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,

    /// Go on with the --output-file where an earlier run stopped, if one did
    #[arg(long, requires = "output_file", conflicts_with = "text")]
    pub(crate) resume: bool,

    /// Show errors only: no log of the plugins, no notices, no progress
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Show more of what plugins log (warnings unless given; -v info, -vv
    /// everything) and of why one failed
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Tell at the end what each plugin used at most, to set limits by
    #[arg(long)]
    pub(crate) report: bool,

    /// How many records to work on side by side, each with instances of its own,
    /// 1024 at most [default: as many as there are cores]
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,

    /// The longest line, or row, that is a record
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

/// How long an instance is kept. One that traps or runs into a limit is ended
/// whatever is said here.
#[derive(Args)]
#[command(next_help_heading = "Instances; otherwise each is kept for as long as it answers")]
pub(crate) struct InstanceArguments {
    /// Give each record an instance of its own: nothing that a plugin keeps of
    /// one record reaches another
    #[arg(long, conflicts_with_all = ["calls_per_instance", "memory_per_instance"])]
    fresh: bool,

    /// End an instance after so many calls, each of them one record or many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    calls_per_instance: Option<u64>,

    /// End an instance that holds more memory than this after a call
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_per_instance: Option<usize>,
}

impl InstanceArguments {
    /// What ends an instance that has not failed.
    pub(crate) fn renewal(&self) -> Renewal {
        let Self {
            fresh,
            calls_per_instance,
            memory_per_instance,
        } = self;
        let mut renewal = Renewal::default();
        if *fresh {
            renewal = Renewal::fresh();
        }
        if let Some(calls) = calls_per_instance {
            renewal = renewal.with_calls(*calls);
        }
        if let Some(bytes) = memory_per_instance {
            renewal = renewal.with_memory(*bytes);
        }
        renewal
    }
}

/// What plugins may reach. Nothing is granted that is not said here.
#[derive(Args)]
#[command(next_help_heading = "Grants; nothing is granted otherwise")]
pub(crate) struct GrantArguments {
    /// A folder, and where plugins see it (at the same path unless given), to
    /// read, or with `:rw` to change: `./data::/data:ro`
    #[arg(long, value_name = "HOST[::GUEST][:ro|:rw]", value_parser = granted::<FolderGrant>)]
    pub(crate) allow_dir: Vec<FolderGrant>,

    /// An environment variable, with the value that it has here unless given
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = granted::<VariableGrant>)]
    pub(crate) allow_env: Vec<VariableGrant>,

    /// An argument; most languages take the first for the program's name
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) allow_arg: Vec<String>,

    /// Whom sockets and requests by HTTP may reach: `api.example.com:443`,
    /// `10.1.0.0/16:5432`, `[::1]:80-89`, `public:443`, `loopback:*`,
    /// `private:*`, `link-local:*`
    #[arg(long, value_name = "WHERE:PORTS", value_parser = granted::<NetworkGrant>)]
    pub(crate) allow_net: Vec<NetworkGrant>,

    /// The time that plugins see: `real` (the default), `coarse` (steps of
    /// 1 ms) or `frozen`
    #[arg(long, value_name = "CLOCKS", value_parser = granted::<Clocks>)]
    pub(crate) clocks: Option<Clocks>,

    /// Where random numbers come from: `real` (the default), or `seeded:` and
    /// a number, for the same ones each time
    #[arg(long, value_name = "RANDOM", value_parser = granted::<Randomness>)]
    pub(crate) random: Option<Randomness>,

    /// A file of grants to all plugins and to each, such as a
    /// kumiki-grants.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,

    /// What plugins request; folders are those of the same path in this one
    /// (`kumiki inspect` shows it all)
    #[arg(long)]
    pub(crate) allow_requested: bool,
}

/// A grant from its text. The hint is part of the message: clap has no other
/// place for it.
fn granted<T: FromStr<Err = GrantError>>(argument: &str) -> Result<T, String> {
    argument
        .parse()
        .map_err(|error: GrantError| format!("{}; {}", error.reason, error.hint))
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// A record a line
    Lines,
    /// A JSON object a line, in which the record is the text of --field
    Jsonl,
    /// Rows of fields with a header, in which --field is a column
    Csv,
    /// The same with tabs between fields
    Tsv,
    /// Rows kept column by column, in which --field is a column of strings
    Parquet,
}

/// How results are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people: the plugin, its output, the metadata below
    Text,
    /// For machines: a JSON object a line, with errors; the rows, with --into
    Jsonl,
    /// The outputs and nothing else, a line each
    Raw,
    /// The rows of a table, with --into
    Csv,
    /// The same with tabs between fields
    Tsv,
    /// The rows of Parquet, with --into
    Parquet,
}

/// How results are written that go into no rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Jsonl,
    Raw,
}

fn key_value(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some(("", _)) => Err("the key before `=` is empty".into()),
        Some((key, value)) => Ok((key.into(), value.into())),
        None => Err("there is no `=` between key and value".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        let mut command = <Arguments as clap::CommandFactory>::command();
        command.build();
        // In this build clap's own assertions are off.
        for command in command.get_subcommands() {
            let mut names = std::collections::BTreeSet::new();
            for argument in command.get_arguments() {
                let (name, id) = (command.get_name(), argument.get_id());
                assert!(
                    names.insert(id.as_str()),
                    "`{name}` has two arguments `{id}`"
                );
            }
        }
    }

    /// A flag takes its value and no other flag's.
    #[test]
    fn limits_and_grants_are_told_apart() {
        for flags in [
            &["--output-limit", "10MiB", "--output", "raw"][..],
            &["--output-limit=10MiB"],
            &["--random", "seeded:42", "--random-limit", "1KiB"],
            &["--random=real"],
        ] {
            let arguments = [&["kumiki", "run", "-p", "p.wasm", "--text", "x"], flags].concat();
            let parsed = <Arguments as clap::Parser>::try_parse_from(arguments);
            assert!(parsed.is_ok(), "{flags:?}: {}", parsed.err().unwrap());
        }
    }

    #[test]
    fn key_values() {
        for (argument, expected) in [
            ("a=b", Some(("a", "b"))),
            ("a=", Some(("a", ""))),
            ("a=b=c", Some(("a", "b=c"))),
            ("=b", None),
            ("a", None),
            ("", None),
        ] {
            let parsed = key_value(argument).ok();
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(parsed, expected, "{argument}");
        }
    }
}

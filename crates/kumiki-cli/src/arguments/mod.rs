//! Command-line arguments.

mod grants;
mod instances;
mod run;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kumiki_build::Profile;

pub(crate) use grants::GrantArguments;
pub(crate) use run::RunArguments;

use crate::limits::LimitArguments;
use crate::process::{COMPILE, CompileArguments, MemoryArguments, ProcessArguments};

/// Run WebAssembly plugins, written in any language, over text
#[derive(Parser)]
#[command(
    name = "kumiki",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    New(NewArguments),
    Build(BuildArguments),
    Dev(Box<DevArguments>),
    Run(Box<RunArguments>),
    Call(Box<CallArguments>),
    Inspect(Box<InspectArguments>),
    Check(Box<CheckArguments>),
    Doctor(DoctorArguments),
    Cache(CacheArguments),
    /// Take the runtime of its language out of a plugin
    ///
    /// A plugin in JavaScript or Python contains the runtime of its language, which is the
    /// same in all of them. A thin plugin names it by its hash instead: 20 kB in
    /// JavaScript. It runs wherever the runtime is known: QuickJS always is, and others
    /// are once a whole plugin with the same runtime was loaded (`kumiki cache warm
    /// --runtimes`). `kumiki fat` makes the same whole plugin again, byte for byte.
    Thin(ThinArguments),
    /// Put the runtime into a thin plugin again
    ///
    /// Writes the whole plugin that was made thin, byte for byte. Its runtime must be known
    /// on this machine: `kumiki thin --help` says how.
    Fat(ThinArguments),
    /// Compile a component for a parent process that limits this one
    #[command(name = COMPILE, hide = true)]
    CompileForParent,
}

/// Inspect, clear or fill the compile cache
///
/// Each plugin is compiled once per user. The cache finds artifacts by the
/// plugin's bytes, whatever its file is called, and evicts the least recently
/// used ones when it exceeds 4 GiB. Plugins of one language share its runtime:
/// it is compiled once for all of them, and stays while a plugin needs it.
#[derive(Args)]
#[command(after_help = "\
Environment:
  KUMIKI_CACHE            cache folder, or `off` [default: kumiki/artifacts in the user's
                          cache folder]
  KUMIKI_SHARED_RUNTIMES  `off` to compile the runtime of a language anew for each plugin

Exit codes: 0 success, 1 some plugin failed, 2 usage error")]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Subcommand)]
pub(crate) enum CacheCommand {
    /// List artifacts
    List,
    /// Remove all artifacts
    Clear,
    /// Compile plugins ahead of time, on all cores
    Warm {
        /// Plugins or folders of plugins
        #[arg(required_unless_present = "runtimes", value_name = "PATH")]
        plugins: Vec<PathBuf>,

        /// Languages whose runtime is compiled, before any plugin in them is there
        #[arg(long, value_name = "LANGUAGE", value_enum, value_delimiter = ',')]
        runtimes: Vec<RuntimeLanguage>,

        #[command(flatten)]
        compile: CompileArguments,
    },
}

/// Languages whose plugins contain a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeLanguage {
    #[value(alias = "javascript")]
    Js,
    Python,
}

#[derive(Args)]
#[command(after_help = "Exit codes: 0 written, 1 not possible, 2 usage error")]
pub(crate) struct ThinArguments {
    /// A plugin, or a folder with one
    #[arg(value_name = "PLUGIN")]
    pub(crate) file: PathBuf,

    /// File to write to [default: NAME.thin.wasm or NAME.fat.wasm, next to the plugin]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Diagnose this machine, a project or a component, and suggest fixes
///
/// Builds and changes nothing. Calls a component that fits the contract about
/// 100,000 times, with the default limits and no grants, to detect leaks;
/// `kumiki inspect` runs nothing.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 nothing is wrong, 1 something is wrong, 2 usage error")]
pub(crate) struct DoctorArguments {
    /// A plugin's folder, or a file that should be a plugin; without it, the
    /// machine and its toolchains are examined
    pub(crate) path: Option<PathBuf>,
}

/// Create a plugin: a folder with its source, ready to build
///
/// The new plugin works as it is: it trims text and collapses each run of white
/// space to one space. With --wit it implements your own contract, and you write
/// its functions. On a terminal, missing arguments are asked for.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 created, 2 usage error; nothing is overwritten")]
pub(crate) struct NewArguments {
    /// Name of the plugin and of its folder: lower-case letters, digits and
    /// hyphens, starting with a letter
    pub(crate) name: Option<String>,

    /// The language to write it in
    #[arg(short, long = "lang", value_name = "LANGUAGE", value_enum)]
    pub(crate) language: Option<Language>,

    /// Also stream whole texts of any length, for `kumiki run --whole`
    #[arg(long)]
    pub(crate) stream: bool,

    /// Your own contract: a WIT file or folder, which is copied
    #[arg(long, value_name = "PATH")]
    pub(crate) wit: Option<PathBuf>,

    /// World that the plugin implements, if the WIT has several
    #[arg(long, value_name = "NAME", requires = "wit")]
    pub(crate) world: Option<String>,
}

/// Languages with a template, spelled as on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    C,
    #[value(alias = "javascript")]
    Js,
    Python,
    Go,
    /// Refused, with a hint.
    #[value(name = "typescript", alias = "ts", hide = true)]
    TypeScript,
}

/// Build a plugin's component from its source
///
/// The folder's kumiki.toml describes the build. Does nothing if nothing changed.
/// If tools are missing that can be installed without root, asks on a terminal
/// whether to install them.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 built, 1 build failed, 2 usage error")]
#[command(after_long_help = "\
Environment:
  KUMIKI_TOOLS   where tools are installed [default: kumiki/tools in the user's cache folder]
  KUMIKI_WORK    where intermediate files are kept [default: kumiki/builds in the
                 user's cache folder]
  KUMIKI_RUST    the Rust toolchain to use: rustup or debian [default: the first that is ready]
  WASI_SDK_PATH  folder of a WASI SDK, for C

Exit codes: 0 built, 1 build failed, 2 usage error")]
pub(crate) struct BuildArguments {
    /// The plugin's folder, with its kumiki.toml
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,

    /// File to write the component to [default: FOLDER/NAME.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Install missing tools first without asking, if that needs no root
    #[arg(long)]
    pub(crate) install: bool,

    /// Optimize for size instead of speed, with the compiler and then wasm-opt
    /// (Rust, C, Go)
    #[arg(long, conflicts_with = "debug")]
    pub(crate) size: bool,

    /// Keep names and line numbers, for backtraces (Rust, C, Go)
    #[arg(long)]
    pub(crate) debug: bool,

    /// Leave out the runtime of the language, as `kumiki thin` does (JavaScript, Python)
    #[arg(long)]
    pub(crate) thin: bool,

    /// Keep running, and rebuild whenever a source changes
    #[arg(long)]
    pub(crate) watch: bool,
}

impl BuildArguments {
    /// What the component is optimized for.
    pub(crate) fn profile(&self) -> Profile {
        match (self.size, self.debug) {
            (true, _) => Profile::Size,
            (_, true) => Profile::Debug,
            _ => Profile::Speed,
        }
    }
}

/// Build, test and run a plugin again whenever its source changes
///
/// Builds like `kumiki build`, tests the cases in the project's tests.jsonl, runs
/// a sample, and shows the results that changed. Without FILE and --text, the
/// inputs of tests.jsonl are the sample. Ends with Ctrl-C.
///
/// The plugin runs with limits and grants, and is compiled in a separate process,
/// as with `kumiki run`. Build tools are not restricted, and they run the
/// project's own build code, so `kumiki dev` does not use the sandbox of `kumiki
/// run`.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 interrupted, 1 failed, 2 usage error")]
#[command(after_long_help = "\
Examples:
  kumiki dev text-tidy
  kumiki dev . sample.txt --config mode=strict
  kumiki dev . --text '  some   text '

Exit codes: 0 interrupted, 1 failed, 2 usage error")]
pub(crate) struct DevArguments {
    /// The plugin's folder, with its kumiki.toml
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,

    /// The sample: a file with one record per line
    #[arg(value_name = "FILE", conflicts_with = "text")]
    pub(crate) file: Option<PathBuf>,

    /// Use this whole string as the sample
    #[arg(short, long, value_name = "STRING", allow_hyphen_values = true)]
    pub(crate) text: Option<String>,

    /// A configuration value that the plugin can read; can be repeated. Values of
    /// a test case take precedence
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) config: Vec<(String, String)>,

    /// Build with names and line numbers, as `kumiki build --debug`, and show whole
    /// backtraces
    #[arg(long)]
    pub(crate) debug: bool,

    /// Show all plugin logs, also debug messages and what the plugin prints
    /// (default: info, warnings and errors)
    #[arg(short, long)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,

    #[command(flatten)]
    pub(crate) compile: CompileArguments,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

/// Test whether a plugin conforms to the contract
#[derive(Args)]
#[command(after_help = "Exit codes: 0 all checks passed, 1 some failed, 2 usage error")]
#[command(
    after_long_help = r#"Cases are JSON objects, one per line; `metadata` and `config` are optional:
  {"input": " a  b ", "output": "a b", "metadata": {"words": "2"}}
  {"input": "", "error": "invalid-input", "config": {"mode": "strict"}}

Exit codes: 0 all checks passed, 1 some failed, 2 usage error"#
)]
pub(crate) struct CheckArguments {
    /// The plugin, or a folder with one
    pub(crate) file: PathBuf,

    /// Also test your own cases: inputs and the results they must have
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) process: ProcessArguments,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

/// Show what a file is and what it could access, without running it
///
/// With grants, also shows what a run with the same ones would grant it.
#[derive(Args)]
pub(crate) struct InspectArguments {
    /// A plugin, a folder with one, or any other file
    pub(crate) file: PathBuf,

    /// Print a JSON object for programs
    #[arg(long, conflicts_with = "wit")]
    pub(crate) json: bool,

    /// Print only its interfaces, as WIT
    #[arg(long)]
    pub(crate) wit: bool,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

/// Call functions of a component of any contract
///
/// Calls and results are written in WAVE, the text form of component values:
/// numbers, `"text"`, `[1, 2]`, `{name: "x"}`, `some(1)`, `ok("x")`. All calls go
/// to the same instance. Without a call, lists the exported functions.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 success, 1 the component failed or returned an error, 2 usage error")]
#[command(after_long_help = r#"Examples:
  kumiki call upper.wasm
  kumiki call upper.wasm 'get-name()' 'process("hi")'
  kumiki call filter.wasm 'example:events/rules#check({kind: "click", x: 3})'

Exit codes: 0 success, 1 the component failed or returned an error, 2 usage error"#)]
pub(crate) struct CallArguments {
    /// The component, or a folder with one
    pub(crate) file: PathBuf,

    /// A function and its arguments: `process("hi")`, or with its interface,
    /// `plugin#process("hi")`
    #[arg(value_name = "CALL")]
    pub(crate) calls: Vec<String>,

    /// A configuration value that plugins of the text contract can read; can be
    /// repeated
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) config: Vec<(String, String)>,

    /// Show errors only: no logs or notices
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Show more of the logs (default: warnings; -v: info; -vv: everything) and of
    /// the causes of failures
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    #[command(flatten)]
    pub(crate) process: ProcessArguments,

    #[command(flatten)]
    pub(crate) grants: GrantArguments,
}

fn key_value(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some(("", _)) => Err("the key before `=` is empty".into()),
        Some((key, value)) => Ok((key.into(), value.into())),
        None => Err("missing `=` between key and value".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        let mut command = <Arguments as clap::CommandFactory>::command();
        command.build();
        // clap's own assertions are off in this build.
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

    #[test]
    fn flags_with_a_common_prefix_do_not_clash() {
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
    fn key_value_splits_at_the_first_equals_sign() {
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

//! Extism as a contender: one compiled plugin, instances made from it, and a
//! time limit for each call as Kumiki has it. What plugins log is taken by the
//! smallest subscriber there can be, not by the one that Extism would install
//! and that formats it.

mod heard;
mod rows;

use std::process::ExitCode;

fn main() -> ExitCode {
    if tracing::subscriber::set_global_default(heard::Counting::default()).is_err() {
        return ExitCode::FAILURE;
    }
    let arguments: Vec<_> = std::env::args().collect();
    // `extism run lines FILE` is no contender but a whole program.
    if let [_, _, run, _, path] = &arguments[..]
        && run == "run"
    {
        return match rows::run(path) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
    turns::serve(|row| rows::set_up(row).map_err(|error| format!("{error:#}")))
}

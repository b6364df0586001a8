//! Extism as a contender: one compiled plugin, its instances, and a time limit per
//! call as in Kumiki. Log messages go to a minimal subscriber instead of Extism's own,
//! which formats them.

mod log_counter;
mod rows;

use std::process::ExitCode;

fn main() -> ExitCode {
    if tracing::subscriber::set_global_default(log_counter::LogCounter::default()).is_err() {
        return ExitCode::FAILURE;
    }
    let arguments: Vec<_> = std::env::args().collect();
    // `extism run lines FILE` is a whole program, not a contender.
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

//! Contenders without a sandbox. The first argument selects one: `in-process`,
//! `memcpy`, `dylib`, `pipe`, `python`; or `plugin`, which is the other end of
//! `pipe`.

mod dylib;
mod in_process;
mod pipe;
mod plugin;

use std::process::ExitCode;

use turns::serve;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().unwrap_or_default().as_str() {
        "in-process" => serve(in_process::set_up),
        "memcpy" => serve(in_process::copies),
        "dylib" => serve(dylib::set_up),
        "pipe" => serve(|row| pipe::set_up(row, pipe::Program::Native)),
        "python" => serve(|row| pipe::set_up(row, pipe::Program::Python)),
        "plugin" => plugin::run(&arguments.next().unwrap_or_default()),
        name => {
            eprintln!("error: there is no contender `{name}`");
            ExitCode::from(2)
        }
    }
}

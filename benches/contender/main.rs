//! Kumiki, and wasmtime without Kumiki, as contenders of `cargo xtask bench`: see
//! `docs/decisions/0008-benchmark.md`. The first argument selects the contender;
//! without one, the program does nothing.

#![allow(missing_docs, clippy::print_stderr, reason = "a benchmark")]

mod async_contract;
mod by_hand;
mod by_hand_concurrent;
mod by_hand_many;
mod contract;
mod kumiki;
mod memory;
mod message;
mod native;
mod plugins;
mod streams;

use std::process::ExitCode;

use kumiki_turns::serve;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    match name.as_str() {
        "kumiki" | "kumiki-single" | "kumiki-batch" | "kumiki-fuel" => {
            serve(|row| kumiki::set_up(&name, row))
        }
        "kumiki-contract" => serve(contract::set_up),
        "kumiki-async" => serve(async_contract::set_up),
        "by-hand" | "by-hand-default" | "by-hand-unlimited" | "by-hand-fuel" => {
            serve(|row| match row.kind.as_str() {
                "wait" => by_hand_concurrent::set_up(row),
                _ => by_hand::set_up(&name, row),
            })
        }
        "by-hand-batch" | "by-hand-column" => serve(|row| by_hand_many::set_up(&name, row)),
        // `native run FORMAT FILE`: a whole program, not a contender.
        "native" => {
            let mut rest = arguments.skip(1);
            let mut next = || rest.next().unwrap_or_default();
            native::run(&next(), &next())
        }
        // The argument that `cargo bench` passes.
        "" | "--bench" => ExitCode::SUCCESS,
        _ => {
            eprintln!("error: there is no contender `{name}`");
            ExitCode::from(2)
        }
    }
}

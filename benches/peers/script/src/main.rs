//! Embedded scripting languages as contenders: `quickjs`, with the same source as the
//! JavaScript plugin, and `lua`.

mod javascript;
mod lua;

use std::process::ExitCode;

use turns::serve;

fn main() -> ExitCode {
    match std::env::args().nth(1).unwrap_or_default().as_str() {
        "quickjs" => serve(javascript::set_up),
        "lua" => serve(lua::set_up),
        name => {
            eprintln!("error: there is no contender `{name}`");
            ExitCode::from(2)
        }
    }
}

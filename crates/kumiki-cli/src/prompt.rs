//! Questions to whoever sits at a terminal, and to nobody else.

use std::io::{self, IsTerminal, Write};

use crate::console::escape;
use crate::failure::Failure;

/// Whether somebody is there who can read a question and answer it.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The answer to a question, without the white space around it; empty at the
/// end of the input.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    let cannot = |error: io::Error| Failure::failed("cannot ask").because(error);
    let mut console = anstream::stderr().lock();
    write!(console, "{}: ", escape(question)).map_err(cannot)?;
    console.flush().map_err(cannot)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(cannot)?;
    Ok(answer.trim().to_owned())
}

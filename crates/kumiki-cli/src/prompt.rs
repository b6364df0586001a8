//! Asks the user questions, only on a terminal.

use std::io::{self, IsTerminal, Write};

use crate::console::escape;
use crate::failure::Failure;

/// Whether both standard input and standard error are terminals.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question. Returns the answer without surrounding white space; it is empty
/// at the end of the input.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    let cannot =
        |error: io::Error| Failure::failed("cannot ask a question on the terminal").because(error);
    let mut console = anstream::stderr().lock();
    write!(console, "{}: ", escape(question)).map_err(cannot)?;
    console.flush().map_err(cannot)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(cannot)?;
    Ok(answer.trim().to_owned())
}

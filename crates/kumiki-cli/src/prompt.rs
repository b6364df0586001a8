//! Asks the user questions, only on a terminal.

use std::io::{self, IsTerminal, Write};

use crate::console::escape;
use crate::failure::Failure;

/// Whether both standard input and standard error are terminals.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question. Returns the answer without surrounding white space, or nothing at
/// the end of the input.
pub(crate) fn ask(question: &str) -> Result<Option<String>, Failure> {
    let cannot =
        |error: io::Error| Failure::failed("cannot ask a question on the terminal").because(error);
    let mut console = anstream::stderr().lock();
    write!(console, "{}: ", escape(question)).map_err(cannot)?;
    console.flush().map_err(cannot)?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer).map_err(cannot)? == 0 {
        // The user pressed no Enter, so the cursor is still behind the question.
        writeln!(console).map_err(cannot)?;
        return Ok(None);
    }
    Ok(Some(answer.trim().to_owned()))
}

/// Asks a question whose answer is yes or no, until the answer is one of them. Enter
/// means yes, the end of the input means no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let question = format!("{question} [Y]es, [n]o");
    confirm_by(|| {
        // What was typed before the question is no answer to it.
        discard_input();
        ask(&question)
    })
}

/// Discards what was typed and not read yet, if standard input is a terminal.
fn discard_input() {
    // Without a terminal there is nothing to discard.
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

fn confirm_by(mut ask: impl FnMut() -> Result<Option<String>, Failure>) -> Result<bool, Failure> {
    loop {
        if let Some(answer) = yes_or_no(ask()?.as_deref()) {
            return Ok(answer);
        }
    }
}

/// Parses an answer; `None` if it is neither yes nor no.
fn yes_or_no(answer: Option<&str>) -> Option<bool> {
    match answer.map(str::to_lowercase).as_deref() {
        Some("" | "y" | "yes") => Some(true),
        Some("n" | "no") | None => Some(false),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_means_yes_and_the_end_of_the_input_means_no() {
        let cases = [
            (Some(""), Some(true)),
            (Some("y"), Some(true)),
            (Some("Y"), Some(true)),
            (Some("yes"), Some(true)),
            (Some("YES"), Some(true)),
            (Some("n"), Some(false)),
            (Some("N"), Some(false)),
            (Some("no"), Some(false)),
            (None, Some(false)),
            (Some("ja"), None),
            (Some("yes please"), None),
            (Some("0"), None),
        ];
        for (answer, expected) in cases {
            assert_eq!(yes_or_no(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn the_question_is_repeated_until_the_answer_is_clear() {
        // The answers, whether the last one means yes, and how often is asked.
        let cases: [(&[Option<&str>], bool, usize); 4] = [
            (&[Some("what?"), Some("q"), Some("y"), Some("n")], true, 3),
            (&[Some("what?"), Some("n"), Some("y")], false, 2),
            (&[Some("what?"), None, Some("y")], false, 2),
            (&[Some("")], true, 1),
        ];
        for (answers, expected, times) in cases {
            let mut asked = 0;
            let confirmed = confirm_by(|| {
                asked += 1;
                Ok(answers[asked - 1].map(str::to_owned))
            });
            assert_eq!(confirmed.unwrap(), expected, "{answers:?}");
            assert_eq!(asked, times, "{answers:?}");
        }
    }
}

//! The driver's half of the protocol that `benches/turns` describes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::programs::Programs;

/// A contender's process, with a row set up.
pub(super) struct Contender {
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Contender {
    /// Starts a contender, sets up a row in it, and checks its answer.
    ///
    /// # Errors
    /// Returns why it is skipped.
    pub(super) fn start(
        name: &str,
        row: &str,
        expected: &str,
        programs: &Programs,
    ) -> Result<Self, String> {
        let mut command = programs.command(name)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command
            .spawn()
            .map_err(|error| format!("cannot start it: {error}"))?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("its pipes are missing".to_owned());
        };
        let mut contender = Self {
            process,
            to: Some(to),
            from: BufReader::new(from),
        };
        let digest = contender.ask(&format!("row {row}"), "ready ")?;
        match digest == expected {
            true => Ok(contender),
            false => Err("its answer is wrong".to_owned()),
        }
    }

    /// Runs for `milliseconds` and returns the nanoseconds per item.
    pub(super) fn turn(&mut self, milliseconds: u32) -> Result<f64, String> {
        let time = self.ask(&format!("turn {milliseconds}"), "time ")?;
        time.parse().map_err(|_| format!("`{time}` is not a time"))
    }

    /// Returns other measurements of the row: names and numbers.
    pub(super) fn facts(&mut self) -> Result<Vec<(String, f64)>, String> {
        let facts = self.ask("facts", "facts")?;
        let facts = facts.split_whitespace().filter_map(|fact| {
            let (name, number) = fact.split_once('=')?;
            Some((name.to_owned(), number.parse().ok()?))
        });
        Ok(facts.collect())
    }

    fn ask(&mut self, line: &str, answer: &str) -> Result<String, String> {
        let to = self.to.as_mut().ok_or("it has exited")?;
        writeln!(to, "{line}").map_err(|error| format!("it has exited: {error}"))?;
        let mut reply = String::new();
        let read = self.from.read_line(&mut reply);
        read.map_err(|error| format!("cannot read its answer: {error}"))?;
        let reply = reply.trim_end();
        match (reply.strip_prefix(answer), reply.strip_prefix("absent ")) {
            (Some(rest), _) => Ok(rest.to_owned()),
            (_, Some(why)) => Err(why.to_owned()),
            _ if reply.is_empty() => Err("it exited without an answer".to_owned()),
            _ => Err(format!("unexpected answer `{reply}`")),
        }
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // It exits at the end of its input.
        drop(self.to.take());
        let _ = self.process.wait();
    }
}

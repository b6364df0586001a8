//! The outputs alone, a line each: for pipes into other programs.

use std::io::{self, Write};

use kumiki_text::{Outcome, Texts};

use super::{Place, ResultWriter};
use crate::console::escape_lines;

pub(super) struct Raw {
    pub(super) terminal: bool,
}

impl ResultWriter for Raw {
    fn result(
        &mut self,
        out: &mut dyn Write,
        _place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let Ok(result) = &outcome.result else {
            return Ok(false);
        };
        if self.terminal {
            writeln!(out, "{}", escape_lines(result.output))?;
        } else {
            out.write_all(result.output.as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(true)
    }

    fn outputs(&mut self, out: &mut Vec<u8>, outputs: &Texts) -> bool {
        if self.terminal {
            return false;
        }
        out.reserve(outputs.as_str().len() + outputs.len());
        for output in outputs.iter() {
            out.extend_from_slice(output.as_bytes());
            out.push(b'\n');
        }
        true
    }
}

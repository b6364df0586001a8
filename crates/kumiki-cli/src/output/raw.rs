//! The outputs alone, a line each: for pipes into other programs.

use std::io::{self, Write};

use kumiki_text::{Outcome, Texts};

use super::{Bounded, Place, ResultWriter};
use crate::console::escape_lines;

pub(super) struct Raw {
    pub(super) terminal: bool,
}

impl ResultWriter for Raw {
    fn result(
        &mut self,
        out: &mut Bounded,
        _place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let Ok(result) = &outcome.result else {
            return Ok(false);
        };
        if self.terminal {
            writeln!(out, "{}", escape_lines(result.output))?;
        } else {
            out.push(result.output.as_bytes())?;
            out.push(b"\n")?;
        }
        Ok(true)
    }

    fn outputs(&mut self, out: &mut Bounded, outputs: &Texts) -> bool {
        let length = outputs.as_str().len() + outputs.len();
        if self.terminal || out.len().saturating_add(length) > out.most {
            return false;
        }
        out.bytes.reserve(length);
        for output in outputs.iter() {
            out.bytes.extend_from_slice(output.as_bytes());
            out.bytes.push(b'\n');
        }
        true
    }
}

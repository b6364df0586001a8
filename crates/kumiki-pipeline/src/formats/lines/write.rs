//! Results as text: for people, or the outputs alone.

use std::borrow::Cow;
use std::io::{self, Write};

use kumiki_text::{Outcome, Texts};

use crate::escape::{escape, escape_lines};
use crate::formats::bounded::BoundedBuffer;
use crate::formats::report::{RecordLocation, RenderOptions, ReportWriter};

const DIMMED: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// For people: the location of the record, each plugin with its output, and the
/// metadata below it.
pub(crate) struct Text {
    is_terminal: bool,
    dimmed: &'static str,
    bold: &'static str,
    reset: &'static str,
}

impl Text {
    /// Styles are left out here. Removing them from the written text would also
    /// remove the escape sequences of a result.
    pub(crate) fn new(options: RenderOptions) -> Self {
        let (dimmed, bold, reset) = match options.coloured {
            true => (DIMMED, BOLD, RESET),
            false => ("", "", ""),
        };
        Self {
            is_terminal: options.is_terminal,
            dimmed,
            bold,
            reset,
        }
    }

    /// The text of a result. On a terminal its lines after the first are indented, so
    /// that none looks like the line of a record, of another plugin or of metadata.
    fn output<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.is_terminal {
            return text.into();
        }
        match escape_lines(text) {
            shown if shown.contains('\n') => shown.replace('\n', "\n    ").into(),
            shown => shown,
        }
    }
}

impl ReportWriter for Text {
    fn begin(&mut self, out: &mut BoundedBuffer, location: RecordLocation<'_>) -> io::Result<()> {
        let (dimmed, reset) = (self.dimmed, self.reset);
        match location.line {
            Some((file, line)) => writeln!(out, "{dimmed}{}:{line}{reset}", escape(file)),
            None => Ok(()),
        }
    }

    fn result(
        &mut self,
        out: &mut BoundedBuffer,
        _location: RecordLocation<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let Ok(result) = &outcome.result else {
            return Ok(false);
        };
        let (bold, reset, plugin) = (self.bold, self.reset, escape(outcome.plugin));
        writeln!(
            out,
            "{bold}[{plugin}]{reset} Output: {}",
            self.output(result.output)
        )?;
        for (key, value) in result.metadata.iter() {
            writeln!(out, "  {}: {}", escape(key), self.output(value))?;
        }
        Ok(true)
    }
}

/// For pipes into other programs: only the outputs, one per line.
pub(crate) struct Raw {
    is_terminal: bool,
}

impl Raw {
    pub(crate) fn new(options: RenderOptions) -> Self {
        Self {
            is_terminal: options.is_terminal,
        }
    }
}

impl ReportWriter for Raw {
    fn result(
        &mut self,
        out: &mut BoundedBuffer,
        _location: RecordLocation<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let Ok(result) = &outcome.result else {
            return Ok(false);
        };
        if self.is_terminal {
            writeln!(out, "{}", escape_lines(result.output))?;
        } else {
            out.push(result.output.as_bytes())?;
            out.push(b"\n")?;
        }
        Ok(true)
    }

    fn outputs(&mut self, out: &mut BoundedBuffer, outputs: &Texts) -> bool {
        let length = outputs.as_str().len() + outputs.len();
        if self.is_terminal || out.len().saturating_add(length) > out.limit {
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

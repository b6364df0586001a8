//! Results for people: the record's place, the plugin and its output, the
//! metadata below.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;
use kumiki_text::Outcome;

use super::{Place, ResultWriter};
use crate::console::{escape, escape_lines};

const PLACE: Style = Style::new().dimmed();
const PLUGIN: Style = Style::new().bold();

pub(super) struct Text {
    pub(super) terminal: bool,
}

impl Text {
    fn output<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.terminal {
            escape_lines(text)
        } else {
            text.into()
        }
    }
}

impl ResultWriter for Text {
    fn begin(&mut self, out: &mut dyn Write, place: Place<'_>) -> io::Result<()> {
        match place.line {
            Some((file, line)) => writeln!(out, "{PLACE}{}:{line}{PLACE:#}", escape(file)),
            None => Ok(()),
        }
    }

    fn result(
        &mut self,
        out: &mut dyn Write,
        _place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let Ok(result) = &outcome.result else {
            return Ok(false);
        };
        let plugin = escape(outcome.plugin);
        writeln!(
            out,
            "{PLUGIN}[{plugin}]{PLUGIN:#} Output: {}",
            self.output(&result.output)
        )?;
        for entry in &result.metadata {
            writeln!(
                out,
                "  {}: {}",
                escape(&entry.key),
                self.output(&entry.value)
            )?;
        }
        Ok(true)
    }
}

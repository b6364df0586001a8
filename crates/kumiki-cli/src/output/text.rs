//! Results for people: the record's place, the plugin and its output, the
//! metadata below.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;
use kumiki_text::Outcome;

use super::{Bounded, Place, ResultWriter};
use crate::console::{escape, escape_lines};

pub(super) struct Text {
    terminal: bool,
    place: Style,
    plugin: Style,
}

impl Text {
    /// Styles are left out here and not behind: whoever takes them out of what
    /// was written takes a result's own escape sequences with them.
    pub(super) fn new(terminal: bool, coloured: bool) -> Self {
        let (mut place, mut plugin) = (Style::new(), Style::new());
        if coloured {
            (place, plugin) = (place.dimmed(), plugin.bold());
        }
        Self {
            terminal,
            place,
            plugin,
        }
    }

    /// A result. On a terminal its lines after the first are indented: none of them
    /// looks like the line of a record, of another plugin or of metadata.
    fn output<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.terminal {
            return text.into();
        }
        match escape_lines(text) {
            shown if shown.contains('\n') => shown.replace('\n', "\n    ").into(),
            shown => shown,
        }
    }
}

impl ResultWriter for Text {
    fn begin(&mut self, out: &mut Bounded, place: Place<'_>) -> io::Result<()> {
        let style = self.place;
        match place.line {
            Some((file, line)) => writeln!(out, "{style}{}:{line}{style:#}", escape(file)),
            None => Ok(()),
        }
    }

    fn result(
        &mut self,
        out: &mut Bounded,
        _place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool> {
        let Ok(result) = &outcome.result else {
            return Ok(false);
        };
        let (style, plugin) = (self.plugin, escape(outcome.plugin));
        writeln!(
            out,
            "{style}[{plugin}]{style:#} Output: {}",
            self.output(result.output)
        )?;
        for (key, value) in result.metadata.iter() {
            writeln!(out, "  {}: {}", escape(key), self.output(value))?;
        }
        Ok(true)
    }
}

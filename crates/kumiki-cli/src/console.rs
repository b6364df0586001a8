//! Output on standard error: notices, plugin logs, errors with hints, and
//! progress. Text from plugins and files is escaped first, because it can contain
//! terminal control sequences.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use kumiki::{Denial, Event, Level, LogRecord, Observer, excerpt};
use kumiki_pipeline::{Diagnostic, InvalidRecord};
pub(crate) use kumiki_pipeline::{escape, escape_lines};
use kumiki_text::CircuitOpened;

use crate::failure::{self, Failure};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Maximum length of a message, a cause or a hint, in bytes.
pub(crate) const LONGEST: usize = 2000;

/// Maximum number of causes shown for one error.
const CAUSES: usize = 1000;

/// Maximum number of denials reported for one plugin.
const DENIALS: usize = 20;

/// Writes to standard error. Cheap to clone; clones share the progress bar and
/// write around it.
#[derive(Clone)]
pub(crate) struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    /// Minimum level of log records. Without one, notices are hidden as well.
    level: Option<Level>,
    backtraces: bool,
    bar: Mutex<ProgressBar>,
    hints: Mutex<HashSet<String>>,
    /// The denials already reported, for each plugin.
    denied: Mutex<HashMap<String, HashSet<String>>>,
    /// Until when the circuit of each plugin is open, as already reported.
    open_circuits: Mutex<HashMap<String, Instant>>,
}

impl Console {
    /// Creates a console. `quiet` shows errors only; `verbose` counts the `-v` flags.
    pub(crate) fn new(quiet: bool, verbose: u8) -> Self {
        let level = match (quiet, verbose) {
            (true, _) => None,
            (_, 0) => Some(Level::Warn),
            (_, 1) => Some(Level::Info),
            _ => Some(Level::Debug),
        };
        Self::with(level, verbose > 0)
    }

    /// Creates a console that shows log records from this level, and whole backtraces or
    /// only their first lines.
    pub(crate) fn with(level: Option<Level>, backtraces: bool) -> Self {
        Self {
            inner: Arc::new(Inner {
                level,
                backtraces,
                bar: Mutex::new(ProgressBar::hidden()),
                hints: Mutex::default(),
                denied: Mutex::default(),
                open_circuits: Mutex::default(),
            }),
        }
    }

    /// Prints a notice, unless quiet.
    pub(crate) fn notice(&self, message: impl fmt::Display) {
        if self.inner.level.is_some() {
            self.line(format_args!("{message}"));
        }
    }

    /// Prints a detail: at level info with `-v`, at level debug with `-vv`.
    pub(crate) fn detail(&self, level: Level, message: impl fmt::Display) {
        if self.inner.level.is_some_and(|shown| level >= shown) {
            self.line(format_args!("{message}"));
        }
    }

    /// Prints a line that the user asked for, even when quiet.
    pub(crate) fn report(&self, line: &str) {
        self.line(format_args!("{}", escape(line)));
    }

    /// Reports a denial, each one once and at most [`DENIALS`] for each plugin.
    fn denied(&self, plugin: &str, denial: &Denial<'_>) {
        let text = denial_text(denial);
        // Locked until it is printed, so that no worker prints a denial after another
        // has printed that more are hidden.
        let mut all = self.lock(&self.inner.denied);
        let of_plugin = all.entry(plugin.to_owned()).or_default();
        if of_plugin.len() > DENIALS || !of_plugin.insert(text.clone()) {
            return;
        }
        let plugin = escape(plugin);
        if of_plugin.len() > DENIALS {
            self.notice(format_args!(
                "[{plugin}] was denied more; further denials are not shown"
            ));
        } else {
            self.notice(format_args!("[{plugin}] was denied {text}"));
        }
    }

    /// Reports that a plugin is not called for a while. Each worker notices this by
    /// itself; only the first report is printed.
    fn circuit_opened(&self, plugin: &str, opened: &CircuitOpened) {
        let CircuitOpened { failures, time, .. } = opened;
        let now = Instant::now();
        {
            let mut reported = self.lock(&self.inner.open_circuits);
            if reported.get(plugin).is_some_and(|until| now < *until) {
                return;
            }
            reported.insert(plugin.to_owned(), now + *time);
        }
        self.line(format_args!(
            "{ERROR}paused{ERROR:#}: `{}` failed {failures} times in a row; it is retried in \
             {time:.0?}, and other plugins continue",
            escape(plugin)
        ));
    }

    /// Prints an error after which the work continues.
    pub(crate) fn error(&self, message: impl fmt::Display, causes: &[String], hint: Option<&str>) {
        let mut text = error_text(&message.to_string(), causes);
        if let Some(hint) = hint
            && self.lock(&self.inner.hints).insert(hint.to_owned())
        {
            // Each hint is printed once.
            let _ = write!(text, "\n{HINT}hint{HINT:#}: {}", excerpt(hint, LONGEST));
        }
        self.line(format_args!("{text}"));
    }

    /// Prints the error of a plugin; `place` names the record.
    pub(crate) fn plugin_error(&self, place: &str, error: &kumiki_text::Error) {
        let host = match error {
            kumiki_text::Error::Host(error) => Some(error),
            _ => None,
        };
        let hint = failure::text_hint(error);
        let place = if place.is_empty() {
            String::new()
        } else {
            format!("{place}: ")
        };
        let mut causes = failure::causes(error);
        if let Some(backtrace) = host.and_then(kumiki::Error::backtrace) {
            if self.inner.backtraces {
                causes.extend(backtrace.lines().map(str::to_owned));
            } else {
                causes.extend(backtrace.lines().next().map(|frame| format!("in {frame}")));
            }
        }
        self.error(format_args!("{place}{error}"), &causes, hint.as_deref());
    }

    /// Prints why a record of a run has no result.
    pub(crate) fn diagnostic(&self, diagnostic: &Diagnostic) {
        match diagnostic {
            Diagnostic::Plugin { location, error } => {
                let place = location.as_ref().map(ToString::to_string);
                self.plugin_error(&place.unwrap_or_default(), error);
            }
            Diagnostic::Invalid { source, error } => {
                let causes = match &**error {
                    InvalidRecord::Line(error) => failure::causes(error),
                    _ => Vec::new(),
                };
                self.error(
                    format_args!("{source}: {error}"),
                    &causes,
                    failure::record_hint(error),
                );
            }
            Diagnostic::Unwritten { output, error } => self.error(
                format_args!("cannot write file `{}`", output.display()),
                &[error.to_string()],
                None,
            ),
            Diagnostic::Unopened { source, error } => self.error(
                format_args!("cannot read file `{source}`"),
                &[error.to_string()],
                None,
            ),
            other => self.error(format_args!("{other:?}"), &[], None),
        }
    }

    /// Shows a spinner until [`Console::done`].
    pub(crate) fn spinner(&self, message: &str) {
        if self.inner.level.is_none() || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new_spinner().with_message(escape(message).into_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.lock(&self.inner.bar) = bar;
    }

    /// Shows progress through `total` bytes until [`Console::done`], unless results
    /// are `watched` on the same terminal, where both would be garbled.
    pub(crate) fn progress(&self, total: Option<u64>, watched: bool) {
        if self.inner.level.is_none() || watched {
            return;
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:30} {percent}% · {bytes} of {total_bytes}{msg}{left}",
            ),
            None => (ProgressBar::no_length(), "{spinner} {bytes}{msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("left", time_left));
        }
        // Draws nothing unless standard error is a terminal.
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        *self.lock(&self.inner.bar) = bar;
    }

    /// Shows how many of `total` items are done until [`Console::done`].
    pub(crate) fn count(&self, total: u64, what: &'static str) {
        if self.inner.level.is_none() || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(total).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}") {
            bar.set_style(style);
        }
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        *self.lock(&self.inner.bar) = bar;
    }

    /// Counts one more item as done.
    pub(crate) fn one_more(&self) {
        self.lock(&self.inner.bar).inc(1);
    }

    /// Updates the progress. `records` is `None` for whole texts.
    pub(crate) fn advance(&self, bytes: u64, records: Option<u64>) {
        let bar = self.lock(&self.inner.bar);
        bar.set_position(bytes);
        let seconds = bar.elapsed().as_secs_f64().max(0.001);
        let megabytes = format!("{:.1} MB/s", bytes as f64 / seconds / 1e6);
        bar.set_message(match records {
            Some(records) => {
                let rate = records as f64 / seconds;
                format!(" · {records} records, {rate:.0}/s, {megabytes}")
            }
            None => format!(" · {megabytes}"),
        });
    }

    /// Removes the spinner or progress bar.
    pub(crate) fn done(&self) {
        self.lock(&self.inner.bar).finish_and_clear();
    }

    fn line(&self, text: fmt::Arguments<'_>) {
        // If standard error is closed, there is nowhere to report that.
        self.lock(&self.inner.bar).suspend(|| {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        });
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Console {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Denied { plugin, denial, .. } => self.denied(plugin, denial),
            Event::Contract { plugin, event } => {
                let event: &dyn Any = *event;
                if let Some(opened) = event.downcast_ref() {
                    self.circuit_opened(plugin, opened);
                }
            }
            Event::FewerSlots { wanted, found, .. } => self.notice(fewer_slots(*wanted, *found)),
            Event::CacheWriteFailed { plugin, error } => self.notice(escape(&format!(
                "`{plugin}` was compiled but not cached: {error}"
            ))),
            _ => {}
        }
    }

    fn log(&self, record: &LogRecord<'_>) {
        if self.inner.level.is_none_or(|level| record.level < level) {
            return;
        }
        let style = match record.level {
            Level::Error => ERROR,
            Level::Warn => WARN,
            Level::Info | Level::Debug => QUIET,
        };
        let (plugin, message) = (escape(record.plugin), escape(record.message));
        self.line(format_args!(
            "[{plugin}] {style}{}{style:#}: {message}",
            record.level
        ));
    }
}

/// The time left, which is not known before anything is done.
fn time_left(state: &ProgressState, text: &mut dyn fmt::Write) {
    if state.pos() > 0 {
        let left = HumanDuration(state.eta());
        let _ = write!(text, " · {left:#} left");
    }
}

/// Notice for a pool with fewer slots than wanted.
fn fewer_slots(wanted: u32, found: u32) -> String {
    format!(
        "there is address space for {found} of {wanted} pool slots; other instances take longer \
         to create (`ulimit -v` shows the limit)"
    )
}

/// Describes a denial and the flag that allows it.
fn denial_text(denial: &Denial<'_>) -> String {
    match denial {
        Denial::Network(grant) => {
            format!("the network; to allow it: `--allow-net {grant}`")
        }
        Denial::Sockets => "a socket, because no network access is granted; to allow it: \
                            `--allow-net WHERE:PORTS`"
            .to_owned(),
        Denial::Change(grant) => format!(
            "write access to `{}`; to allow it: `--allow-dir {}`",
            escape(grant.guest()),
            escape(&grant.to_string())
        ),
        Denial::WayOut { folder, path } => format!(
            "`{}`, which leads out of `{}`: its target needs its own grant",
            escape(path),
            escape(folder.guest())
        ),
        other => format!("{other:?}"),
    }
}

/// Prints the failure that ends the program.
pub(crate) fn print_failure(failure: &Failure) {
    let mut text = error_text(&failure.message, &failure.causes);
    if let Some(hint) = &failure.hint {
        let _ = write!(text, "\n{HINT}hint{HINT:#}: {}", excerpt(hint, LONGEST));
    }
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Formats a count and what is counted: `1 record`, `2 records`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Formats an error and its causes, one per line. They can quote any text of any
/// length, so line ends and control characters are escaped and lines are truncated.
fn error_text(message: &str, causes: &[String]) -> String {
    let mut text = format!("{ERROR}error{ERROR:#}: {}", excerpt(message, LONGEST));
    for cause in causes.iter().take(CAUSES) {
        let _ = write!(text, "\n  {}", excerpt(cause, LONGEST));
    }
    if causes.len() > CAUSES {
        let _ = write!(text, "\n  and {} more lines", causes.len() - CAUSES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_text_has_one_line_per_cause_and_is_bounded() {
        let text = error_text("a\nb", &["c\n  d".to_owned(), "e".to_owned()]);
        assert!(text.ends_with(": a\\nb\n  c\\n  d\n  e"), "{text:?}");
        let long = "x\n".repeat(1 << 20);
        let text = error_text(&long, &[long.clone(), long.clone()]);
        assert_eq!(text.lines().count(), 3);
        assert!(text.len() < 3 * (LONGEST + 100), "{}", text.len());
        let text = error_text("", &vec![String::new(); CAUSES + 7]);
        assert!(text.ends_with("\n  and 7 more lines"), "{text:?}");
    }
}

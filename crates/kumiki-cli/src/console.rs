//! The standard error side: notices, the plugins' log, errors with their
//! hints, and progress. Text that comes from a plugin or a file is escaped
//! first: it may hold anything, and a terminal obeys what it is sent.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kumiki::{Denial, Event, Level, LogRecord, Observer, excerpt};
use kumiki_pipeline::{Diagnostic, InvalidRecord};
pub(crate) use kumiki_pipeline::{escape, escape_lines};

use crate::failure::{self, Failure};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// The most bytes of a message, a cause or a hint.
pub(crate) const LONGEST: usize = 2000;

/// The most causes of one error.
const CAUSES: usize = 1000;

/// How many denials of one plugin are told.
const DENIALS: usize = 20;

/// Everything that goes to standard error. Cheap to clone; clones share the
/// progress bar and write around it.
#[derive(Clone)]
pub(crate) struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    /// Log records below this are not shown; with none, neither are notices.
    level: Option<Level>,
    backtraces: bool,
    bar: Mutex<ProgressBar>,
    hints: Mutex<HashSet<String>>,
    /// What each plugin was denied, as it was told.
    denied: Mutex<HashMap<String, HashSet<String>>>,
    /// Until when each plugin is set aside, as it was told.
    set_aside: Mutex<HashMap<String, Instant>>,
}

impl Console {
    /// `quiet` shows errors only; `verbose` is how often `-v` was given.
    pub(crate) fn new(quiet: bool, verbose: u8) -> Self {
        let level = match (quiet, verbose) {
            (true, _) => None,
            (_, 0) => Some(Level::Warn),
            (_, 1) => Some(Level::Info),
            _ => Some(Level::Debug),
        };
        let bar = Mutex::new(ProgressBar::hidden());
        let hints = Mutex::default();
        Self {
            inner: Arc::new(Inner {
                level,
                backtraces: verbose > 0,
                bar,
                hints,
                denied: Mutex::default(),
                set_aside: Mutex::default(),
            }),
        }
    }

    /// Something worth knowing that is no error.
    pub(crate) fn notice(&self, message: impl fmt::Display) {
        if self.inner.level.is_some() {
            self.line(format_args!("{message}"));
        }
    }

    /// Something that is shown to whoever asks for more: at level info with
    /// `-v`, at level debug with `-vv`.
    pub(crate) fn detail(&self, level: Level, message: impl fmt::Display) {
        if self.inner.level.is_some_and(|shown| level >= shown) {
            self.line(format_args!("{message}"));
        }
    }

    /// What was asked for, and so is shown even where notices are not.
    pub(crate) fn report(&self, line: &str) {
        self.line(format_args!("{}", escape(line)));
    }

    /// A plugin was denied something. One that tries again and again is told of
    /// once, and one that tries everything some times.
    fn denied(&self, plugin: &str, denial: &Denial<'_>) {
        let text = denial_text(denial);
        // Held until it is told: of several workers none has the last word after
        // another that has said so.
        let mut all = self.lock(&self.inner.denied);
        let of_plugin = all.entry(plugin.to_owned()).or_default();
        if of_plugin.len() > DENIALS || !of_plugin.insert(text.clone()) {
            return;
        }
        let plugin = escape(plugin);
        if of_plugin.len() > DENIALS {
            self.notice(format_args!("[{plugin}] was denied more; it is not told"));
        } else {
            self.notice(format_args!("[{plugin}] was denied {text}"));
        }
    }

    /// A plugin is left alone for a while. Each worker finds that out for itself;
    /// the first one tells.
    fn set_aside(&self, plugin: &str, failures: u32, time: Duration) {
        let now = Instant::now();
        {
            let mut told = self.lock(&self.inner.set_aside);
            if told.get(plugin).is_some_and(|until| now < *until) {
                return;
            }
            told.insert(plugin.to_owned(), now + time);
        }
        self.line(format_args!(
            "{ERROR}set aside{ERROR:#}: `{}` failed {failures} times in a row; it is tried again \
             in {time:.0?}, and the others go on",
            escape(plugin)
        ));
    }

    /// Something failed and the work goes on.
    pub(crate) fn error(&self, message: impl fmt::Display, causes: &[String], hint: Option<&str>) {
        let mut text = error_text(&message.to_string(), causes);
        if let Some(hint) = hint
            && self.lock(&self.inner.hints).insert(hint.to_owned())
        {
            // A hint helps once, not a million times.
            let _ = write!(text, "\n{HINT}hint{HINT:#}: {}", excerpt(hint, LONGEST));
        }
        self.line(format_args!("{text}"));
    }

    /// A plugin gave no result; `place` says for which record.
    pub(crate) fn plugin_error(&self, place: &str, error: &kumiki_text::Error) {
        let host = match error {
            kumiki_text::Error::Host(error) => Some(error),
            _ => None,
        };
        let hint = match host {
            Some(error) => failure::hint(error),
            None => error.hint(),
        };
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

    /// A record of a run has no result.
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
            Diagnostic::Unopened { source, error } => self.error(
                format_args!("cannot read file `{source}`"),
                &[error.to_string()],
                None,
            ),
            other => self.error(format_args!("{other:?}"), &[], None),
        }
    }

    /// Shows that something of unknown length goes on, until [`Console::done`].
    pub(crate) fn spinner(&self, message: &str) {
        if self.inner.level.is_none() || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new_spinner().with_message(escape(message).into_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.lock(&self.inner.bar) = bar;
    }

    /// Shows progress through `total` bytes, until [`Console::done`]. Not where
    /// results are `watched` on the same terminal: they would tear each other
    /// apart.
    pub(crate) fn progress(&self, total: Option<u64>, watched: bool) {
        if self.inner.level.is_none() || watched {
            return;
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:30} {percent}% · {bytes} of {total_bytes} · {msg} · {eta} left",
            ),
            None => (ProgressBar::no_length(), "{spinner} {bytes} · {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        // Draws nothing unless standard error is a terminal.
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        *self.lock(&self.inner.bar) = bar;
    }

    /// Shows how many of `total` are done, until [`Console::done`].
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

    /// One more is done.
    pub(crate) fn one_more(&self) {
        self.lock(&self.inner.bar).inc(1);
    }

    /// How far the work has come.
    pub(crate) fn advance(&self, bytes: u64, records: u64) {
        let bar = self.lock(&self.inner.bar);
        bar.set_position(bytes);
        let seconds = bar.elapsed().as_secs_f64().max(0.001);
        let (rate, megabytes) = (records as f64 / seconds, bytes as f64 / seconds / 1e6);
        bar.set_message(format!(
            "{records} records, {rate:.0}/s, {megabytes:.1} MB/s"
        ));
    }

    /// Takes spinner or progress bar away.
    pub(crate) fn done(&self) {
        self.lock(&self.inner.bar).finish_and_clear();
    }

    fn line(&self, text: fmt::Arguments<'_>) {
        // A standard error that is closed has nobody to be told.
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
            Event::SetAside {
                plugin,
                failures,
                time,
            } => self.set_aside(plugin, *failures, *time),
            Event::FewerSlots { wanted, found, .. } => self.notice(fewer_slots(*wanted, *found)),
            Event::NotKept { plugin, error } => self.notice(escape(&format!(
                "`{plugin}` is compiled and not kept: {error}"
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

/// That instances are made less quickly than they could be, and why.
fn fewer_slots(wanted: u32, found: u32) -> String {
    format!(
        "there is address space for {found} of {wanted} instances at a time; others take longer \
         to make (`ulimit -v` shows its limit)"
    )
}

/// What was denied, and what allows it.
fn denial_text(denial: &Denial<'_>) -> String {
    match denial {
        Denial::Network(grant) => {
            format!("the network; to allow it: `--allow-net {grant}`")
        }
        Denial::Sockets => "a socket, for nothing of the network is granted; to allow it: \
                            `--allow-net WHERE:PORTS`"
            .to_owned(),
        Denial::Change(grant) => format!(
            "a change in `{}`; to allow it: `--allow-dir {}`",
            escape(grant.guest()),
            escape(&grant.to_string())
        ),
        Denial::WayOut { folder, path } => format!(
            "`{}`, which leads out of `{}`: what is there needs a grant of its own",
            escape(path),
            escape(folder.guest())
        ),
        other => format!("{other:?}"),
    }
}

/// Prints why the program as a whole gives up.
pub(crate) fn print_failure(failure: &Failure) {
    let mut text = error_text(&failure.message, &failure.causes);
    if let Some(hint) = &failure.hint {
        let _ = write!(text, "\n{HINT}hint{HINT:#}: {}", excerpt(hint, LONGEST));
    }
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// An error with its causes, a line each. What they quote may be anything and of
/// any length: line ends are spelled out like all that a terminal obeys, and each
/// line is cut.
fn error_text(message: &str, causes: &[String]) -> String {
    let mut text = format!("{ERROR}error{ERROR:#}: {}", excerpt(message, LONGEST));
    for cause in causes.iter().take(CAUSES) {
        let _ = write!(text, "\n  {}", excerpt(cause, LONGEST));
    }
    if causes.len() > CAUSES {
        let _ = write!(text, "\n  and {} lines more", causes.len() - CAUSES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_line_for_each_cause_and_is_bounded() {
        let text = error_text("a\nb", &["c\n  d".to_owned(), "e".to_owned()]);
        assert!(text.ends_with(": a\\nb\n  c\\n  d\n  e"), "{text:?}");
        let long = "x\n".repeat(1 << 20);
        let text = error_text(&long, &[long.clone(), long.clone()]);
        assert_eq!(text.lines().count(), 3);
        assert!(text.len() < 3 * (LONGEST + 100), "{}", text.len());
        let text = error_text("", &vec![String::new(); CAUSES + 7]);
        assert!(text.ends_with("\n  and 7 lines more"), "{text:?}");
    }
}

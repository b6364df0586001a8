//! Executes a run until it ends or a signal interrupts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use kumiki_pipeline::{Error as RunError, Interrupt, Run, RunEvent, RunObserver, Summary};
use kumiki_text::Pipeline;

use crate::arguments::RunArguments;
use crate::console::{Console, plural};
use crate::signals;

/// How long an interrupted run may go on before it says what it waits for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Executes the run. Also returns the number of the signal that interrupted it, or 0.
pub(super) fn execute(
    run: Run,
    pipeline: Pipeline,
    events: &RunEvents<'_>,
    arguments: &RunArguments,
) -> (Result<Summary, RunError>, u8) {
    let (interrupt, signal) = (Interrupt::new(), Arc::new(AtomicU8::new(0)));
    let has_ended = Arc::new(AtomicBool::new(false));
    let handled = {
        let (interrupt, signal) = (interrupt.clone(), signal.clone());
        let (console, has_ended) = (events.console.clone(), has_ended.clone());
        let is_whole = arguments.whole;
        signals::on_interrupt(move |number| {
            signal.store(number, Ordering::SeqCst);
            interrupt.trigger();
            // Whole texts end at once.
            if !is_whole {
                say_if_slow(console, has_ended);
            }
        })
    };
    let summary = match handled {
        Ok(()) if arguments.whole => run.execute_whole(pipeline, events, &interrupt),
        Ok(()) => run.execute(pipeline, events, &interrupt),
        Err(source) => Err(RunError::Write {
            output: arguments.output_file.clone(),
            source,
        }),
    };
    has_ended.store(true, Ordering::SeqCst);
    (summary, signal.load(Ordering::SeqCst))
}

/// Says what an interrupted run waits for, unless it ends soon.
fn say_if_slow(console: Console, has_ended: Arc<AtomicBool>) {
    // Without a thread, there is no notice.
    let _ = thread::Builder::new().spawn(move || {
        thread::sleep(PATIENCE);
        if !has_ended.load(Ordering::SeqCst) {
            console.notice(
                "interrupted: waiting for records in progress; interrupt again to stop now",
            );
        }
    });
}

/// Shows the events of a run.
pub(super) struct RunEvents<'a> {
    pub(super) console: &'a Console,
    /// Whether whole texts are processed.
    pub(super) is_whole: bool,
    /// Whether progress is shown; the result of `--text` appears at once.
    pub(super) shows_progress: bool,
    /// Whether results are shown on the terminal.
    pub(super) is_watched: bool,
}

impl RunObserver for RunEvents<'_> {
    fn event(&self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Resumed { records } => {
                let done = plural(*records, "record");
                self.console.notice(format_args!("resuming after {done}"));
            }
            RunEvent::Started { total_bytes } if self.shows_progress => {
                self.console.progress(*total_bytes, self.is_watched);
            }
            RunEvent::Diagnostic(diagnostic) => self.console.diagnostic(diagnostic),
            RunEvent::Progress { bytes, records } => {
                let records = (!self.is_whole).then_some(*records);
                self.console.advance(*bytes, records);
            }
            _ => {}
        }
    }
}

//! Runs of many whole texts on all cores: each input file has an output file of its own.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use kumiki_text::{Pipeline, TextPlugin};

use super::chain::{self, ChainResults};
use super::{AFTER_INTERRUPT, Interruptible, PROGRESS, SharedSink, open};
use crate::diagnostic::{Diagnostic, Location};
use crate::error::Error;
use crate::event::{RunEvent, RunObserver};
use crate::executor::panicked;
use crate::files::source::ByteCounter;
use crate::input::open::OpenInputs;
use crate::interrupt::Interrupt;
use crate::sink::Sink;
use crate::sink::output_folder::{ReservedFolder, Target};
use crate::summary::{Summary, Usages, merge};

/// Passes each input through `pipeline` as a whole, several at the same time. An input that
/// fails does not end the others.
///
/// # Errors
/// When a thread cannot be started or has panicked.
pub(crate) fn execute(
    inputs: OpenInputs,
    folder: ReservedFolder,
    workers: usize,
    pipeline: Pipeline,
    observer: &dyn RunObserver,
    interrupt: &Interrupt,
) -> io::Result<Summary> {
    let limit = inputs.options.line_limit;
    let tasks: VecDeque<_> = folder.tasks(inputs.list).collect();
    let workers = workers.min(tasks.len()).max(1);
    let queue = Queue(Arc::new(Mutex::new(tasks)));
    let (sender, events) = channel();
    let mut pipelines = vec![pipeline];
    while pipelines.len() < workers {
        pipelines.push(pipelines[0].sibling());
    }
    for (number, pipeline) in pipelines.into_iter().enumerate() {
        let worker = Worker {
            number,
            plugins: pipeline.into_plugins(),
            queue: queue.clone(),
            events: sender.clone(),
            interrupt: interrupt.clone(),
            limit,
        };
        thread::Builder::new()
            .name(format!("whole text {number}"))
            .spawn(move || worker.run())?;
    }
    drop(sender);
    let mut progress = FolderProgress::new(observer, interrupt, workers);
    let mut patience = AFTER_INTERRUPT;
    while progress.working > 0 {
        match events.recv_timeout(PROGRESS) {
            Ok(event) => progress.handle(event),
            Err(RecvTimeoutError::Disconnected) => return Err(panicked("a plugin's thread")),
            Err(RecvTimeoutError::Timeout) => progress.report(),
        }
        if interrupt.is_triggered() {
            progress.summary.interrupted = true;
            patience = patience.saturating_sub(PROGRESS);
            if patience.is_zero() {
                break;
            }
        }
    }
    Ok(progress.summary)
}

/// The inputs that no worker has begun.
#[derive(Clone)]
struct Queue(Arc<Mutex<VecDeque<Target>>>);

impl Queue {
    fn next(&self) -> Option<Target> {
        let mut targets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        targets.pop_front()
    }
}

/// What a worker reports.
enum Event {
    /// It reads an input, whose bytes it counts.
    Began(usize, ByteCounter),
    /// An input is done.
    Done(usize, Result<Location, Diagnostic>),
    /// There is nothing more to do.
    Ended(Usages),
}

/// Passes one input after the other through its plugins.
struct Worker {
    number: usize,
    plugins: Vec<TextPlugin>,
    queue: Queue,
    events: Sender<Event>,
    interrupt: Interrupt,
    limit: usize,
}

impl Worker {
    fn run(mut self) {
        while !self.interrupt.is_triggered()
            && let Some(target) = self.queue.next()
        {
            let done = self.text(target);
            self.send(Event::Done(self.number, done));
        }
        let usages = self.plugins.iter().map(|it| it.usage().cloned());
        self.send(Event::Ended(usages.collect()));
    }

    fn send(&self, event: Event) {
        // Nobody listens after an interrupt.
        let _ = self.events.send(event);
    }

    fn text(&mut self, target: Target) -> Result<Location, Diagnostic> {
        let source: Arc<str> = target.input.name.as_str().into();
        let unopened = |error| Diagnostic::Unopened {
            source: source.clone(),
            error,
        };
        let output = target.path.clone();
        let unwritten = |error| Diagnostic::Unwritten {
            output: output.clone(),
            error,
        };
        let file = target.begin().map_err(|error| match error {
            Error::Create { source, .. } => unwritten(source),
            error => unwritten(io::Error::other(error)),
        })?;
        let (reader, counter) = open(target.input.content).map_err(unopened)?;
        self.send(Event::Began(self.number, counter));
        let reader = Interruptible {
            reader,
            interrupt: self.interrupt.clone(),
        };
        let sink = SharedSink::file(Sink::File(Box::new(file)));
        let passed = sink.begin().map_err(unwritten).and_then(|()| {
            let (reader, writer) = (Box::new(reader), Box::new(sink.clone()));
            let results = ChainResults::default();
            let passed = chain::pass(&mut self.plugins, reader, writer, self.limit, &results);
            passed.map_err(|error| Diagnostic::Plugin {
                location: Some(Location {
                    source: source.clone(),
                    line: 0,
                }),
                error: Arc::new(error),
            })
        });
        let is_complete = passed.is_ok() && !self.interrupt.is_triggered();
        let ended = sink.end(is_complete).map_err(unwritten);
        passed.and(ended).map(|()| Location { source, line: 0 })
    }
}

/// How far all workers have come.
struct FolderProgress<'a> {
    observer: &'a dyn RunObserver,
    interrupt: &'a Interrupt,
    working: usize,
    /// The bytes of the inputs that are done.
    done: u64,
    /// The inputs that are read, by worker.
    reading: HashMap<usize, ByteCounter>,
    summary: Summary,
}

impl<'a> FolderProgress<'a> {
    fn new(observer: &'a dyn RunObserver, interrupt: &'a Interrupt, workers: usize) -> Self {
        Self {
            observer,
            interrupt,
            working: workers,
            done: 0,
            reading: HashMap::new(),
            summary: Summary::default(),
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Began(worker, counter) => drop(self.reading.insert(worker, counter)),
            Event::Done(worker, result) => {
                self.done += self.reading.remove(&worker).map_or(0, |it| it.get());
                // The texts that an interrupt ended have not failed.
                match result {
                    Ok(location) => {
                        self.summary.records += 1;
                        self.summary.last = Some(location);
                    }
                    Err(_) if self.interrupt.is_triggered() => {}
                    Err(diagnostic) => {
                        self.summary.failed += 1;
                        self.observer.event(&RunEvent::Diagnostic(&diagnostic));
                    }
                }
                self.report();
            }
            Event::Ended(usages) => {
                self.working -= 1;
                merge(&mut self.summary.usages, usages);
            }
        }
    }

    fn report(&self) {
        let reading: u64 = self.reading.values().map(ByteCounter::get).sum();
        self.observer.event(&RunEvent::Progress {
            bytes: self.done + reading,
            records: self.summary.records,
        });
    }
}

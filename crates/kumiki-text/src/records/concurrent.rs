//! Calls that wait: many records at the same time in one instance.
//!
//! A trap or a limit ends all calls of an instance. The records that were being processed
//! are then processed again, each alone in a new instance, so that only those fail that
//! cause the failure: also those that waited for too long, because one that blocks may have
//! held back the others. `docs/decisions/0017-concurrent-calls.md` describes it.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use kumiki::wasmtime::component::{Accessor, ComponentNamedList, Lift, Lower};
use kumiki::wasmtime::{self, Error as WasmError};
use kumiki::{CallTimer, Error as HostError, Instance, Limit, StoreData};

use super::rows::{Row, Rows};
use super::texts::TextRange;
use crate::contract::{ProcessError, ProcessResult, TextBindings, TextContract};
use crate::{Allowance, Answers, CallMode, Error, Result, TextPlugin};

/// The function of the interface.
const FUNCTION: &str = "process-concurrent";

/// What the guest returns for a record.
pub(super) type GuestResult = std::result::Result<ProcessResult, ProcessError>;

/// How one record is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SingleCall {
    /// By `process`, with a synchronous call.
    Synchronous,
    /// By `process` of a plugin that imports asynchronous functions.
    Asynchronous,
    /// By `process-concurrent`, which may wait, as `process` may not.
    Concurrent,
}

impl SingleCall {
    pub(crate) fn of(instance: &Instance<TextContract>) -> Self {
        match instance.bindings().concurrent() {
            Some(_) => Self::Concurrent,
            None if instance.plugin().is_asynchronous() => Self::Asynchronous,
            None => Self::Synchronous,
        }
    }

    /// Returns the function that it calls.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Synchronous | Self::Asynchronous => "process",
            Self::Concurrent => FUNCTION,
        }
    }
}

/// Calls a function of the interface that every plugin exports, of a plugin that imports
/// asynchronous functions.
pub(crate) fn call<P, R>(
    instance: &mut Instance<TextContract>,
    function: &str,
    parameters: P,
) -> kumiki::Result<R>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
    R: Lift + Send + Sync + 'static,
    (R,): ComponentNamedList + Lift,
{
    instance.call_concurrent_blocking(function, async |bindings, accessor| {
        let _timer = CallTimer::start(accessor);
        let callable = bindings.function::<P, (R,)>(accessor, function)?;
        let (result,) = callable.call_concurrent(accessor, parameters).await?;
        until_idle(accessor).await;
        Ok(result)
    })
}

/// Waits until nothing that a call began goes on beside the next call.
async fn until_idle(accessor: &Accessor<StoreData>) {
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
}

impl TextPlugin {
    /// Sets how many records the plugin processes at the same time, at most, if its
    /// [`mode`](TextPlugin::mode) is [`CallMode::Concurrent`].
    /// Default: 16.
    ///
    /// Each HTTP request takes a descriptor, until its connection is closed: raise
    /// [`Limits::descriptors`](kumiki::Limits::descriptors) for many of them.
    ///
    /// If a call traps or exceeds a limit, all of these records are processed again, each
    /// alone; or first fewer at the same time, if they exceeded a limit together. Each has
    /// the time limit of a call for itself; fuel and memory are those of the instance.
    #[must_use]
    pub fn with_in_flight(mut self, records: usize) -> Self {
        self.in_flight = records.max(1);
        self.window = self.in_flight;
        self
    }

    /// Returns how many records the plugin processes at the same time, at most: 1 unless its
    /// [`mode`](TextPlugin::mode) is [`CallMode::Concurrent`].
    #[must_use]
    pub fn concurrent_calls(&self) -> usize {
        match self.mode() {
            CallMode::Concurrent => self.in_flight,
            _ => 1,
        }
    }

    /// Adds an answer for each of `inputs`, until the allowance is used up.
    pub(crate) fn answer_concurrently(
        &mut self,
        inputs: TextRange<'_>,
        answers: &mut Answers,
    ) -> ControlFlow<()> {
        let rows = Rows::new(inputs, self.allowed.part);
        // Without room for more, the answers so far are passed on.
        let _ = self.answer_rows(&rows);
        let all = rows.len();
        let answered = rows.push_answered(self, answers);
        self.is_enough(answers)?;
        match answered < all {
            true if self.is_circuit_open() => {
                self.answer_one_by_one(inputs.split_at(answered).1, answers)
            }
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Answers rows until there are enough answers.
    fn answer_rows(&mut self, rows: &Rows<'_>) -> ControlFlow<()> {
        while rows.are_left() && !self.is_circuit_open() {
            let Err(error) = self.ask_concurrently(rows) else {
                self.window = self.window.saturating_mul(2).min(self.in_flight);
                continue;
            };
            self.batching.cuts = self.batching.cuts.saturating_add(1);
            self.answer_again(rows, error)?;
        }
        // Those that were to be processed again when the circuit opened.
        for row in rows.unanswered() {
            self.answer_alone(rows, row)?;
        }
        ControlFlow::Continue(())
    }

    /// Answers the rows in flight after an error that ended all of them, the first ones
    /// first, until the allowance is used up.
    fn answer_again(&mut self, rows: &Rows<'_>, error: HostError) -> ControlFlow<()> {
        let in_flight = rows.in_flight();
        if is_shared(&error) {
            return self.answer_after_shared_limit(rows, &in_flight);
        }
        if let [row] = *in_flight
            && is_overdue(&error, rows.waited(row))
        {
            // It was alone already.
            let error = self.failed(error);
            self.count(Err(&error));
            rows.set(row, Row::Done(Err(error)));
            return ControlFlow::Continue(());
        }
        for group in in_flight.chunks(APART) {
            if self.is_circuit_open() {
                break;
            }
            let inputs: Vec<_> = group.iter().map(|row| rows.input(*row)).collect();
            let mut need_more = Vec::new();
            for (row, answer) in group.iter().zip(self.ask_apart(&inputs)) {
                match answer {
                    Some(answer) => rows.set(*row, Row::Done(answer)),
                    None => need_more.push(*row),
                }
            }
            for row in need_more {
                self.answer_alone(rows, row)?;
            }
            rows.are_enough()?;
        }
        ControlFlow::Continue(())
    }

    /// Answers the rows in flight after a limit that they may have reached together.
    fn answer_after_shared_limit(
        &mut self,
        rows: &Rows<'_>,
        in_flight: &[usize],
    ) -> ControlFlow<()> {
        if in_flight.len() > APART {
            // Fewer of them may fit into the limit.
            self.window = (in_flight.len() / 2).max(APART);
            rows.start_again(in_flight);
            return ControlFlow::Continue(());
        }
        for row in in_flight {
            self.answer_alone(rows, *row)?;
        }
        ControlFlow::Continue(())
    }

    /// Answers a row in an instance of its own. Breaks if there is no room for its answer
    /// now, or for another one.
    fn answer_alone(&mut self, rows: &Rows<'_>, row: usize) -> ControlFlow<()> {
        let answer = self.with_care(|plugin| plugin.ask_alone(rows.input(row)));
        if answer.as_ref().is_err_and(|error| self.is_deferred(error)) {
            return ControlFlow::Break(());
        }
        rows.set(row, Row::Done(answer));
        rows.are_enough()
    }

    /// Processes records again at the same time, each in an instance of its own: one of them
    /// may have ended or held back the others, and one by one they might wait as long again
    /// each. Together they get the room for one answer. A record has no answer if that is
    /// too little, or if all plugins together have no memory left for it.
    fn ask_apart(&mut self, inputs: &[&str]) -> Vec<Option<Result<ProcessResult>>> {
        let call = self.allowed.call.min(self.limits().transfer);
        let share = Allowance {
            call: (call / inputs.len().max(1)).max(MIN_TRANSFER),
            last: false,
            ..self.allowed
        };
        let answered = thread::scope(|scope| {
            let threads = inputs.iter().map(|input| {
                let mut plugin = self.sibling();
                plugin.allow(share);
                scope.spawn(move || {
                    let answer = plugin.with_care(|plugin| plugin.ask_asynchronously(input));
                    let needs_more = answer
                        .as_ref()
                        .is_err_and(|error| plugin.is_deferred(error) || is_budget(error));
                    (!needs_more).then(|| (answer, plugin.usage().cloned()))
                })
            });
            let threads: Vec<_> = threads.collect();
            let answered = threads.into_iter().map(|thread| {
                // Its panic ends this thread too.
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            });
            answered.collect::<Vec<_>>()
        });
        let answers = answered.into_iter().map(|answered| {
            let (answer, usage) = answered?;
            self.merge(&answer, usage.as_ref());
            Some(answer)
        });
        answers.collect()
    }

    /// Processes the rows that were not started yet. After an error, the rows that were
    /// started and not answered are in flight.
    fn ask_concurrently(&mut self, rows: &Rows<'_>) -> kumiki::Result<()> {
        let in_flight = self.window;
        let start = self.usage().map(|_| Instant::now());
        // All answers that arrive at the same time must fit into the allowance.
        let transfer = (self.allowed.call / in_flight).max(MIN_TRANSFER);
        let transfer = transfer.min(self.limits().transfer);
        let instance = match self.live() {
            Ok(instance) => instance,
            Err(error) => {
                // The next row has the error, and another instance is tried for the others.
                rows.start();
                return Err(error);
            }
        };
        instance.set_transfer(transfer);
        let called = instance.call_concurrent_blocking(FUNCTION, async |bindings, accessor| {
            ask_rows(bindings, accessor, rows, in_flight).await
        });
        if let Some(start) = start {
            self.measure_calls(start.elapsed(), rows.longest());
        }
        self.retire();
        self.allow(self.allowed);
        called
    }

    /// Processes one record, by an asynchronous call.
    #[inline(never)]
    pub(crate) fn ask_asynchronously(&mut self, input: &str) -> Result<ProcessResult> {
        match self.single {
            SingleCall::Concurrent => self.ask_by(|instance| {
                instance.call_concurrent_blocking(FUNCTION, async |bindings, accessor| {
                    let _timer = CallTimer::start(accessor);
                    let answer = ask_row(bindings, accessor, input).await?;
                    until_idle(accessor).await;
                    Ok(answer)
                })
            }),
            _ => self.ask_by(|instance| call(instance, "process", (input.to_owned(),))),
        }
    }

    /// Processes one record in an instance of its own.
    fn ask_alone(&mut self, input: &str) -> Result<ProcessResult> {
        self.restart();
        self.ask_asynchronously(input)
    }

    /// Processes one record by this call.
    fn ask_by(
        &mut self,
        call: impl FnOnce(&mut Instance<TextContract>) -> kumiki::Result<GuestResult>,
    ) -> Result<ProcessResult> {
        let start = self.usage().map(|_| Instant::now());
        let instance = match self.live() {
            Ok(instance) => instance,
            Err(error) => return Err(self.failed(error)),
        };
        let called = call(instance);
        if let Some(start) = start {
            self.measure_call(start.elapsed());
        }
        self.retire();
        match called {
            Err(error) => Err(self.call_failed(error)),
            Ok(Ok(result)) if result.metadata.len() <= self.max_metadata => Ok(result),
            Ok(Err(error)) => Err(self.plugin_error(error)),
            Ok(Ok(_)) => Err(self.too_much_metadata()),
        }
    }
}

/// The bytes that a call may always transfer.
const MIN_TRANSFER: usize = 64 << 10;

/// How many records are processed at the same time in instances of their own, and how many
/// of one instance at least before each is processed alone.
const APART: usize = 16;

/// Whether all calls of an instance together have reached a limit.
fn is_shared(error: &HostError) -> bool {
    let HostError::Limit { limit, .. } = error else {
        return false;
    };
    !matches!(limit, Limit::Time(_) | Limit::TotalTime(_) | Limit::Fuel(_))
}

/// Whether all plugins together had no memory left.
fn is_budget(error: &Error) -> bool {
    matches!(
        error,
        Error::Host(HostError::Limit {
            limit: Limit::TotalMemory(_),
            ..
        })
    )
}

/// Whether a call reached its time limit by waiting, and not because other calls of its
/// instance computed.
fn is_overdue(error: &HostError, waited: Duration) -> bool {
    match error {
        HostError::Limit {
            limit: Limit::Time(limit),
            ..
        } => waited >= *limit - *limit / 8,
        _ => false,
    }
}

/// Processes the rows that are left, `in_flight` at the same time.
async fn ask_rows(
    bindings: &TextBindings,
    accessor: &Accessor<StoreData>,
    rows: &Rows<'_>,
    in_flight: usize,
) -> wasmtime::Result<()> {
    let mut calls = FuturesUnordered::new();
    loop {
        while calls.len() < in_flight
            && let Some(row) = rows.start()
        {
            calls.push(async move {
                rows.set(row, Row::InFlight(CallTimer::start(accessor)));
                let answer = ask_row(bindings, accessor, rows.input(row)).await?;
                rows.answer(row, answer, accessor);
                Ok::<_, WasmError>(())
            });
        }
        match calls.next().await {
            Some(answered) => answered?,
            None => break,
        }
    }
    until_idle(accessor).await;
    Ok(())
}

async fn ask_row(
    bindings: &TextBindings,
    accessor: &Accessor<StoreData>,
    input: &str,
) -> wasmtime::Result<GuestResult> {
    let concurrent = bindings.concurrent();
    let concurrent = concurrent.ok_or_else(|| WasmError::msg("no `concurrent`"))?;
    concurrent
        .call_process_concurrent(accessor, input.to_owned())
        .await
}

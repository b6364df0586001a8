//! Runs an attack of a plugin in `transform`: once blocking and once in a task of tokio, both
//! with the same outcome, and then calls the plugin once more.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use kumiki::{Grants, Limits};
use kumiki_text::{Error, TextPlugin};
use test_components::AsyncPlugin;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::suite::attack::load;
use crate::suite::{Case, Outcome, SHORT, Seen, to_text};

/// The time without progress of a plugin that ends by itself.
const LONG: Duration = Duration::from_secs(5);
/// The number of bytes of an output that are kept.
const KEPT: usize = 64;

/// A reader or a writer that a row makes for each attack.
type Reader = Box<dyn Read + Send>;
type Writer = Box<dyn Write + Send>;

/// What a plugin attacks with, and what surrounds it.
pub(super) struct Attack {
    guest: AsyncPlugin,
    limits: Limits,
    input: fn() -> Reader,
    output: fn() -> Writer,
    /// The beginning of what is written.
    written: &'static str,
    kinds: &'static [Kind],
}

/// An attack of a plugin with this body of `transform`. Its input is `attack`.
pub(super) fn attack(body: &str) -> Attack {
    Attack::of(AsyncPlugin::streaming(body))
}

impl Attack {
    pub(super) fn of(guest: AsyncPlugin) -> Self {
        Self {
            guest,
            limits: Limits::default()
                .with_time(LONG)
                .with_memory(64 << 20)
                .with_transfer(16 << 20),
            input: || Box::new(&b"attack"[..]),
            output: || Box::new(io::sink()),
            written: "",
            kinds: &[Kind::Blocking, Kind::Task],
        }
    }

    /// Changes the plugin.
    pub(super) fn with(mut self, change: impl FnOnce(AsyncPlugin) -> AsyncPlugin) -> Self {
        self.guest = change(self.guest);
        self
    }

    pub(super) fn limits(mut self, change: impl FnOnce(Limits) -> Limits) -> Self {
        self.limits = change(self.limits);
        self
    }

    pub(super) fn input(mut self, input: fn() -> Reader) -> Self {
        self.input = input;
        self
    }

    pub(super) fn output(mut self, output: fn() -> Writer) -> Self {
        self.output = output;
        self
    }

    /// Expects an output that begins so, or none by default.
    pub(super) fn writes(mut self, written: &'static str) -> Self {
        self.written = written;
        self
    }

    /// Only attacks in a task of tokio, where a reader that returns
    /// [`WouldBlock`](ErrorKind::WouldBlock) is tried again.
    pub(super) fn in_a_task(mut self) -> Self {
        self.kinds = &[Kind::Task, Kind::Task];
        self
    }

    /// A row of a plugin that runs until its time limit.
    pub(super) fn endless(self, name: &'static str) -> Case {
        self.limits(|limits| limits.with_time(SHORT))
            .case(name, Outcome::Limit, "time of 200ms")
    }

    /// A row with this outcome.
    pub(super) fn case(self, name: &'static str, outcome: Outcome, message: &'static str) -> Case {
        Case::new(name, outcome, message, move || self.run()).within(96)
    }

    /// A row of a plugin whose call the host drops while it waits.
    pub(super) fn abandoned(self, name: &'static str) -> Case {
        Case::check(name, move || self.abandon()).within(96)
    }

    fn abandon(self) -> Result<(), String> {
        let bytes = self.guest.build();
        let plugin = load("hostile.wasm", &bytes, self.limits, Grants::default());
        let mut plugin = plugin.map_err(to_text)?;
        for _ in 0..3 {
            let call = plugin.transform_async(Blocking((self.input)()), Blocking((self.output)()));
            let ended = in_a_task(async { timeout(SHORT / 4, call).await });
            if let Ok(result) = ended {
                return Err(format!("it ended: {:?}", result.map(drop)));
            }
            match plugin.process("well") {
                Ok(result) if result.output == "well" => {}
                other => return Err(format!("the next call gave {other:?}")),
            }
        }
        Ok(())
    }

    fn run(self) -> Result<Seen, String> {
        let Self {
            guest,
            limits,
            input,
            output,
            written,
            kinds,
        } = self;
        let loaded = load("hostile.wasm", &guest.build(), limits, Grants::default());
        let mut plugin = match loaded {
            Ok(plugin) => plugin,
            Err(error) => return Ok(error.into()),
        };
        let mut first: Option<Seen> = None;
        for kind in kinds {
            let kept = Written::new(output());
            let seen = transform(&mut plugin, *kind, input(), kept.clone());
            if !kept.is(written) {
                return Err(format!("`{kept:?}` was written, and then {seen:?}"));
            }
            if let Some(first) = &first
                && (first.outcome != seen.outcome || first.message != seen.message)
            {
                return Err(format!("first {first:?}, then {seen:?}"));
            }
            first = Some(seen);
        }
        match plugin.process("well") {
            Ok(result) if result.output == "well" => first.ok_or_else(|| "no attack".to_owned()),
            other => Err(format!("the next call gave {other:?} after {first:?}")),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Blocking,
    Task,
}

fn transform(plugin: &mut TextPlugin, kind: Kind, input: Reader, output: Written) -> Seen {
    let result = match kind {
        Kind::Blocking => plugin.transform(input, output).map(drop),
        Kind::Task => {
            in_a_task(plugin.transform_async(Blocking(input), Blocking(output))).map(drop)
        }
    };
    match result {
        Ok(()) => Seen::answer(),
        Err(error) => with_cause(error),
    }
}

/// Awaits a future in a task of tokio.
pub(super) fn in_a_task<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

/// An error, with the reason why the text could not be read or written.
fn with_cause(error: Error) -> Seen {
    let cause = match &error {
        Error::Input { source, .. } | Error::Output { source, .. } => format!(": {source}"),
        _ => String::new(),
    };
    let mut seen = Seen::from(error);
    seen.message += &cause;
    seen
}

/// A writer, and the beginning of what is written to it.
#[derive(Clone)]
struct Written(Arc<Mutex<(Writer, Vec<u8>)>>);

impl Written {
    fn new(writer: Writer) -> Self {
        Self(Arc::new(Mutex::new((writer, Vec::new()))))
    }

    fn is(&self, expected: &str) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = String::from_utf8_lossy(&kept.1);
        match expected.strip_suffix('…') {
            Some(beginning) => written.starts_with(beginning),
            None => written == expected,
        }
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.write_str(&String::from_utf8_lossy(&kept.1))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, beginning) = &mut *kept;
        let written = writer.write(bytes)?;
        let room = KEPT - beginning.len();
        beginning.extend_from_slice(&bytes[..written.min(room)]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0.flush()
    }
}

/// A reader or writer in a task: it blocks, or is tried again after
/// [`WouldBlock`](ErrorKind::WouldBlock).
pub(super) struct Blocking<T>(pub(super) T);

/// Lets the task try again.
fn pending<T>(context: &Context<'_>) -> Poll<T> {
    context.waker().wake_by_ref();
    Poll::Pending
}

impl<R: Read + Unpin> AsyncRead for Blocking<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.0.read(buffer.initialize_unfilled()) {
            Ok(read) => buffer.advance(read),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return pending(context),
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: Write + Unpin> AsyncWrite for Blocking<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => pending(context),
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

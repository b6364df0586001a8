//! Text plugins with asynchronous functions: `streaming` and `concurrent`. Their code
//! calls the built-in functions of the Component Model itself, so that it can call them in
//! every wrong way.

use wit_parser::{PackageId, Resolve};

use crate::wasi_0_3;
use crate::{TEXT_PROCESSOR, TextPlugin};

/// The asynchronous interfaces, and one with streams of other types.
const WIT: &str = concat!(
    include_str!("../../../wit/text-processor/stream.wit"),
    include_str!("../../../wit/text-processor/concurrent.wit"),
    "interface other { other: async func(input: stream<u16>) -> stream<string>; }",
);

/// The interface of the contract that a plugin exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interface {
    Streaming,
    Concurrent,
}

/// Builder of a plugin with an asynchronous function, whose other functions are those of
/// [`TextPlugin`]'s `echo`.
///
/// Bodies are WebAssembly text, and may use the built-in functions under the labels of
/// [`AsyncPlugin::builtins`]. Bytes 256 to 4095 and 65536 to 131071 of the memory are
/// theirs.
pub struct AsyncPlugin {
    plugin: TextPlugin,
    interface: Interface,
    body: String,
    callback: String,
    has_clock: bool,
    has_other: bool,
    /// The type of the elements of streams.
    element: &'static str,
}

impl AsyncPlugin {
    /// Creates a plugin that exports `streaming`. The body of `transform` gets `$input`,
    /// the readable end, and leaves a callback code, such as 0 for `exit`. It may call:
    ///
    /// - `$begin`, which creates the output and the outcome in the globals `$output` and
    ///   `$outcome` (the ends that it writes), and returns their other ends to the host;
    /// - `$end`, which ends both and reports success;
    /// - `$read-some` and `$write-some` (handle, address, length), which wait until some bytes
    ///   are read or written, and return the code;
    /// - `$settle` (handle, code), which waits for an operation that is blocked and returns
    ///   its code.
    #[must_use]
    pub fn streaming(body: &str) -> Self {
        Self::new(Interface::Streaming, body)
    }

    /// Creates a plugin that exports `concurrent`. The body of `process-concurrent` gets
    /// `$at` and `$length`, and leaves a callback code. It may call `$answer` (address,
    /// length), which returns this text.
    #[must_use]
    pub fn concurrent(body: &str) -> Self {
        Self::new(Interface::Concurrent, body)
    }

    fn new(interface: Interface, body: &str) -> Self {
        Self {
            plugin: TextPlugin::new("hostile"),
            interface,
            body: body.to_owned(),
            callback: "unreachable".to_owned(),
            has_clock: false,
            has_other: false,
            element: "u8",
        }
    }

    /// Replaces the body of the callback, which gets `$event`, `$handle` and `$code`. By
    /// default it traps.
    #[must_use]
    pub fn callback(mut self, body: &str) -> Self {
        self.callback = body.to_owned();
        self
    }

    /// Imports `wait-for` of WASI 0.3 twice: `$wait-for` returns a subtask, and
    /// `$wait-for-sync` waits.
    #[must_use]
    pub fn clock(mut self) -> Self {
        self.has_clock = true;
        self
    }

    /// Exports another function too, for streams of other types: `$other-new` creates a
    /// `stream<u16>`, and `$strings-new` a `stream<string>`.
    #[must_use]
    pub fn other(mut self) -> Self {
        self.has_other = true;
        self
    }

    /// Changes the type of the elements of all streams, which is `u8` in the contract.
    #[must_use]
    pub fn streams_of(mut self, element: &'static str) -> Self {
        self.element = element;
        self
    }

    /// Changes the name of the plugin, which is `hostile` otherwise.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.plugin.name);
        self
    }

    /// Changes the other parts of the plugin.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(TextPlugin) -> TextPlugin) -> Self {
        self.plugin = change(self.plugin);
        self
    }

    /// Returns the built-in functions that a plugin with `streaming` may call, by label,
    /// with the numbers of their parameters and results. All are numbers of 32 bits.
    pub fn builtins() -> impl Iterator<Item = (&'static str, u32, u32)> {
        let all = BUILTINS.into_iter().chain(TRANSMIT);
        all.map(|(label, _, parameters, results)| (label, parameters, results))
    }

    /// Builds the component.
    ///
    /// # Panics
    /// If the text is invalid: the test is faulty.
    #[must_use]
    pub fn build(self) -> Vec<u8> {
        let (imports, items, resolved) = (self.imports(), self.items(), self.resolve());
        let plugin = self.plugin.import(&imports).items(&items);
        let module = crate::module_with_allocator(&plugin.core(), &plugin.allocator);
        let (resolve, package) = resolved;
        crate::encode(crate::embed(&resolve, package, "async-plugin", module))
    }

    /// Parses the contract, the interface, and what else is needed.
    fn resolve(&self) -> (Resolve, PackageId) {
        let mut resolve = wasi_0_3::packages();
        let interface = match self.interface {
            Interface::Streaming => "streaming",
            Interface::Concurrent => "concurrent",
        };
        let clock = match self.has_clock {
            true => "import wasi:clocks/monotonic-clock@0.3.0;",
            false => "",
        };
        let other = match self.has_other {
            true => "export other;",
            false => "",
        };
        let interfaces = WIT.replace("stream<u8>", &format!("stream<{}>", self.element));
        let wit = format!(
            "{TEXT_PROCESSOR} {interfaces}
            world async-plugin {{ include text-plugin; export {interface}; {clock} {other} }}"
        );
        let package = resolve
            .push_source("test.wit", &wit)
            .expect("the test's WIT parses");
        (resolve, package)
    }

    fn imports(&self) -> String {
        let mut imports = String::new();
        for (label, name, parameters, results) in BUILTINS {
            imports += &import("$root", name, label, parameters, results);
        }
        let interface = match self.interface {
            Interface::Streaming => {
                for (label, name, parameters, results) in TRANSMIT {
                    imports += &import(STREAMING, name, label, parameters, results);
                }
                for (label, name) in [("stream-new", STREAM_NEW), ("future-new", FUTURE_NEW)] {
                    imports += &pair(STREAMING, name, label);
                }
                import(STREAMING, "[task-return]transform", "task-return", 2, 0)
            }
            Interface::Concurrent => {
                let name = "[task-return]process-concurrent";
                import(CONCURRENT, name, "task-return", 5, 0)
            }
        };
        imports += &interface;
        if self.has_other {
            imports += &pair(OTHER, "[stream-new-0]other", "other-new");
            imports += &pair(OTHER, "[stream-new-1]other", "strings-new");
        }
        if self.has_clock {
            imports += CLOCK;
        }
        imports
    }

    fn items(&self) -> String {
        let Self { body, callback, .. } = self;
        let (name, parameters, helpers) = match self.interface {
            Interface::Streaming => (
                "myapp:text-processor/streaming#transform",
                "(param $input i32)",
                STREAMING_HELPERS,
            ),
            Interface::Concurrent => (
                "myapp:text-processor/concurrent#process-concurrent",
                "(param $at i32) (param $length i32)",
                CONCURRENT_HELPERS,
            ),
        };
        let other = match self.has_other {
            true => OTHER_EXPORT,
            false => "",
        };
        format!(
            r#"
            {SETTLE} {helpers} {other}
            (func (export "[async-lift]{name}") {parameters} (result i32) {body})
            (func (export "[callback][async-lift]{name}")
                (param $event i32) (param $handle i32) (param $code i32) (result i32)
                {callback})
            "#
        )
    }
}

const STREAMING: &str = "[export]myapp:text-processor/streaming";
const CONCURRENT: &str = "[export]myapp:text-processor/concurrent";
const OTHER: &str = "[export]myapp:text-processor/other";
const STREAM_NEW: &str = "[stream-new-1]transform";
const FUTURE_NEW: &str = "[future-new-2]transform";

/// Built-in functions of any plugin. `$task-cancel` is one of an exported function.
const BUILTINS: [(&str, &str, u32, u32); 12] = [
    ("set-new", "[waitable-set-new]", 0, 1),
    ("wait", "[waitable-set-wait]", 2, 1),
    ("poll", "[waitable-set-poll]", 2, 1),
    ("set-drop", "[waitable-set-drop]", 1, 0),
    ("join", "[waitable-join]", 2, 0),
    ("subtask-drop", "[subtask-drop]", 1, 0),
    ("subtask-cancel", "[subtask-cancel]", 1, 1),
    ("backpressure-inc", "[backpressure-inc]", 0, 0),
    ("backpressure-dec", "[backpressure-dec]", 0, 0),
    ("yield", "[thread-yield]", 0, 1),
    ("context-get", "[context-get-0]", 0, 1),
    ("context-set", "[context-set-0]", 1, 0),
];

/// Built-in functions of the streams and the future of `transform`.
const TRANSMIT: [(&str, &str, u32, u32); 13] = [
    ("task-cancel", "[task-cancel]", 0, 0),
    ("read", "[async-lower][stream-read-0]transform", 3, 1),
    ("write", "[async-lower][stream-write-1]transform", 3, 1),
    ("cancel-read", "[stream-cancel-read-0]transform", 1, 1),
    ("cancel-write", "[stream-cancel-write-1]transform", 1, 1),
    ("drop-readable", "[stream-drop-readable-0]transform", 1, 0),
    ("drop-writable", "[stream-drop-writable-1]transform", 1, 0),
    ("future-read", "[async-lower][future-read-2]transform", 2, 1),
    (
        "future-write",
        "[async-lower][future-write-2]transform",
        2,
        1,
    ),
    (
        "future-cancel-read",
        "[future-cancel-read-2]transform",
        1,
        1,
    ),
    (
        "future-cancel-write",
        "[future-cancel-write-2]transform",
        1,
        1,
    ),
    (
        "future-drop-readable",
        "[future-drop-readable-2]transform",
        1,
        0,
    ),
    (
        "future-drop-writable",
        "[future-drop-writable-2]transform",
        1,
        0,
    ),
];

const CLOCK: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for"
        (func $wait-for (param i64) (result i32)))
    (import "wasi:clocks/monotonic-clock@0.3.0" "wait-for"
        (func $wait-for-sync (param i64)))
"#;

/// The code of an operation that is blocked is -1. An event has its handle and its code.
const SETTLE: &str = "
    (func $settle (param $handle i32) (param $code i32) (result i32)
        (local $set i32)
        (if (i32.ne (local.get $code) (i32.const -1)) (then (return (local.get $code))))
        (local.set $set (call $set-new))
        (call $join (local.get $handle) (local.get $set))
        (drop (call $wait (local.get $set) (i32.const 240)))
        (call $join (local.get $handle) (i32.const 0))
        (call $set-drop (local.get $set))
        (i32.load (i32.const 244)))
";

const STREAMING_HELPERS: &str = "
    (func $read-some (param $handle i32) (param $at i32) (param $length i32) (result i32)
        (call $settle (local.get $handle)
            (call $read (local.get $handle) (local.get $at) (local.get $length))))
    (func $write-some (param $handle i32) (param $at i32) (param $length i32) (result i32)
        (call $settle (local.get $handle)
            (call $write (local.get $handle) (local.get $at) (local.get $length))))
    (global $output (mut i32) (i32.const 0))
    (global $outcome (mut i32) (i32.const 0))
    (func $begin (local $stream i64) (local $future i64)
        (local.set $stream (call $stream-new))
        (local.set $future (call $future-new))
        (global.set $output (call $writable (local.get $stream)))
        (global.set $outcome (call $writable (local.get $future)))
        (call $task-return
            (call $readable (local.get $stream)) (call $readable (local.get $future))))
    (func $readable (param $pair i64) (result i32) (i32.wrap_i64 (local.get $pair)))
    (func $writable (param $pair i64) (result i32)
        (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))
    (func $end
        (call $drop-writable (global.get $output))
        (call $report))
    (func $report
        (i32.store16 (i32.const 248) (i32.const 0))
        (drop (call $settle (global.get $outcome)
            (call $future-write (global.get $outcome) (i32.const 248))))
        (call $future-drop-writable (global.get $outcome)))
";

const CONCURRENT_HELPERS: &str = "
    (func $answer (param $at i32) (param $length i32)
        (call $task-return (i32.const 0) (local.get $at) (local.get $length)
            (i32.const 0) (i32.const 0)))
";

const OTHER_EXPORT: &str = r#"
    (func (export "[async-lift]myapp:text-processor/other#other") (param i32) (result i32)
        unreachable)
    (func (export "[callback][async-lift]myapp:text-processor/other#other")
        (param i32 i32 i32) (result i32) unreachable)
"#;

/// An import with parameters and results of 32 bits.
fn import(module: &str, name: &str, label: &str, parameters: u32, results: u32) -> String {
    let types = |word: &str, count: u32| match count {
        0 => String::new(),
        count => format!(" ({word}{})", " i32".repeat(count as usize)),
    };
    let (parameters, results) = (types("param", parameters), types("result", results));
    format!("(import \"{module}\" \"{name}\" (func ${label}{parameters}{results}))\n")
}

/// An import that creates both ends of a stream or future.
fn pair(module: &str, name: &str, label: &str) -> String {
    format!("(import \"{module}\" \"{name}\" (func ${label} (result i64)))\n")
}

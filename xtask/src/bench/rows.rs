//! The rows of the table, their contenders and goals.

use kumiki_turns::Work;

use super::{Benchmark, How};

/// A row of the table.
pub(super) struct Row {
    pub(super) title: String,
    /// The row in the protocol of `benches/turns`.
    pub(super) kind: &'static str,
    pub(super) work: Work,
    pub(super) size: usize,
    pub(super) count: usize,
    pub(super) contenders: Vec<&'static str>,
    pub(super) goals: Vec<Goal>,
}

/// A performance goal. A missed goal is only reported.
pub(super) struct Goal {
    pub(super) text: &'static str,
    pub(super) value: Value,
    pub(super) bound: Bound,
}

/// The value that a goal applies to.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// How much longer the first contender takes than the second.
    Ratio(&'static str, &'static str),
    /// Nanoseconds per item of a contender.
    Time(&'static str),
    /// Another measurement of a contender.
    Fact(&'static str, &'static str),
}

#[derive(Clone, Copy)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub(super) fn is_met(self, number: f64) -> bool {
        match self {
            Self::AtMost(most) => number <= most,
            Self::AtLeast(least) => number >= least,
        }
    }
}

const fn goal(text: &'static str, value: Value, bound: Bound) -> Goal {
    Goal { text, value, bound }
}

/// All contenders that can be called.
const CALLED: &[&str] = &[
    "kumiki",
    "by-hand",
    "by-hand-default",
    "extism",
    "dylib",
    "in-process",
    "pipe",
    "quickjs",
    "lua",
];

/// All contenders that can load a compiled plugin.
const LOADED: &[&str] = &["kumiki", "by-hand", "by-hand-default", "extism", "dylib"];

/// Returns the rows of a part of the table, except those of whole processes.
pub(super) fn of(part: Benchmark, how: How) -> Vec<Row> {
    match part {
        Benchmark::Calls => calls(),
        Benchmark::Many => many(),
        Benchmark::Fresh => fresh(),
        Benchmark::First => first(),
        Benchmark::Load => load(if how.quick { 100 } else { 1000 }),
        Benchmark::Live => live(),
        Benchmark::Tax => tax(),
        Benchmark::Async => asynchronous(),
        Benchmark::Streams => streams(),
        Benchmark::Guests => guests(),
        Benchmark::Files | Benchmark::Languages => Vec::new(),
    }
}

/// Creates a row for all contenders that can be called.
pub(super) fn row(title: impl Into<String>, kind: &'static str, work: Work, size: usize) -> Row {
    Row {
        title: title.into(),
        kind,
        work,
        size,
        count: 1,
        contenders: CALLED.to_vec(),
        goals: Vec::new(),
    }
}

fn calls() -> Vec<Row> {
    use Bound::{AtLeast, AtMost};
    use Value::Ratio;
    let mut rows = Vec::new();
    for size in [0, 21, 256, 4096, 65536] {
        let mut echo = row(format!("echo, {size} bytes"), "call", Work::Echo, size);
        if size == 21 {
            let text = "at most 1.05 times by hand";
            echo.goals = vec![goal(text, Ratio("kumiki", "by-hand"), AtMost(1.05))];
        }
        if size == 65536 {
            echo.contenders.insert(1, "memcpy");
            let text = "at most twice what two copies cost";
            echo.goals = vec![goal(text, Ratio("kumiki", "memcpy"), AtMost(2.0))];
        }
        rows.push(echo);
    }
    for size in [21, 256, 4096, 65536] {
        let title = format!("upper-case with a log and two entries, {size} bytes");
        let mut upper = row(title, "call", Work::Upper, size);
        if size == 21 {
            upper.goals = vec![
                goal(
                    "at most 1.05 times by hand",
                    Ratio("kumiki", "by-hand"),
                    AtMost(1.05),
                ),
                goal(
                    "6.5 times as fast as Extism",
                    Ratio("extism", "kumiki"),
                    AtLeast(6.5),
                ),
            ];
        }
        rows.push(upper);
    }
    rows
}

fn many() -> Vec<Row> {
    use Bound::AtLeast;
    use Value::Ratio;
    let many = |count| {
        let title = format!("upper-case, {count} records per call");
        let mut row = row(title, "many", Work::Bare, 100);
        row.count = count;
        row.contenders = vec![
            "kumiki",
            "kumiki-batch",
            "kumiki-single",
            "by-hand-column",
            "by-hand-batch",
            "extism",
            "dylib",
            "in-process",
            "pipe",
        ];
        if count == 1024 {
            row.goals = vec![
                goal(
                    "column 5 times as fast as single",
                    Ratio("kumiki-single", "kumiki"),
                    AtLeast(5.0),
                ),
                goal(
                    "column twice as fast as batch",
                    Ratio("kumiki-batch", "kumiki"),
                    AtLeast(2.0),
                ),
            ];
        }
        row
    };
    [1, 64, 1024, 10_000].map(many).into()
}

fn fresh() -> Vec<Row> {
    use Bound::{AtLeast, AtMost};
    use Value::Ratio;
    let fresh = |threads| {
        let plural = if threads == 1 { "" } else { "s" };
        let title = format!("upper-case, 21 bytes, {threads} thread{plural}");
        let mut row = row(title, "fresh", Work::Upper, 21);
        row.count = threads;
        // Native code in the process has no instances.
        let natives = ["dylib", "in-process"];
        row.contenders.retain(|name| !natives.contains(name));
        row.goals = vec![
            goal(
                "at most 1.1 times by hand, pooled",
                Ratio("kumiki", "by-hand"),
                AtMost(1.1),
            ),
            goal(
                "12 times as fast as Extism",
                Ratio("extism", "kumiki"),
                AtLeast(12.0),
            ),
        ];
        row
    };
    [1, 2].map(fresh).into()
}

fn first() -> Vec<Row> {
    use Bound::AtMost;
    use Value::{Ratio, Time};
    let mut cached = row("upper-case, with a compile cache", "first", Work::Upper, 21);
    cached.contenders = LOADED.to_vec();
    cached.goals = vec![
        goal("at most 0.5 ms", Time("kumiki"), AtMost(500_000.0)),
        goal(
            "at most 1.1 times by hand",
            Ratio("kumiki", "by-hand"),
            AtMost(1.1),
        ),
    ];
    let mut cold = row(
        "upper-case, without a compile cache",
        "cold",
        Work::Upper,
        21,
    );
    cold.contenders = vec!["kumiki", "by-hand", "by-hand-default", "extism"];
    let mut python = row(
        "the plugin in Python, with a compile cache",
        "first",
        Work::Title,
        21,
    );
    python.contenders = vec!["kumiki", "by-hand"];
    let mut pipe = row("a process over pipes", "first", Work::Upper, 21);
    pipe.contenders = vec!["pipe"];
    let mut cpython = row("CPython over pipes", "first", Work::Title, 21);
    cpython.contenders = vec!["python"];
    vec![cached, cold, python, pipe, cpython]
}

fn load(count: usize) -> Vec<Row> {
    let title = format!("upper-case, one of {count} plugins");
    let mut row = row(title, "load", Work::Upper, 21);
    row.count = count;
    row.contenders = LOADED.to_vec();
    vec![row]
}

fn live() -> Vec<Row> {
    use Bound::AtMost;
    use Value::Fact;
    let mut row = row(
        "10,000 live instances of upper-case, one call",
        "live",
        Work::Upper,
        21,
    );
    row.count = 10_000;
    row.contenders = vec!["kumiki", "by-hand"];
    row.goals = vec![
        goal("none refused", Fact("kumiki", "refused"), AtMost(0.0)),
        goal(
            "at most 20 KiB each",
            Fact("kumiki", "bytes"),
            AtMost(20.0 * 1024.0),
        ),
    ];
    vec![row]
}

fn tax() -> Vec<Row> {
    let taxed = |(title, work, size)| {
        let mut row = row(title, "call", work, size);
        row.contenders = vec![
            "by-hand-unlimited",
            "by-hand",
            "by-hand-fuel",
            "kumiki",
            "kumiki-fuel",
        ];
        row
    };
    let rows = [
        ("upper-case, 21 bytes", Work::Upper, 21),
        ("upper-case, 64 KiB", Work::Upper, 65536),
        ("reverse in C, 64 KiB", Work::Reverse, 65536),
        ("word count in JavaScript, 4 KiB", Work::Words, 4096),
    ];
    rows.map(taxed).into()
}

/// Calls through a contract that `kumiki::contract!` defines, beside those of the text
/// contract's own crate.
fn asynchronous() -> Vec<Row> {
    let rows = [
        ("echo, 21 bytes", Work::Echo, 21),
        (
            "upper-case with a log and two entries, 21 bytes",
            Work::Upper,
            21,
        ),
        (
            "upper-case with a log and two entries, 4096 bytes",
            Work::Upper,
            4096,
        ),
        ("word count in JavaScript, 4096 bytes", Work::Words, 4096),
    ];
    let called = |(title, work, size)| {
        let mut row = row(title, "call", work, size);
        row.contenders = vec!["kumiki", "kumiki-contract", "kumiki-async", "by-hand"];
        row
    };
    rows.map(called).into()
}

/// Whole texts of 16 MiB, in pieces of at most 64 KiB; `kumiki-single` passes the text in
/// one call. Then calls that await the host once.
fn streams() -> Vec<Row> {
    use Bound::AtMost;
    use Value::Ratio;
    const SIZE: usize = 16 << 20;
    let mut pass = row("pass through, 16 MiB", "stream", Work::Echo, SIZE);
    pass.contenders = vec!["kumiki", "in-process"];
    let mut upper = row("upper-case, 16 MiB", "stream", Work::Bare, SIZE);
    upper.contenders = vec!["kumiki", "kumiki-single", "in-process"];
    upper.goals = vec![
        goal(
            "at most 1.11 times one call",
            Ratio("kumiki", "kumiki-single"),
            AtMost(1.11),
        ),
        goal(
            "at most twice a native filter",
            Ratio("kumiki", "in-process"),
            AtMost(2.0),
        ),
    ];
    let mut wait = row("a call that awaits, 21 bytes", "wait", Work::Bare, 21);
    wait.contenders = vec!["kumiki", "by-hand"];
    wait.goals = vec![goal(
        "at most 1.15 times by hand",
        Ratio("kumiki", "by-hand"),
        AtMost(1.15),
    )];
    vec![pass, upper, wait]
}

fn guests() -> Vec<Row> {
    let guests = [
        ("Rust, upper-case", Work::Upper, None),
        ("C, reverse", Work::Reverse, None),
        ("JavaScript, word count", Work::Words, Some("quickjs")),
        ("Python, title case", Work::Title, Some("python")),
        ("Go, slug", Work::Slug, None),
    ];
    let guest = |size, (language, work, own): (_, _, Option<&'static str>)| {
        let mut row = row(format!("{language}, {size} bytes"), "call", work, size);
        row.contenders = vec!["kumiki", "by-hand"];
        row.contenders.extend(own);
        row.contenders.push("in-process");
        row
    };
    let sizes = [21, 4096].into_iter();
    sizes
        .flat_map(|size| guests.map(|it| guest(size, it)))
        .collect()
}

//! Concurrent calls: many records at the same time in one instance of a real guest.

#[path = "concurrent/host_functions.rs"]
mod host_functions;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kumiki::{Cache, Event, Limit, Limits, Observer, RecyclePolicy};
use kumiki_text::{CallMode, Config, Error, TextHost, TextPlugin, Texts, conformance};
use libtest_mimic::{Arguments, Failed, Trial};
use test_components::guests::{Guest, artifacts};

type Case = fn(&Stage) -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let cases: [(&str, Case); 20] = [
        ("processes records at the same time", together),
        ("answers in the order of the records", in_order),
        ("processes a single record", single),
        ("processes as many records at once as allowed", window),
        ("gives each record its own instance if asked to", fresh),
        ("returns its errors beside answers", errors),
        ("a trap costs only its record", traps),
        ("a time limit costs only its record", time),
        ("waiting is limited for each record", waits),
        ("a memory limit costs only its record", memory),
        ("a record that nothing wakes costs only itself", never),
        ("a large answer is not lost", large),
        ("fewer records at once fit into a limit", fewer),
        (
            "of many that reach a limit together, those fail that reach it alone",
            greedy,
        ),
        ("the circuit opens when all records trap", circuit),
        ("passes the conformance checks", conforms),
        ("kumiki run takes the number of records", program),
        (
            "records after a trap fit into the total memory one by one",
            total_memory,
        ),
        (
            "large results of two plugins do not fail together",
            large_results,
        ),
        ("kumiki call awaits its functions", call),
    ];
    let trials = cases
        .into_iter()
        .map(|(name, case)| trial("wait-rust", name, move |path| case(&Stage::new(path)?)));
    let host_functions = host_functions::CASES.into_iter();
    let host_functions = host_functions.map(|(name, case)| trial("enrich-rust", name, case));
    let languages = host_functions::LANGUAGES.into_iter();
    let languages = languages.map(|(guest, name, case)| trial(guest, name, case));
    let trials = trials.chain(host_functions).chain(languages);
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// A test with a guest.
fn trial(
    guest: &'static str,
    name: &str,
    case: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = format!("{guest} {name}");
    let guest = Guest::find(guest);
    let (ignored, label) = (guest.is_ignored(), guest.label());
    Trial::test(name, move || case(guest.path()?))
        .with_ignored_flag(ignored)
        .with_kind(label)
}

/// A host with a guest.
struct Stage {
    host: TextHost,
    path: PathBuf,
    /// How many instances have ended.
    ended: Arc<AtomicUsize>,
}

/// Counts the instances that end.
struct Ended(Arc<AtomicUsize>);

impl Observer for Ended {
    fn event(&self, event: &Event<'_>) {
        if let Event::InstanceEnded { .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Stage {
    fn new(path: &Path) -> Result<Self, Failed> {
        let limits = Limits::default()
            .with_time(Duration::from_millis(500))
            .with_memory(64 << 20);
        let ended = Arc::default();
        let host = TextHost::builder()
            .limits(limits)
            .cache(Cache::open(artifacts())?)
            .observer(Ended(Arc::clone(&ended)));
        Ok(Self {
            host: host.build()?,
            path: path.to_owned(),
            ended,
        })
    }

    fn plugin(&self) -> Result<TextPlugin, Failed> {
        let plugin = TextPlugin::load(&self.host, &self.path, Config::default())?;
        match plugin.mode() {
            CallMode::Concurrent => Ok(plugin),
            mode => Err(format!("its mode is {mode}").into()),
        }
    }

    /// Processes records at once. Returns the output or the error of each.
    fn process(&self, records: &[&str]) -> Result<Vec<String>, Failed> {
        Ok(outcomes(&mut self.plugin()?, records))
    }
}

fn outcomes(plugin: &mut TextPlugin, records: &[&str]) -> Vec<String> {
    let answers = plugin.process_all(&Texts::from_iter(records.iter().copied()));
    let outcome = |answer: Result<kumiki_text::Answer<'_>, &Arc<Error>>| match answer {
        Ok(answer) => answer.output.chars().take(100).collect(),
        Err(error) => kind(error),
    };
    answers.iter().map(outcome).collect()
}

fn kind(error: &Error) -> String {
    match error {
        Error::Host(kumiki::Error::Limit { limit, .. }) => match limit {
            Limit::Time(_) => "time".to_owned(),
            Limit::Memory(_) => "memory".to_owned(),
            other => format!("{other}"),
        },
        Error::Host(kumiki::Error::Trap { .. }) => "trap".to_owned(),
        Error::CircuitOpen { .. } => "circuit".to_owned(),
        other => other.to_string(),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(seen: T, expected: T) -> Result<(), Failed> {
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{seen:?} instead of {expected:?}").into()),
    }
}

fn together(stage: &Stage) -> Result<(), Failed> {
    let seen = stage.process(&["wait 50", "wait 50", "wait 50", "together 60"])?;
    equal(seen[3].as_str(), "4")
}

fn in_order(stage: &Stage) -> Result<(), Failed> {
    let records = ["wait 30", "wait 1", "wait 20", "wait 0", "wait 10"];
    let expected: Vec<_> = records.iter().map(|it| it.to_uppercase()).collect();
    equal(stage.process(&records)?, expected)
}

fn single(stage: &Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin()?;
    equal(plugin.process("wait 1")?.output.as_str(), "WAIT 1")?;
    equal(outcomes(&mut plugin, &["wait 2"]), vec!["WAIT 2".into()])
}

fn window(stage: &Stage) -> Result<(), Failed> {
    for (in_flight, expected) in [(0, "1"), (1, "1"), (3, "3"), (16, "16"), (100, "41")] {
        let mut plugin = stage.plugin()?.with_in_flight(in_flight);
        let mut records = vec!["wait 2"; 40];
        records.push("together 1");
        let seen = outcomes(&mut plugin, &records);
        equal(seen[40].as_str(), expected)?;
    }
    Ok(())
}

fn fresh(stage: &Stage) -> Result<(), Failed> {
    let plugin = stage.plugin()?;
    let mut plugin = plugin.with_recycling(RecyclePolicy::fresh());
    let seen = outcomes(&mut plugin, &["wait 1", "together 1", "together 1"]);
    equal(seen, vec!["WAIT 1".into(), "1".into(), "1".into()])
}

fn errors(stage: &Stage) -> Result<(), Failed> {
    let seen = stage.process(&["wait 1", "invalid 2", "wait 3"])?;
    let error = "`wait-rust` returned an error: invalid-input";
    equal(seen, vec!["WAIT 1".into(), error.into(), "WAIT 3".into()])
}

/// Checks that one record among others fails alone, wherever it is.
fn fails_alone(stage: &Stage, record: &'static str, expected: &str) -> Result<(), Failed> {
    for place in 0..4 {
        let mut records = vec!["wait 1", "wait 20", "wait 40"];
        let mut outcomes: Vec<_> = records.iter().map(|it| it.to_uppercase()).collect();
        records.insert(place, record);
        outcomes.insert(place, expected.to_owned());
        equal(stage.process(&records)?, outcomes)?;
    }
    Ok(())
}

fn traps(stage: &Stage) -> Result<(), Failed> {
    fails_alone(stage, "trap 10", "trap")
}

fn time(stage: &Stage) -> Result<(), Failed> {
    fails_alone(stage, "spin 5000", "time")
}

/// The records that wait for too long are processed again, at the same time, each in an
/// instance of its own: one of them may have held back the others.
fn waits(stage: &Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin()?.with_in_flight(2);
    let seen = outcomes(&mut plugin, &["wait 90000", "wait 90000", "wait 1"]);
    equal(seen, vec!["time".into(), "time".into(), "WAIT 1".into()])?;
    equal(stage.ended.load(Ordering::Relaxed), 3)
}

fn memory(stage: &Stage) -> Result<(), Failed> {
    fails_alone(stage, "grow 10", "memory")
}

fn never(stage: &Stage) -> Result<(), Failed> {
    fails_alone(stage, "never", "trap")
}

fn large(stage: &Stage) -> Result<(), Failed> {
    let seen = stage.process(&["large 1", "wait 1", "large 1", "large 1"])?;
    let large = "X".repeat(100);
    let expected = [large.as_str(), "WAIT 1", &large, &large];
    equal(seen, expected.map(str::to_owned).to_vec())
}

/// The memory limit has room for fewer than 64 records that hold a megabyte each.
fn fewer(stage: &Stage) -> Result<(), Failed> {
    let mut plugin = stage.plugin()?.with_in_flight(100);
    let seen = outcomes(&mut plugin, &["hold 20"; 300]);
    equal(seen, vec!["HOLD 20".to_owned(); 300])?;
    equal(stage.ended.load(Ordering::Relaxed), 1)
}

/// Whatever the number of calls, records that reach the limit alone fail alone.
fn greedy(stage: &Stage) -> Result<(), Failed> {
    for in_flight in [15, 16, 17, 24, 33, 100, 1000] {
        let mut plugin = stage.plugin()?.with_in_flight(in_flight);
        let mut records = vec!["hold 1"; 100];
        let mut expected = vec!["HOLD 1".to_owned(); 100];
        for place in [3, 20, 99] {
            records[place] = "grow 1";
            expected[place] = "memory".to_owned();
        }
        equal(outcomes(&mut plugin, &records), expected)?;
    }
    Ok(())
}

fn circuit(stage: &Stage) -> Result<(), Failed> {
    let seen = stage.process(&["trap 1"; 60])?;
    equal(seen[0].as_str(), "trap")?;
    equal(seen[59].as_str(), "circuit")
}

fn conforms(stage: &Stage) -> Result<(), Failed> {
    let plugin = stage.host.load(&stage.path)?;
    let mut findings = Vec::new();
    conformance::check(&plugin, |finding| findings.push(finding));
    let failed: Vec<_> = findings.iter().filter(|it| it.outcome.is_err()).collect();
    match failed.is_empty() && findings.len() == conformance::count(&plugin) {
        true => Ok(()),
        false => Err(format!("{failed:?} of {}", findings.len()).into()),
    }
}

fn program(stage: &Stage) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("in.txt");
    std::fs::write(&input, "wait 5\n".repeat(30) + "together 6\n")?;
    let cases = [
        ("1", "1", None),
        ("7", "7", None),
        ("7", "7", Some("--report")),
    ];
    for (in_flight, together, report) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_kumiki"))
            .env("KUMIKI_CACHE", artifacts())
            .args(["run", "--jobs", "1", "-o", "raw", "--in-flight", in_flight])
            .args(report)
            .arg("-p")
            .arg(&stage.path)
            .arg(&input)
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        equal(text.lines().count(), 31)?;
        equal(text.lines().last(), Some(together))?;
    }
    Ok(())
}

/// Runs the program with records and arguments; checks its exit code and counts the lines
/// of its output.
fn lines(stage: &Stage, records: &[&str], arguments: &[&str], code: i32) -> Result<usize, Failed> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("in.txt");
    std::fs::write(&input, records.join("\n"))?;
    let output = Command::new(env!("CARGO_BIN_EXE_kumiki"))
        .env("KUMIKI_CACHE", artifacts())
        .args(["run", "--jobs", "1", "-o", "raw", "-p"])
        .arg(&stage.path)
        .args(arguments)
        .arg(&input)
        .output()?;
    match output.status.code() == Some(code) {
        true => Ok(output.stdout.split(|byte| *byte == b'\n').count() - 1),
        false => Err(format!(
            "{:?} {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}

fn total_memory(stage: &Stage) -> Result<(), Failed> {
    let mut records = vec!["hold 150"; 15];
    // One instance has room for all, and there is no room for 15 instances.
    let limit = ["--total-memory", "24MiB"];
    equal(lines(stage, &records, &limit, 0)?, 15)?;
    records.push("trap 50");
    equal(lines(stage, &records, &limit, 1)?, 15)
}

fn large_results(stage: &Stage) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy.wasm");
    std::fs::copy(&stage.path, &copy)?;
    let copy = copy.to_str().ok_or("a path")?;
    let arguments = ["-p", copy, "--output-limit", "20MiB"];
    equal(lines(stage, &["large 5"; 3], &arguments, 0)?, 6)?;
    // Also when they are processed again after a trap.
    let mut records = vec!["large 50"; 20];
    records.push("trap 20");
    equal(lines(stage, &records, &arguments, 1)?, 40)
}

fn call(stage: &Stage) -> Result<(), Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_kumiki"))
        .env("KUMIKI_CACHE", artifacts())
        .arg("call")
        .arg(&stage.path)
        .args([r#"process-concurrent("invalid 5")"#, "get-name()"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    equal(text.as_str(), "err(invalid-input)\n\"wait-rust\"\n")
}

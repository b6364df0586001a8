//! Tests of the public API: settings in, events and a summary out.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kumiki_pipeline::{
    Change, Destination, Error, IgnoreEvents, Input, Interrupt, OutputFile, OutputFormat,
    RecordFormat, Run, RunEvent, RunIdentity, RunObserver, RunSettings, part_path, state_path,
};
use kumiki_text::{Config, Pipeline, TextHost, TextPlugin};

/// A stream whose bytes can be read after the run.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Collects the events of a run, except progress.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl RunObserver for Events {
    fn event(&self, event: &RunEvent<'_>) {
        let text = match event {
            RunEvent::Resumed { records } => format!("resumed behind {records}"),
            RunEvent::Started { total_bytes } => format!("started: {total_bytes:?}"),
            RunEvent::Diagnostic(diagnostic) => match diagnostic {
                kumiki_pipeline::Diagnostic::Invalid { source, error } => {
                    format!("{source}: {error}")
                }
                other => format!("{other:?}"),
            },
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

fn plugins(count: usize) -> Vec<TextPlugin> {
    let host = TextHost::new().unwrap();
    let bytes = test_components::TextPlugin::new("echo").build();
    let plugin = host.load_bytes("echo.wasm", &bytes).unwrap();
    (0..count)
        .map(|_| TextPlugin::new(plugin.clone(), Config::default()).unwrap())
        .collect()
}

fn pipeline() -> Pipeline {
    Pipeline::each(plugins(1))
}

fn stream(text: &'static str) -> Vec<Input> {
    vec![Input::Stream {
        name: "stream".to_owned(),
        reader: Box::new(text.as_bytes()),
    }]
}

fn files(paths: &[PathBuf]) -> Vec<Input> {
    paths.iter().cloned().map(Input::File).collect()
}

fn to_stream(inputs: Vec<Input>, out: &Shared) -> RunSettings {
    let mut settings = RunSettings::new(inputs, Destination::Stream(Box::new(out.clone())));
    settings.output_format = Some(OutputFormat::Raw);
    settings
}

#[test]
fn invalid_records_are_reported_and_the_run_continues() {
    let (out, events) = (Shared::default(), Events::default());
    let mut settings = to_stream(stream("one\n123456789\ntwo\n"), &out);
    settings.line_limit = 5;
    let run = Run::open(settings).unwrap();
    assert!(!run.is_resumable());
    let summary = run.execute(pipeline(), &events, &Interrupt::new()).unwrap();
    assert_eq!((summary.records, summary.failed), (3, 1));
    assert_eq!(summary.last.unwrap().to_string(), "stream:3");
    assert_eq!(out.text(), "one\ntwo\n");
    let events = events.0.into_inner().unwrap();
    let expected = ["started: None", "stream: line 2 is longer than 5 bytes"];
    assert_eq!(events, expected);
}

#[test]
fn triggered_interrupt_ends_the_next_run() {
    let out = Shared::default();
    let interrupt = Interrupt::new();
    interrupt.trigger();
    let run = Run::open(to_stream(stream("one\n"), &out)).unwrap();
    let summary = run.execute(pipeline(), &IgnoreEvents, &interrupt).unwrap();
    assert!(summary.interrupted);
    assert_eq!((summary.records, out.text().as_str()), (0, ""));
}

#[test]
fn run_is_resumed_only_with_the_same_identity() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    fs::write(&input, "one\ntwo\n").unwrap();
    let open = |resume| {
        let destination = Destination::File(OutputFile::new(&output).resumed(resume));
        let mut settings = RunSettings::new(files(std::slice::from_ref(&input)), destination);
        settings.output_format = Some(OutputFormat::Raw);
        Run::open(settings)
    };
    let identity = |value: &str| RunIdentity::from([("the plugin".to_owned(), value.to_owned())]);

    let interrupt = Interrupt::new();
    interrupt.trigger();
    let run = open(false).unwrap().with_identity(identity("a"));
    assert!(run.is_resumable());
    let summary = run.execute(pipeline(), &IgnoreEvents, &interrupt).unwrap();
    assert!(summary.interrupted);
    let part = part_path(&output);
    assert!(part.exists() && state_path(&part).exists() && !output.exists());

    let again = open(false).unwrap_err();
    assert!(matches!(again, Error::Incomplete { .. }), "{again}");
    let run = open(true).unwrap().with_identity(identity("b"));
    let other = run.execute(pipeline(), &IgnoreEvents, &Interrupt::new());
    match other.unwrap_err() {
        Error::OtherRun { what, change, .. } => {
            assert_eq!((what.as_str(), change), ("the plugin", Change::Changed));
        }
        other => panic!("{other}"),
    }
    let events = Events::default();
    let run = open(true).unwrap().with_identity(identity("a"));
    run.execute(pipeline(), &events, &Interrupt::new()).unwrap();
    assert_eq!(fs::read_to_string(&output).unwrap(), "one\ntwo\n");
    assert_eq!(events.0.into_inner().unwrap()[0], "resumed behind 0");
}

/// Tables beyond the number that stay open are reopened.
#[test]
fn many_tables_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..70)
        .map(|number| {
            let path = folder.path().join(format!("{number}.csv"));
            fs::write(&path, format!("text\nrow {number}\n")).unwrap();
            path
        })
        .collect();
    let out = Shared::default();
    let mut settings = to_stream(files(&paths), &out);
    settings.format = RecordFormat::resolve(None, Some("text".to_owned()), &paths).unwrap();
    let run = Run::open(settings).unwrap();
    let summary = run.execute(pipeline(), &IgnoreEvents, &Interrupt::new());
    assert_eq!(summary.unwrap().records, 70);
    let expected: String = (0..70).map(|number| format!("row {number}\n")).collect();
    assert_eq!(out.text(), expected);
}

#[test]
fn rows_take_one_result() {
    let run = || {
        let mut settings = to_stream(stream("text\na\n"), &Shared::default());
        let format = Some(kumiki_pipeline::InputFormat::Csv);
        settings.format = RecordFormat::resolve(format, Some("text".to_owned()), &[]).unwrap();
        settings.into = Some("new".to_owned());
        settings.output_format = None;
        Run::open(settings).unwrap()
    };
    let each = run().execute(Pipeline::each(plugins(2)), &IgnoreEvents, &Interrupt::new());
    let error = each.unwrap_err();
    assert!(matches!(error, Error::SeveralResults { plugins: 2, .. }));
    let chain = Pipeline::chain(plugins(2));
    assert!(
        run()
            .execute(chain, &IgnoreEvents, &Interrupt::new())
            .is_ok()
    );
}

/// Hints of the library do not mention arguments of the program.
#[test]
fn errors_have_a_hint() {
    let mut settings = to_stream(vec![Input::Text("a".to_owned())], &Shared::default());
    settings.into = Some("new".to_owned());
    let error = Run::open(settings).unwrap_err();
    assert!(matches!(error, Error::LinesHaveNoColumns));
    assert!(error.hint().is_some_and(|hint| !hint.contains("--")));
}

//! What a plugin waits for with WASI 0.3: all of it ends at the time limit.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kumiki::{Cache, Error, FolderGrant, Grants, Limit, Limits, LogRecord, Observer};
use kumiki_text::{Config, TextHost, TextPlugin, Texts};
use libtest_mimic::Failed;
use test_components::guests::artifacts;

use crate::folders::folders;
use crate::reach::Watched;

const TIME: Duration = Duration::from_millis(300);

/// Expects that a command ends at the time limit, and that the next one is answered.
fn expect_limit(watched: &Watched, grants: &Grants, command: &str) -> Result<(), Failed> {
    let mut reach = watched.with(grants)?;
    let start = Instant::now();
    let error = match reach.0.process(command) {
        Ok(answer) => return Err(format!("`{command}` gave `{}`", answer.output).into()),
        Err(error) => error,
    };
    match &error {
        kumiki_text::Error::Host(Error::Limit {
            limit: Limit::Time(_),
            ..
        }) => {}
        other => return Err(format!("`{command}` gave {other:?}").into()),
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{command}");
    reach.expect(&[("env A", "unset")])
}

pub(crate) fn time_limit(path: &Path) -> Result<(), Failed> {
    let watched = Watched::new(path, Limits::default().with_time(TIME))?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let address = silent.local_addr()?;
    let grants = Grants::default().with_network("loopback:*".parse()?);
    for command in [
        "wait 18446744073709551615".to_owned(),
        "wait 3600000000000".to_owned(),
        format!("connect {address}"),
        format!("get http://{address}/"),
    ] {
        expect_limit(&watched, &grants, &command)?;
    }
    Ok(())
}

/// A pipe in the folder blocks only its own operations.
#[cfg(unix)]
pub(crate) fn many_operations(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let data = folder.path().join("data");
    let made = std::process::Command::new("mkfifo")
        .arg(data.join("pipe"))
        .status()?;
    assert!(made.success());
    let watched = Watched::new(path, Limits::default().with_time(TIME))?;
    let grants = Grants::default().with_folder(FolderGrant::read_only(&data, "/data"));
    expect_limit(&watched, &grants, "read /data/pipe")?;
    // Many at a time, of one instance.
    let mut reach = watched.with(&grants)?;
    let records = ["read /data/a"; 500];
    let answers = reach.0.process_all(&Texts::from_iter(records));
    let read = answers.iter().filter(|answer| match answer {
        Ok(answer) => answer.output == "A",
        Err(_) => false,
    });
    assert_eq!(read.count(), records.len());
    // Lets the abandoned operation end.
    drop(fs::File::options().write(true).open(data.join("pipe"))?);
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn many_operations(_: &Path) -> Result<(), Failed> {
    // Windows has no pipes in folders.
    Ok(())
}

/// Collects log records.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Observer for Log {
    fn log(&self, record: &LogRecord<'_>) {
        let mut log = self.0.lock().expect("the lock is not poisoned");
        log.push(record.message.to_owned());
    }
}

pub(crate) fn standard_output(path: &Path) -> Result<(), Failed> {
    let log = Log::default();
    let host = TextHost::builder()
        .observer(log.clone())
        .cache(Cache::open(artifacts())?)
        .build()?;
    let mut plugin = TextPlugin::load(&host, path, Config::default())?;
    assert_eq!(plugin.process("say hello")?.output, "done");
    let log = log.0.lock().expect("the lock is not poisoned");
    assert_eq!(*log, ["hello"]);
    Ok(())
}

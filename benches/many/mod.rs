//! A thousand plugins, each another component, loaded from the cache.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kumiki::{Cache, Plugin};
use kumiki_text::{TextContract, TextHost};

use crate::SETTLED;

const COUNT: usize = 1000;

/// The argument by which the program is started once more.
pub(crate) const LOAD: &str = "--load";

/// Loads copies of the plugin at `path` that differ in a section that says
/// nothing, and prints what that takes.
pub(crate) fn many(name: &str, path: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let component = std::fs::read(path).expect("a plugin");
    let files: Vec<_> = (0..COUNT)
        .map(|number| variant(folder.path(), &component, number))
        .collect();
    thread::sleep(SETTLED);
    let open = || host(folder.path());
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let compiled = load(&open(), &files, cores).0;
    thread::sleep(SETTLED);
    // Each artifact is read once more, and known by its looks from then on.
    let read = load(&open(), &files, 1).0;

    let (one, plugins) = load(&open(), &files, 1);
    let (all, _) = load(&open(), &files, cores);
    let memory = memory(folder.path());
    let start = Instant::now();
    drop(plugins);
    let dropped = each(start.elapsed());
    println!(
        "{name} | {one:.1?} | {all:.1?} | {:.1} KiB | {dropped:.1?} | {read:.1?} | {compiled:.1?}",
        memory / 1024.0
    );
}

fn host(folder: &Path) -> TextHost {
    let cache = Cache::open(folder.join("artifacts")).expect("a cache");
    TextHost::builder().cache(cache).build().expect("a host")
}

fn file(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:04}.wasm"))
}

/// The component with one more section, which has a number.
fn variant(folder: &Path, component: &[u8], number: usize) -> PathBuf {
    let path = file(folder, number);
    let section = format!("\x06number{number:08}");
    let length = u8::try_from(section.len()).expect("it is short");
    let bytes = [component, &[0, length], section.as_bytes()].concat();
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// Loads all of them on so many threads; gives the time for each.
fn load(
    host: &TextHost,
    files: &[PathBuf],
    threads: usize,
) -> (Duration, Vec<Plugin<TextContract>>) {
    let next = AtomicUsize::new(0);
    let work = || {
        let next = || files.get(next.fetch_add(1, Ordering::Relaxed));
        std::iter::from_fn(next)
            .map(|file| host.load(file).expect("a plugin"))
            .collect::<Vec<_>>()
    };
    let start = Instant::now();
    let plugins: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut plugins = work();
        for other in others {
            plugins.extend(other.join().expect("no panic"));
        }
        plugins
    });
    (each(start.elapsed()), plugins)
}

fn each(time: Duration) -> Duration {
    time / u32::try_from(COUNT).expect("it is small")
}

/// What a thousand take in a process of their own, in bytes each: in this one,
/// what was compiled has left room that they would fill first.
fn memory(folder: &Path) -> f64 {
    let program = std::env::current_exe().expect("a program");
    let output = Command::new(program).arg(LOAD).arg(folder).output();
    let output = output.expect("it starts").stdout;
    let bytes: f64 = String::from_utf8_lossy(&output)
        .trim()
        .parse()
        .expect("a number");
    bytes / COUNT as f64
}

/// The other process's part: prints how many bytes it took to load the plugins
/// in `folder`.
pub(crate) fn load_and_print(folder: &Path) {
    let files: Vec<_> = (0..COUNT).map(|number| file(folder, number)).collect();
    let host = host(folder);
    drop(host.load(&files[0]).expect("a plugin"));
    let before = anonymous();
    let _plugins = load(&host, &files, 1);
    println!("{}", anonymous().saturating_sub(before));
}

/// This process's memory that is no file's, in bytes; 0 where the system does
/// not say.
fn anonymous() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kibibytes.unwrap_or_default() * 1024
}

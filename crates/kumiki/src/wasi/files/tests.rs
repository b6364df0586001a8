use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use test_components::{PLUGIN_INTERFACE, TextPlugin};
use wasmtime::Store;
use wasmtime::component::{Instance, TypedFunc};

use super::*;
use crate::clock::TICK;
use crate::wasi::Granted;
use crate::wasi::test_instances::{in_runtime, pre, store};
use crate::{FolderGrant, Grants, StoreData};

/// A guest whose name is the content of this file, or `busy` if the file cannot be opened
/// because of that error.
fn reader(file: &str) -> Vec<u8> {
    const FILES: &str = "wasi:filesystem/types";
    let body = format!(
        "(local $file i32)
         (call $folders (i32.const 512))
         (call $open (i32.load (i32.load (i32.const 512))) (i32.const 0) (i32.const 300)
            (i32.const {}) (i32.const 0) (i32.const 1) (i32.const 512))
         (if (i32.load8_u (i32.const 512))
           (then
            (if (i32.ne (i32.load8_u (i32.const 516)) (i32.const 4)) (then unreachable))
            (i32.store (i32.const 532) (i32.const 400))
            (i32.store (i32.const 536) (i32.const 4))
            (return (i32.const 532))))
         (local.set $file (i32.load (i32.const 516)))
         (call $read (local.get $file) (i64.const 100) (i64.const 0) (i32.const 528))
         (if (i32.load8_u (i32.const 528)) (then unreachable))
         (call $close (local.get $file))
         (i32.const 532)",
        file.len()
    );
    TextPlugin::new("reader")
        .wasi("wasi:filesystem/preopens", "get-directories", "$folders")
        .wasi(FILES, "[method]descriptor.open-at", "$open")
        .wasi(FILES, "[method]descriptor.read", "$read")
        .wasi(FILES, "[resource-drop]descriptor", "$close")
        .data(300, file)
        .data(400, "busy")
        .get_name(&body)
        .build()
}

type GetName = TypedFunc<(), (String,)>;

fn get_name(instance: Instance, store: &mut Store<StoreData>) -> GetName {
    let plugin = instance.get_export_index(&mut *store, None, PLUGIN_INTERFACE);
    let name = instance.get_export_index(&mut *store, plugin.as_ref(), "get-name");
    instance.get_typed_func(&mut *store, name.unwrap()).unwrap()
}

fn read(granted: &Arc<Granted>, file: &str, ticks: u64) -> wasmtime::Result<String> {
    let mut store = store(granted);
    let instance = pre(Waits::Blocking, &reader(file)).instantiate(&mut store)?;
    let get_name = get_name(instance, &mut store);
    store.data_mut().wasi.set_deadline(Deadline::after(ticks));
    Ok(get_name.call(&mut store, ())?.0)
}

async fn read_async(granted: &Arc<Granted>, file: &str, ticks: u64) -> wasmtime::Result<String> {
    let mut store = store(granted);
    let pre = pre(Waits::Async, &reader(file));
    let instance = pre.instantiate_async(&mut store).await?;
    let get_name = get_name(instance, &mut store);
    store.data_mut().wasi.set_deadline(Deadline::after(ticks));
    Ok(get_name.call_async(&mut store, ()).await?.0)
}

type Read = fn(&Arc<Granted>, &str, u64) -> wasmtime::Result<String>;

/// Reads a file with a synchronous call and with an asynchronous one.
const READS: [Read; 2] = [read, |granted, file, ticks| {
    in_runtime(read_async(granted, file, ticks))
}];

/// A folder with a file, and for each test's guest the grant of it.
fn folder() -> (tempfile::TempDir, impl Fn() -> Arc<Granted>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    let grant = FolderGrant::read_only(folder.path(), "/data");
    let granted = move || {
        let grants = Grants::default().with_folder(grant.clone());
        Arc::new(Granted::open(&grants).unwrap())
    };
    (folder, granted)
}

#[test]
fn file_is_read() {
    let (_folder, granted) = folder();
    for read in READS {
        assert_eq!(read(&granted(), "file", 1_000_000).unwrap(), "content");
    }
}

/// A pipe that no process opens. Dropping it ends the threads that open it.
#[cfg(unix)]
struct Pipe(std::path::PathBuf);

#[cfg(unix)]
impl Pipe {
    /// Adds the pipe `pipe` to a folder.
    fn new(folder: &tempfile::TempDir) -> Self {
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        Self(path)
    }
}

#[cfg(unix)]
impl Drop for Pipe {
    fn drop(&mut self) {
        // With both, this does not wait for another process.
        let opened = fs::File::options().read(true).write(true).open(&self.0);
        opened.unwrap();
    }
}

#[cfg(unix)]
#[test]
fn pipe_ends_the_call_at_the_deadline() {
    for read in READS {
        let (folder, granted) = folder();
        let (_pipe, granted) = (Pipe::new(&folder), granted());
        let error = read(&granted, "pipe", 5).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
        // Calls are abandoned until the plugin has as many as it may. A thread that starts
        // late does not count.
        let busy = (0..100).find_map(|_| read(&granted, "pipe", 5).ok());
        assert_eq!(busy.as_deref(), Some("busy"));
        assert_eq!(read(&granted, "file", 1_000_000).unwrap(), "busy");
    }
}

#[cfg(unix)]
#[test]
fn asynchronous_pipe_does_not_hold_the_thread() {
    let (folder, granted) = folder();
    let (_pipe, granted) = (Pipe::new(&folder), granted());
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = ticks.clone();
    in_runtime(async {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK / 10).await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        read_async(&granted, "pipe", 20).await.unwrap_err();
    });
    assert!(ticks.load(Ordering::Relaxed) > 0);
}

#[cfg(unix)]
#[test]
fn dropped_call_abandons_its_operation() {
    let (folder, granted) = folder();
    let (_pipe, granted) = (Pipe::new(&folder), granted());
    in_runtime(async {
        for _ in 0..100 {
            let read = read_async(&granted, "pipe", 1_000_000);
            if let Ok(read) = timeout(TICK * 5, read).await {
                return assert_eq!(read.unwrap(), "busy");
            }
        }
        panic!("dropped calls do not count as abandoned");
    });
}

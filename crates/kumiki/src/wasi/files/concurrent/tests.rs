use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use test_components::wasi_0_3::Guest;
use wasmtime::Store;

use crate::wasi::Granted;
use crate::wasi::test_instances::{Denials, concurrent_store, concurrent_store_with, run};
use crate::{FolderGrant, Grants, Limits, StoreData};

const TYPES: &str = "wasi:filesystem/types";
const SOON: Duration = Duration::from_secs(20);

/// Imports functions, and built-in functions for streams and futures.
fn imports() -> Guest {
    const READ: &str = "[method]descriptor.read-via-stream";
    const WRITE: &str = "[method]descriptor.write-via-stream";
    const LIST: &str = "[method]descriptor.read-directory";
    let dropped = "(param i32)";
    Guest::new()
        .import("wasi:filesystem/preopens", "get-directories", "$folders")
        .import(TYPES, "[method]descriptor.open-at", "$open")
        .import(TYPES, "[resource-drop]descriptor", "$close")
        .import(TYPES, READ, "$read")
        .transfer(TYPES, READ, "stream-read-0", "$next")
        .transfer(TYPES, READ, "future-read-1", "$read-end")
        .built_in(TYPES, READ, "stream-drop-readable-0", "$drop-read", dropped)
        .import(TYPES, WRITE, "$write")
        .built_in(TYPES, WRITE, "stream-new-0", "$new", "(result i64)")
        .transfer(TYPES, WRITE, "stream-write-0", "$put")
        .transfer(TYPES, WRITE, "future-read-1", "$write-end")
        .built_in(
            TYPES,
            WRITE,
            "stream-drop-writable-0",
            "$drop-write",
            dropped,
        )
        .import(TYPES, LIST, "$list")
        .transfer(TYPES, LIST, "stream-read-0", "$next-entries")
        .transfer(TYPES, LIST, "future-read-1", "$list-end")
        .built_in(TYPES, LIST, "stream-drop-readable-0", "$drop-list", dropped)
}

/// Functions: the first granted folder, and `open` of the file whose name is at 300, with
/// flags, which returns the file or ends `run` with the code of the error plus 1,000.
const ITEMS: &str = r#"
    (global $error (mut i64) (i64.const 0))
    (func $folder (result i32)
        (call $folders (i32.const 512))
        (i32.load (i32.load (i32.const 512))))
    (func $open-file (param $length i32) (param $how i32) (param $flags i32) (result i32)
        (call $open (call $folder) (i32.const 0) (i32.const 300) (local.get $length)
            (local.get $how) (local.get $flags) (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then
            (global.set $error (i64.add (i64.const 1000)
                (i64.extend_i32_u (i32.load8_u (i32.const 516)))))))
        (i32.load (i32.const 516)))"#;

fn guest(file: &str, body: &str) -> Vec<u8> {
    let file = format!("(data (i32.const 300) \"{file}\")");
    imports().items(ITEMS).items(&file).run(body)
}

fn granted(grant: FolderGrant) -> Arc<Granted> {
    Arc::new(Granted::open(&Grants::default().with_folder(grant)).unwrap())
}

fn read_only(folder: &Path) -> Arc<Granted> {
    granted(FolderGrant::read_only(folder, "/data"))
}

fn call(store: &mut Store<StoreData>, guest: &[u8]) -> u64 {
    run(store, guest, 0, SOON).unwrap().unwrap()
}

/// Reads the whole file and returns its length, or 1,000 plus the code of an error.
fn reader(file: &str) -> Vec<u8> {
    let open = format!(
        "(call $open-file (i32.const {}) (i32.const 0) (i32.const 1))",
        file.len()
    );
    guest(
        file,
        &format!(
            "(local $file i32) (local $stream i32) (local $got i32) (local $total i64)
             (local.set $file {open})
             (if (i64.ne (global.get $error) (i64.const 0)) (then (return (global.get $error))))
             (call $read (local.get $file) (i64.const 0) (i32.const 600))
             (local.set $stream (i32.load (i32.const 600)))
             (loop $more
                (local.set $got (call $next (local.get $stream) (i32.const 8192) (i32.const 100000)))
                (local.set $total (i64.add (local.get $total)
                    (i64.extend_i32_u (i32.shr_u (local.get $got) (i32.const 4)))))
                (br_if $more (i32.eqz (i32.and (local.get $got) (i32.const 15)))))
             (drop (call $read-end (i32.load (i32.const 604)) (i32.const 640)))
             (if (i32.load8_u (i32.const 640)) (then unreachable))
             (call $drop-read (local.get $stream))
             (call $close (local.get $file))
             (local.get $total)"
        ),
    )
}

#[test]
fn file_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 1, 65_536, 300_000] {
        fs::write(folder.path().join("file"), vec![7; length]).unwrap();
        let mut store = concurrent_store(&read_only(folder.path()));
        assert_eq!(call(&mut store, &reader("file")), length as u64);
    }
}

#[test]
fn denied_paths_are_refused_and_reported_as_with_0_2() {
    const NOT_PERMITTED: u64 = 1030;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "text").unwrap();
    let denials = Arc::new(Denials::default());
    let granted = read_only(folder.path());
    let mut store = concurrent_store_with(&granted, &Limits::default(), denials.clone());
    assert_eq!(call(&mut store, &reader("../file")), NOT_PERMITTED);
    // Opens for writing.
    let writer = guest(
        "file",
        "(drop (call $open-file (i32.const 4) (i32.const 0) (i32.const 2))) (global.get $error)",
    );
    assert_eq!(call(&mut store, &writer), NOT_PERMITTED);
    let denials = denials.all();
    assert_eq!(denials.len(), 2, "{denials:?}");
}

#[test]
fn stream_is_written_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let granted = granted(FolderGrant::read_write(folder.path(), "/data"));
    // Creates the file, and writes 200,000 bytes at position 10.
    let writer = guest(
        "file",
        "(local $file i32) (local $ends i64) (local $to i32) (local $future i32)
         (local $written i32) (local $at i32)
         (local.set $file (call $open-file (i32.const 4) (i32.const 1) (i32.const 2)))
         (if (i64.ne (global.get $error) (i64.const 0)) (then (return (global.get $error))))
         (drop (memory.grow (i32.const 4)))
         (memory.fill (i32.const 8192) (i32.const 97) (i32.const 200000))
         (local.set $ends (call $new))
         (local.set $to (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
         (local.set $future (call $write (local.get $file) (i32.wrap_i64 (local.get $ends))
            (i64.const 10)))
         (loop $more
            (local.set $written (i32.shr_u (call $put (local.get $to)
                (i32.add (i32.const 8192) (local.get $at))
                (i32.sub (i32.const 200000) (local.get $at))) (i32.const 4)))
            (local.set $at (i32.add (local.get $at) (local.get $written)))
            (br_if $more (i32.lt_u (local.get $at) (i32.const 200000))))
         (call $drop-write (local.get $to))
         (drop (call $write-end (local.get $future) (i32.const 640)))
         (call $close (local.get $file))
         (i64.extend_i32_u (i32.load8_u (i32.const 640)))",
    );
    let mut store = concurrent_store(&granted);
    assert_eq!(call(&mut store, &writer), 0);
    let written = fs::read(folder.path().join("file")).unwrap();
    assert_eq!(written.len(), 200_010);
    assert!(written[10..].iter().all(|byte| *byte == b'a'));
}

#[test]
fn folder_is_listed_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..300 {
        fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    // Reads 7 entries at a time and returns their number.
    let lister = guest(
        "",
        "(local $stream i32) (local $got i32) (local $total i64)
         (call $list (call $folder) (i32.const 600))
         (local.set $stream (i32.load (i32.const 600)))
         (loop $more
            (local.set $got (call $next-entries (local.get $stream) (i32.const 1024) (i32.const 7)))
            (local.set $total (i64.add (local.get $total)
                (i64.extend_i32_u (i32.shr_u (local.get $got) (i32.const 4)))))
            (br_if $more (i32.eqz (i32.and (local.get $got) (i32.const 15)))))
         (drop (call $list-end (i32.load (i32.const 604)) (i32.const 640)))
         (call $drop-list (local.get $stream))
         (i64.add (local.get $total)
            (i64.mul (i64.const 1000) (i64.extend_i32_u (i32.load8_u (i32.const 640)))))",
    );
    let mut store = concurrent_store(&read_only(folder.path()));
    assert_eq!(call(&mut store, &lister), 300);
}

#[cfg(unix)]
#[test]
fn pipe_does_not_hold_the_thread() {
    let folder = tempfile::tempdir().unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .unwrap();
    let granted = read_only(folder.path());
    // Each call is abandoned, until the plugin gets no more threads.
    const BUSY: u64 = 1003;
    let ends_busy = || {
        let mut store = concurrent_store(&granted);
        let ended = run(&mut store, &reader("pipe"), 0, Duration::from_millis(50));
        ended.is_some_and(|code| code.unwrap() == BUSY)
    };
    let start = Instant::now();
    assert!((0..20).any(|_| ends_busy()));
    assert!(start.elapsed() < SOON);
    drop(
        fs::File::options()
            .write(true)
            .open(folder.path().join("pipe"))
            .unwrap(),
    );
}

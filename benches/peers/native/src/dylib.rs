//! A shared library, loaded by libloading.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use libloading::Library;
use turns::{Answer, Row, Set, Work, input, make_each, repeat};

/// The type of the library's export `process`.
type Process = fn(Work, &str, &mut dyn FnMut(&str)) -> Answer;

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    let text = input(row.size);
    match row.kind.as_str() {
        "call" | "many" => call(row, text),
        "first" => first(row, text),
        "load" => load(row, &text),
        kind => Err(format!("it has no `{kind}`")),
    }
}

fn file() -> Result<PathBuf, String> {
    let path = std::env::var_os("KUMIKI_BENCH_DYLIB");
    path.map(PathBuf::from)
        .ok_or_else(|| "KUMIKI_BENCH_DYLIB names no library".to_owned())
}

fn open(path: &Path) -> Result<(Library, Process), String> {
    // SAFETY: the benchmark's own library, built by this compiler from this
    // workspace; its one function has this type.
    unsafe {
        let library = Library::new(path).map_err(|error| error.to_string())?;
        let process = library.get::<Process>("process");
        let process = *process.map_err(|error| error.to_string())?;
        Ok((library, process))
    }
}

fn call(row: &Row, text: String) -> Result<Set, String> {
    let (library, process) = open(&file()?)?;
    let (work, count) = (row.work, row.count);
    let digest = process(work, &text, &mut |_| ()).digest();
    let mut log_bytes = 0;
    let turn = repeat(count, move || {
        // The function is valid as long as its library.
        let _kept = &library;
        for _ in 0..count {
            let mut log = |line: &str| log_bytes += line.len();
            drop(black_box(process(work, black_box(&text), &mut log)));
        }
    });
    Ok(Set::new(digest, turn))
}

fn first(row: &Row, text: String) -> Result<Set, String> {
    let (path, work) = (file()?, row.work);
    let ask = move || -> Result<_, String> {
        let (library, process) = open(&path)?;
        let digest = process(work, &text, &mut |_| ()).digest();
        drop(library);
        Ok(digest)
    };
    let digest = ask()?;
    let turn = repeat(1, move || {
        black_box(ask().expect("an answer"));
    });
    Ok(Set::new(digest, turn))
}

/// Loads many copies one after the other: the system identifies a library by its file.
fn load(row: &Row, text: &str) -> Result<Set, String> {
    let folder = std::env::var_os("KUMIKI_BENCH").map_or_else(std::env::temp_dir, PathBuf::from);
    let (folder, original) = (folder.join("dylibs"), file()?);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let copy = |number: usize| {
        let path = folder.join(format!("{number}.so"));
        fs::copy(&original, &path).map_err(|error| error.to_string())?;
        Ok(path)
    };
    let files: Result<Vec<_>, String> = (0..row.count).map(copy).collect();
    let files = files?;
    let (_library, process) = open(&files[0])?;
    let digest = process(row.work, text, &mut |_| ()).digest();
    let turn = make_each(files.len(), move |number| {
        open(&files[number]).expect("a library")
    });
    Ok(Set::new(digest, turn))
}

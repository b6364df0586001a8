//! Finds plugins and loads them in parallel, on all cores.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kumiki_text::plugin_files;

use crate::console::Console;
use crate::failure::Failure;

/// Finds the files of plugins, in the order of `paths`; those in a folder are sorted
/// by name.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    const HINT: &str = "name a plugin's `.wasm` file, or a folder of them";
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path)
            .map_err(|error| Failure::path("plugin or plugin folder", path, &error, HINT))?;
        if !metadata.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = plugin_files(path)
            .map_err(|error| Failure::path("plugin folder", path, &error.source, HINT))?;
        if found.is_empty() {
            return Err(Failure::usage(
                format!("there is no plugin in folder `{}`", path.display()),
                match path.join("kumiki.toml").is_file() {
                    true => format!("build it first: `kumiki build {}`", path.display()),
                    false => "name a folder with `.wasm` files in it".to_owned(),
                },
            ));
        }
        files.extend(found);
    }
    Ok(files)
}

/// Finds the file of one plugin, which may be the only one in a folder.
pub(crate) fn find_one(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let mut found = find(&[path.to_owned()])?;
    match found.len() {
        1 => Ok(found.remove(0)),
        several => Err(Failure::usage(
            format!("there are {several} plugins in folder `{}`", path.display()),
            format!("name one of them, such as `{}`", found[0].display()),
        )),
    }
}

/// Loads all `items` in parallel and shows progress. Results are in the order of
/// the items.
pub(crate) fn load_all<T: Sync, R: Send>(
    items: &[T],
    name: impl Fn(&T) -> String,
    load: impl Fn(&T) -> R + Sync,
    console: &Console,
) -> Vec<R> {
    match items {
        [one] => console.spinner(&format!("loading {}", name(one))),
        many => console.count(many.len() as u64, "plugins loaded"),
    }
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(result)) = (items.get(place), results.get(place)) else {
                return;
            };
            let loaded = load(item);
            if let Ok(mut result) = result.lock() {
                *result = Some(loaded);
            }
            console.one_more();
        }
    };
    // Counting processors takes as long as loading a small plugin.
    let threads = match items.len() {
        0 | 1 => 1,
        many => thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(many),
    };
    thread::scope(|scope| {
        // The current thread is one of the workers.
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    console.done();
    let results = results.into_iter().map(Mutex::into_inner);
    // No result is missing: a panic while loading would have ended the scope.
    results.flat_map(|result| result.ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        let console = Console::new(true, 0);
        let doubled = load_all(&items, u32::to_string, |item| item * 2, &console);
        assert_eq!(
            doubled,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        let none = load_all(&[], u32::to_string, |item| item * 2, &console);
        assert_eq!(none, [] as [u32; 0]);
    }
}

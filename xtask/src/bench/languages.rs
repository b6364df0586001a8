//! Measures the build times of guests.

use std::fs::File;
use std::path::Path;
use std::time::{Instant, SystemTime};

use anyhow::Result;
use kumiki_build::{Job, Options};

use crate::fixtures;
use crate::place::Place;
use crate::setup::with_hint;

/// Measures how long each guest takes to build when only its own source has changed.
/// Returns one line per guest, with the seconds. Dependencies and the caches of
/// toolchains, such as Zig's libc, are built before.
pub(super) fn build_times(place: &Place) -> Result<String> {
    let work = place.target.join("tmp/build-times");
    let options = Options::new(&work);
    let mut lines = String::new();
    for Job { project, .. } in fixtures::jobs(place)? {
        let name = &project.name;
        let output = work.join(format!("{name}.wasm"));
        let mut seconds = 0.0;
        for turn in 0..2 {
            touch(&project.folder)?;
            let _ = std::fs::remove_dir_all(work.join(name));
            let start = Instant::now();
            kumiki_build::build(&project, &output, &place.tools, &options).map_err(with_hint)?;
            if turn == 1 {
                seconds = start.elapsed().as_secs_f64();
            }
        }
        lines += &format!("{name} {seconds:.1} s\n");
    }
    Ok(lines)
}

/// Makes cargo rebuild a package.
fn touch(folder: &Path) -> Result<()> {
    let source = folder.join("src/lib.rs");
    if source.exists() {
        let file = File::options().append(true).open(source)?;
        file.set_modified(SystemTime::now())?;
    }
    Ok(())
}

//! The failure of a build.

use std::io::Write as _;
use std::path::Path;

use kumiki_build::Error;

use crate::console::escape_lines;
use crate::failure::{Failure, causes};

/// Omits the default folder `.`, to print paths without a leading `./`.
pub(crate) fn without_dot(folder: &Path) -> &Path {
    if folder == Path::new(".") {
        Path::new("")
    } else {
        folder
    }
}

pub(crate) fn failure(error: &Error) -> Failure {
    let mut failure = match error {
        // Compiler output keeps its layout, so that locations and markers stay aligned.
        Error::Failed {
            program,
            status,
            output,
        } => {
            let _ = writeln!(
                anstream::stderr().lock(),
                "{}",
                escape_lines(output.trim_end())
            );
            Failure::failed(format!("`{program}` failed ({status})"))
        }
        _ => Failure::failed(error.to_string()),
    };
    failure.causes = causes(error);
    failure.hint = error.hint();
    failure
}

//! Reports how a run ended.

use std::time::Instant;

use kumiki_pipeline::{Summary, part_path};

use super::usage_table::{brief, table};
use crate::arguments::RunArguments;
use crate::console::{Console, escape, plural};

/// Prints the summary and the usage of the plugins.
pub(super) fn report_summary(
    arguments: &RunArguments,
    summary: &Summary,
    names: &[String],
    start: Instant,
    console: &Console,
) {
    let used = || {
        names
            .iter()
            .map(String::as_str)
            .zip(summary.usages.iter().flatten())
    };
    // With `--text`, the result is visible without a summary.
    if arguments.text.is_none() {
        let noun = match arguments.whole {
            true => "text",
            false => "record",
        };
        console.notice(brief_summary(summary, noun, names.len() as u64, start));
        if !arguments.report {
            for line in brief(used()) {
                console.notice(escape(&line));
            }
        }
    }
    if arguments.report {
        for line in table(used()) {
            console.report(&line);
        }
    }
}

/// Reports how far an interrupted run came.
pub(super) fn report_interrupt(
    arguments: &RunArguments,
    summary: &Summary,
    is_resumable: bool,
    console: &Console,
) {
    match &summary.last {
        Some(location) => console.report(&format!(
            "interrupted: results are written up to {location}, and none after it"
        )),
        None => console.report("interrupted: nothing was written"),
    }
    if let Some(path) = &arguments.output_file {
        let part = part_path(path);
        let part = part.display();
        console.report(&match is_resumable {
            true => {
                format!("the results are in `{part}`; resume with the same command and `--resume`")
            }
            false => format!("the results are in `{part}`"),
        });
    }
}

/// Reports that the result of a whole text is not complete.
pub(super) fn report_incomplete(arguments: &RunArguments, summary: &Summary, console: &Console) {
    let reason = match summary.interrupted {
        true => "interrupted: ",
        false => "",
    };
    if arguments.output_folder.is_some() {
        let done = plural(summary.records, "file");
        return console.report(&format!(
            "{reason}{done} done; the output of the others is missing or in files that end in \
             `.part`"
        ));
    }
    console.report(&match &arguments.output_file {
        Some(path) => {
            let part = part_path(path);
            format!(
                "{reason}the output is incomplete; it is in `{}`",
                part.display()
            )
        }
        None => format!("{reason}the output is incomplete"),
    });
}

fn brief_summary(summary: &Summary, noun: &str, plugins: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    let failed = match summary.failed {
        0 => String::new(),
        failed => format!(", {} failed", plural(failed, "result")),
    };
    format!(
        "{} through {} in {seconds:.2} s{failed}",
        plural(summary.records, noun),
        plural(plugins, "plugin"),
    )
}

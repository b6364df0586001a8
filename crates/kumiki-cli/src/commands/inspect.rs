//! `kumiki inspect`: shows what a file is and what it could access, without running
//! it. Works on any file, not just components.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anstyle::Style;
use bytesize::ByteSize;
use kumiki::inspect::{Inspection, Kind};
use kumiki::{Grants, PermissionRequests, PluginName};
use kumiki_pipeline::pretty_json;
use kumiki_text::{CallMode, STREAMING, TextHost};
use serde_json::json;

use super::file;
use super::reach::Reach;
use crate::allowed::Allowed;
use crate::arguments::InspectArguments;
use crate::artifacts;
use crate::console::{Console, escape, escape_lines};
use crate::failure::{Failure, written};
use crate::grants::RunGrants;
use crate::loading::find_one;

const HEADING: Style = Style::new().bold();

pub(crate) fn inspect(arguments: &InspectArguments) -> Result<ExitCode, Failure> {
    let path = &find_one(&arguments.file)?;
    let host = artifacts::reader(&Console::new(true, 0))?;
    let bytes = file::read(&host, "file", path)?;
    let name = path.display().to_string();
    let result = if arguments.wit {
        let wit = Inspection::wit(&name, &bytes)?;
        write_wit(&mut io::stdout(), &wit, io::stdout().is_terminal())
    } else {
        let requests = PermissionRequests::of(&name, &bytes);
        let grants = RunGrants::read(&arguments.grants)?;
        let grants = would_be_granted(&grants, path, &bytes, &requests)?;
        let report = Report::of(&host, &name, &bytes, requests, grants);
        if arguments.json {
            report.json(&mut io::stdout().lock())
        } else {
            report.text(&mut anstream::stdout().lock())
        }
    };
    written("the report", result)?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that is reported about a file.
struct Report<'a> {
    name: &'a str,
    /// The hash that names the component in a grants file.
    hash: PluginName,
    inspection: Inspection,
    /// Whether it fits the text-processor contract; the error says why not.
    fits: Result<(), kumiki::Error>,
    wit: Option<String>,
    requests: Result<PermissionRequests, kumiki::Error>,
    /// The grants that it would have in a run.
    grants: Grants,
}

impl<'a> Report<'a> {
    fn of(
        host: &TextHost,
        name: &'a str,
        bytes: &[u8],
        requests: Result<PermissionRequests, kumiki::Error>,
        grants: Grants,
    ) -> Self {
        let inspection = Inspection::of(bytes);
        let wit = match inspection.kind {
            Kind::Component | Kind::WitPackage => Inspection::wit(name, bytes).ok(),
            _ => None,
        };
        Self {
            name,
            hash: PluginName::of_bytes(bytes),
            inspection,
            requests,
            grants,
            fits: host.check(name, bytes),
            wit,
        }
    }

    /// The modes in which it can be called; empty if it does not fit the contract.
    fn modes(&self) -> impl Iterator<Item = CallMode> {
        let exports = match &self.fits {
            Ok(()) => &self.inspection.interfaces.exports[..],
            Err(_) => &[],
        };
        CallMode::among(exports)
    }

    /// Whether it can process whole texts.
    fn is_streaming(&self) -> bool {
        let exports = &self.inspection.interfaces.exports;
        self.fits.is_ok() && exports.iter().any(|export| export == STREAMING)
    }

    fn reach(&self) -> Reach<'_> {
        Reach {
            capabilities: &self.inspection.capabilities,
            requests: &self.requests,
            grants: &self.grants,
        }
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Inspection {
            kind,
            bytes,
            too_large,
            interfaces,
            is_asynchronous,
            is_debug_build,
            parts,
            producers,
            ..
        } = &self.inspection;
        let report = json!({
            "file": self.name,
            "hash": (*kind == Kind::Component).then(|| self.hash.to_string()),
            "kind": kind.to_string(),
            "bytes": bytes,
            "too_large": too_large,
            "contract": self.fits.is_ok().then_some("myapp:text-processor/text-plugin"),
            "call_modes": self.modes().map(CallMode::name).collect::<Vec<_>>(),
            "streaming": self.is_streaming(),
            "misfit": self.fits.as_ref().err().map(ToString::to_string),
            "asynchronous": is_asynchronous,
            "debug_build": is_debug_build,
            "reach": self.reach().json(),
            "imports": interfaces.imports,
            "exports": interfaces.exports,
            "producers": producers.iter().map(|producer| json!({
                "field": producer.field, "name": producer.name, "version": producer.version,
            })).collect::<Vec<_>>(),
            "parts": parts.iter().map(|(part, size)| json!({
                "part": part.to_string(), "bytes": size,
            })).collect::<Vec<_>>(),
            "wit": self.wit,
        });
        let text = pretty_json(&report)?;
        writeln!(out, "{text}")
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Inspection {
            kind,
            bytes,
            too_large,
            interfaces,
            parts,
            producers,
            ..
        } = &self.inspection;
        writeln!(out, "{}: {kind}, {}", escape(self.name), size(*bytes))?;
        if !matches!(kind, Kind::Component | Kind::WitPackage | Kind::CoreModule) {
            return Ok(());
        }
        if let Some(too_large) = too_large {
            return writeln!(
                out,
                "it is too large to be analysed further: it has {too_large}"
            );
        }
        if *kind == Kind::Component {
            writeln!(out, "{}", self.hash)?;
            self.contract(out)?;
            self.reach().text(out)?;
        }
        if *kind != Kind::WitPackage {
            section(out, "imports", &interfaces.imports, "nothing")?;
            section(out, "exports", &interfaces.exports, "nothing")?;
        }
        let items = producers.iter().map(|producer| {
            let parts = [&*producer.field, &*producer.name, &*producer.version];
            parts.join(" ").trim_end().to_owned()
        });
        section(out, "made by", &items.collect::<Vec<_>>(), "unknown")?;
        let items = parts.iter().map(|(part, part_size)| {
            let percent = *part_size as f64 * 100.0 / (*bytes).max(1) as f64;
            format!("{part:<22} {:>10} {percent:>5.1} %", size(*part_size))
        });
        section(out, "size", &items.collect::<Vec<_>>(), "nothing")?;
        if let Some(wit) = &self.wit {
            writeln!(out, "\n{HEADING}WIT{HEADING:#}")?;
            for line in without_wasi(wit).lines() {
                writeln!(out, "  {}", escape_lines(line))?;
            }
        }
        Ok(())
    }

    fn contract(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{HEADING}contract{HEADING:#}")?;
        match &self.fits {
            Ok(()) => {
                writeln!(out, "  myapp:text-processor/text-plugin")?;
                for mode in self.modes() {
                    writeln!(out, "  {mode}: {}", mode.about())?;
                }
                if self.is_streaming() {
                    writeln!(out, "  streaming: a whole text of any length per call")?;
                }
                Ok(())
            }
            Err(error) => writeln!(
                out,
                "  none that this host knows: {}",
                escape(&error.to_string())
            ),
        }
    }
}

/// The grants that the component would have in a run with these arguments.
fn would_be_granted(
    grants: &RunGrants,
    file: &Path,
    bytes: &[u8],
    requests: &Result<PermissionRequests, kumiki::Error>,
) -> Result<Grants, Failure> {
    let granted = grants.of(file, Some(bytes));
    let Ok(requests) = requests else {
        return Ok(granted);
    };
    let missing = requests.missing_from(&granted);
    if missing.is_empty() {
        return Ok(granted);
    }
    Ok(if grants.allow_requested {
        let more = missing.grants_beside(&granted, Path::new("."));
        granted.merge(&more)
    } else {
        Allowed::read()?.of(bytes).merge(&granted)
    })
}

/// Writes WIT, unchanged to a file or pipe, and escaped on a terminal, because its
/// comments can contain control sequences.
fn write_wit(out: &mut dyn Write, wit: &str, terminal: bool) -> io::Result<()> {
    let shown = if terminal {
        escape_lines(wit)
    } else {
        wit.into()
    };
    out.write_all(shown.as_bytes())
}

fn section(out: &mut dyn Write, heading: &str, items: &[String], none: &str) -> io::Result<()> {
    writeln!(out, "\n{HEADING}{heading}{HEADING:#}")?;
    if items.is_empty() {
        return writeln!(out, "  {none}");
    }
    items
        .iter()
        .try_for_each(|item| writeln!(out, "  {}", escape(item)))
}

/// WIT without the packages of WASI, which are the same for all plugins. `--wit`
/// shows them.
fn without_wasi(wit: &str) -> String {
    let mut kept = String::new();
    let mut skipping = false;
    for line in wit.lines() {
        skipping |= line.starts_with("package wasi:");
        if !skipping {
            kept.push_str(line);
            kept.push('\n');
        }
        // All packages but the first are blocks that end with an unindented brace.
        skipping &= line != "}";
    }
    kept.trim_end().to_owned()
}

fn size(bytes: usize) -> String {
    ByteSize::b(bytes as u64).display().si().to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// A component with some bytes changed, and perhaps truncated. Parsers get further
    /// into it than into random bytes.
    fn damaged(seed: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
        let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
        (changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
            move |(changes, end, cut)| {
                let mut bytes = seed.clone();
                for (at, byte) in changes {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                if cut {
                    bytes.truncate(end.index(bytes.len()));
                }
                bytes
            },
        )
    }

    fn any_file() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            damaged(test_components::TextPlugin::new("echo").build()),
            damaged(test_components::core_module("(func (export \"process\"))")),
        ]
    }

    fn host() -> &'static TextHost {
        static HOST: LazyLock<TextHost> = LazyLock::new(|| TextHost::new().unwrap());
        &HOST
    }

    #[test]
    fn wit_is_escaped_only_on_a_terminal() {
        let wit = "/// \u{202e}\x1b[2J\nworld w {\n\t}\n";
        let shown = |terminal| {
            let mut out = Vec::new();
            write_wit(&mut out, wit, terminal).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(false), wit);
        assert_eq!(shown(true), "/// \\u{202e}\\u{1b}[2J\nworld w {\n\t}\n");
    }

    proptest! {
        #[test]
        fn report_accepts_any_bytes(bytes in any_file()) {
            let requests = PermissionRequests::of("any", &bytes);
            let report = Report::of(host(), "any", &bytes, requests, Grants::default());
            let (mut text, mut json) = (Vec::new(), Vec::new());
            report.text(&mut text).unwrap();
            report.json(&mut json).unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(&parsed["bytes"], bytes.len());
        }
    }
}

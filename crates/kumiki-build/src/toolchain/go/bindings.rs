//! Generates the code around the author's package: the bindings from
//! wit-bindgen, their small runtime, and a handler that reports panics.

use std::path::{Path, PathBuf};

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use wit_parser::{Resolve, TypeOwner, WorldId};

use crate::error::Error;
use crate::log::Log;
use crate::output::replace;
use crate::project::Project;
use crate::world::{exports_resource, generate};

/// The Go module of the bindings, which is the prefix of its packages.
const MODULE: &str = "wit_component";

/// Error for worlds that export a resource: Go's bindings would have to be in
/// the author's package.
pub(crate) const NO_RESOURCES: &str =
    "the world exports a resource, which Go plugins do not support yet";

/// Files in the bindings' folder that are the same for every plugin.
const SHARED: &[(&str, &str)] = &[
    ("go.mod", "module wit_component\n\ngo 1.24\n"),
    (
        "pkg/go.mod",
        "module go.bytecodealliance.org/pkg\n\ngo 1.24\n",
    ),
    ("pkg/wit/runtime/runtime.go", include_str!("runtime.go")),
    ("pkg/wit/types/types.go", include_str!("types.go")),
    ("pkg/wit/types/tuples.go", include_str!("tuples.go")),
    ("pkg/wit/types/streams.go", include_str!("streams.go")),
    ("pkg/wit/types/futures.go", include_str!("futures.go")),
    ("pkg/wit/async/async.go", include_str!("async.go")),
];

/// Go sources added to the main package if the contract has a log function.
const PANIC: &str = include_str!("panic.go");
const CRASH: &str = include_str!("crash.go");

/// Generates the bindings for a plugin whose package is the Go module `author`,
/// as relative paths and contents.
pub(super) fn bindings(project: &Project, author: &str) -> Result<Vec<(PathBuf, String)>, Error> {
    let (resolve, world) = project.resolve()?;
    let fault = |message| Error::Wit {
        path: project.wit.clone(),
        message,
    };
    if exports_resource(&resolve, world) {
        return Err(fault(NO_RESOURCES.to_owned()));
    }
    let options = wit_bindgen_go::Opts {
        // gofmt may not be installed, and the files are not edited by hand.
        format: wit_bindgen_go::Format::False,
        ..Default::default()
    };
    let generated = generate(&mut *options.build(), resolve.clone(), world).map_err(fault)?;

    let report = panic_report(&resolve, world).filter(|report| {
        let bindings = format!("{}/wit_bindings.go", report.package);
        generated.iter().any(|(name, _)| name == bindings)
    });
    let mut files: Vec<(PathBuf, String)> = SHARED
        .iter()
        .map(|(name, content)| (PathBuf::from(name), (*content).to_owned()))
        .collect();
    for (name, content) in generated.iter() {
        let content = String::from_utf8_lossy(content).into_owned();
        if name == "go.mod" {
            continue;
        }
        let content = match name {
            "wit_exports.go" => {
                let is_below = |name: &str| project.folder.join(name).is_dir();
                exports(&content, author, is_below, report.is_some())
            }
            _ => content,
        };
        files.push((PathBuf::from(name), content));
    }
    if let Some(Report { panic, crash, .. }) = report {
        files.push((PathBuf::from("panic.go"), panic));
        files.push((PathBuf::from("crash.go"), crash));
    }
    Ok(files)
}

/// Writes `files` into `folder`.
pub(super) fn write(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), Error> {
    files
        .iter()
        .try_for_each(|(name, content)| replace(&folder.join(name), content.as_bytes()))
}

/// Makes the exported functions call the author's package, or a package below
/// it for interfaces that have one there. The bindings use one package name per
/// interface; Go allows a package to be imported under several names.
fn exports(source: &str, author: &str, is_below: impl Fn(&str) -> bool, reports: bool) -> String {
    let prefix = format!("\"{MODULE}/export_");
    let mut text = String::new();
    let mut is_export = false;
    for line in source.lines() {
        match line.trim().strip_prefix(&prefix) {
            Some(name) => {
                let name = format!("export_{}", name.trim_end_matches('"'));
                let below = match is_below(&name) {
                    true => format!("/{name}"),
                    false => String::new(),
                };
                text += &format!("\t{name} \"{author}{below}\"\n");
            }
            None => text += &format!("{line}\n"),
        }
        if is_export && reports {
            text += "\tdefer reportPanic()\n";
        }
        is_export = line
            .strip_prefix("//go:wasmexport ")
            .is_some_and(|name| !name.starts_with("cabi_post_"));
    }
    text
}

/// The Go sources that log what ends a call.
struct Report {
    /// The package of the log function.
    package: String,
    panic: String,
    crash: String,
}

/// `None` unless the contract has a log function whose level type is defined in
/// the same interface.
fn panic_report(resolve: &Resolve, world: WorldId) -> Option<Report> {
    let Log {
        interface,
        level,
        error: number,
    } = Log::of(resolve, world)?;
    let level = &resolve.types[level];
    if level.owner != TypeOwner::Interface(interface) {
        return None;
    }
    let id = resolve.id_of(interface)?;
    // Package names have versions only if there are several versions.
    let package = id.split('@').next().unwrap_or_default();
    let package: Vec<_> = package
        .split([':', '/'])
        .map(|part| part.to_snake_case())
        .collect();
    let package = package.join("_");
    let error = format!("{}Error", level.name.as_deref()?.to_upper_camel_case());
    let panic = PANIC
        .replace("{{package}}", &format!("{MODULE}/{package}"))
        .replace("{{error}}", &error);
    let crash = CRASH
        .replace("{{interface}}", &id)
        .replace("{{level}}", &number.to_string());
    Some(Report {
        package,
        panic,
        crash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "package main\nimport (\n        \"runtime\"\n        \
        \"wit_component/export_a_b_c\"\n)\n\n//go:wasmexport a:b/c#f\nfunc f() uintptr {\n        \
        export_a_b_c.F()\n}\n//go:wasmexport cabi_post_a:b/c#f\nfunc g() {\n}\n";

    #[test]
    fn exports_call_the_authors_package() {
        let text = exports(SOURCE, "text-slug", |_| false, true);
        assert!(text.contains("\texport_a_b_c \"text-slug\"\n"), "{text}");
        assert!(
            text.contains("func f() uintptr {\n\tdefer reportPanic()\n"),
            "{text}"
        );
        assert_eq!(text.matches("defer").count(), 1, "{text}");
        assert!(!exports(SOURCE, "text-slug", |_| false, false).contains("defer"));
    }

    #[test]
    fn interface_can_have_its_own_package() {
        let source = SOURCE.replace(
            "_b_c\"\n",
            "_b_c\"\n        \"wit_component/export_a_b_d\"\n",
        );
        let text = exports(&source, "mine", |name| name == "export_a_b_d", true);
        assert!(text.contains("\texport_a_b_c \"mine\"\n"), "{text}");
        assert!(
            text.contains("\texport_a_b_d \"mine/export_a_b_d\"\n"),
            "{text}"
        );
    }
}

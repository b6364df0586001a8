//! Rust skeletons, from the stubs that wit-bindgen generates for its own tests.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use wit_bindgen_core::name_package_module;
use wit_parser::{InterfaceId, Resolve, TypeOwner, WorldId};

use super::{heading, wrap};
use crate::error::Error;
use crate::log::Log;
use crate::panic_hook;
use crate::world::generate;

pub(super) fn sources(resolve: &Resolve, world: WorldId) -> Result<Vec<(String, String)>, Error> {
    let options = wit_bindgen_rust::Opts {
        stubs: true,
        ..Default::default()
    };
    let heading = heading(resolve, world);
    let name = resolve.worlds[world].name.clone();
    let files = generate(&mut options.build(), resolve.clone(), world).map_err(Error::Skeleton)?;
    let bindings: String = files
        .iter()
        .map(|(_, content)| String::from_utf8_lossy(content))
        .collect();

    let panics = panics(resolve, world, &bindings);
    let module = if panics.is_some() {
        "mod panics;\n\n"
    } else {
        ""
    };
    let mut source = format!(
        "//! {heading}\n\n{module}wit_bindgen::generate!({{\n    path: \"wit\",\n    \
         world: \"{name}\",\n    generate_all,\n}});\n\nstruct Plugin;\n"
    );
    for stub in stubs(&bindings) {
        source += &format!("\n{stub}");
    }
    source += "\nexport!(Plugin);\n";
    let mut files = vec![("src/lib.rs".to_owned(), source)];
    files.extend(panics.map(|panics| (panic_hook::PATH.to_owned(), panics)));
    Ok(files)
}

/// The panic hook, if the contract has a log function.
fn panics(resolve: &Resolve, world: WorldId, bindings: &str) -> Option<String> {
    let log = Log::of(resolve, world)?;
    let level = &resolve.types[log.level];
    let TypeOwner::Interface(levels) = level.owner else {
        return None;
    };
    let (host, levels) = (
        module(resolve, log.interface, bindings)?,
        module(resolve, levels, bindings)?,
    );
    let level = level.name.as_deref()?.to_upper_camel_case();
    let lines = panic_hook::SOURCE.lines().map(|line| match line {
        line if line.starts_with("use ") => {
            format!("use {host}::log;\nuse {levels}::{level} as Level;\n")
        }
        line => format!("{line}\n"),
    });
    Some(lines.collect())
}

/// The path of an imported interface's module. `None` if it is unnamed, or if
/// the bindings call it differently because its name is a keyword.
fn module(resolve: &Resolve, id: InterfaceId, bindings: &str) -> Option<String> {
    let interface = &resolve.interfaces[id];
    let package = interface.package?;
    let path = [
        resolve.packages[package].name.namespace.to_snake_case(),
        name_package_module(resolve, package),
        interface.name.as_deref()?.to_snake_case(),
    ];
    let is_there = |name: &String| bindings.contains(&format!("pub mod {name} {{"));
    let path = path.iter().all(is_there).then(|| path.join("::"));
    path.map(|path| format!("crate::{path}"))
}

/// The `impl … for Stub` blocks of the bindings, formatted like hand-written
/// code.
fn stubs(bindings: &str) -> Vec<String> {
    let mut stubs = Vec::new();
    let mut lines = bindings.lines();
    while let Some(line) = lines.next() {
        if !(line.starts_with("impl ") && line.ends_with(" for Stub {")) {
            continue;
        }
        let mut stub = format!("{}\n", plain(line));
        for line in lines.by_ref().take_while(|line| *line != "}") {
            let line = plain(line.trim());
            if line.starts_with("#[") {
                continue;
            }
            match line.strip_suffix("{ unreachable!() }") {
                Some(signature) => {
                    let signature = wrap(signature.trim_end(), "    ");
                    stub += &format!("{signature} {{\n        todo!()\n    }}\n");
                }
                None => stub += &format!("    {line}\n"),
            }
        }
        stubs.push(stub + "}\n");
    }
    stubs
}

/// Removes what is specific to generated code.
fn plain(line: &str) -> String {
    let mut line = line
        .replace("wit_bindgen::rt::async_support::", "wit_bindgen::")
        .replace("_rt::", "")
        .replace("Vec::<", "Vec<")
        .replace(" -> ()", "")
        .replace("Stub", "Plugin")
        .replace(",)", ")");
    // Generated signatures have no space after commas, also within tuple types,
    // as in `(a: u32,b: u32)`.
    if line.starts_with("fn ") || line.starts_with("async fn ") {
        line = line.replace(',', ", ");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(wit: &str) -> Vec<(String, String)> {
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        sources(&resolve, world).unwrap()
    }

    #[test]
    fn panic_hook_uses_the_log_of_the_contract() {
        let files = files(
            "package a:my-b@1.0.0; interface levels { enum how-bad { error } }
             interface out { use levels.{how-bad as level};
                             log: func(level: level, text: string); }
             world w { import out; export f: func(); }",
        );
        let [(_, source), (path, panics)] = &files[..] else {
            panic!("{files:?}");
        };
        assert!(source.contains("\nmod panics;\n"), "{source}");
        assert_eq!(path, panic_hook::PATH);
        let uses = "use crate::a::my_b::out::log;\nuse crate::a::my_b::levels::HowBad as Level;\n";
        assert!(panics.contains(uses), "{panics}");
    }

    #[test]
    fn there_is_no_hook_without_a_usable_log() {
        let keyword = "package a:b; interface %type { enum level { error }
                       log: func(level: level, text: string); }
                       world w { import %type; export f: func(); }";
        for wit in ["package a:b; world w { export f: func(); }", keyword] {
            let files = files(wit);
            assert_eq!(files.len(), 1, "{files:?}");
            assert!(!files[0].1.contains("mod panics"), "{files:?}");
        }
    }
}

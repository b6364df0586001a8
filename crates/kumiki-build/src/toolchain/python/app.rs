//! Generates the module that componentize-py starts from: it imports the
//! author's module and logs uncaught exceptions.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use serde_json::json;
use wit_parser::{InterfaceId, Resolve, TypeOwner, WorldId, WorldItem};

use crate::log::Log;
use crate::world::is_async;

/// The name of the module.
pub(super) const NAME: &str = "kumiki_app";
const APP: &str = include_str!("kumiki_app.py");
/// Reports the exceptions of asynchronous functions.
const TASKS: &str = "\n\nfrom componentize_py_async_support import _Loop\n\n\
                     _Loop.poll = reported(_Loop.poll)\n";

/// Generates the module for the author's module `author`.
pub(super) fn app(author: &str, resolve: &Resolve, world: WorldId) -> String {
    let log = log_function(resolve, world).unwrap_or_default();
    APP.replace("# LOG\n", &log)
        .replace("AUTHOR", &json!(author).to_string())
}

/// Defines `log` and sets the hook. `None` unless the contract has a log
/// function in an interface that componentize-py calls by its plain name.
fn log_function(resolve: &Resolve, world: WorldId) -> Option<String> {
    let log = Log::of(resolve, world)?;
    let level = &resolve.types[log.level];
    let TypeOwner::Interface(levels) = level.owner else {
        return None;
    };
    let module = |id| module_name(resolve, world, id);
    let (host, levels) = (module(log.interface)?, module(levels)?);
    let level = level.name.as_deref()?.to_upper_camel_case();
    let tasks = match is_async(resolve, world) {
        true => TASKS,
        false => "",
    };
    Some(format!(
        "from wit_world.imports import {host}\nfrom wit_world.imports import {levels}\n\n\n\
         def log(text):\n    {host}.log({levels}.{level}.ERROR, text)\n\n\n\
         sys.excepthook = report\n{tasks}"
    ))
}

/// The module of an imported interface, if no other import has its name:
/// otherwise, the module's name has more parts.
fn module_name(resolve: &Resolve, world: WorldId, id: InterfaceId) -> Option<String> {
    let name = resolve.interfaces[id].name.as_deref()?;
    let imports = resolve.worlds[world].imports.values();
    let same = imports.filter(|item| match item {
        WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.as_deref() == Some(name),
        _ => false,
    });
    (same.count() == 1).then(|| name.to_snake_case())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app_of(wit: &str) -> String {
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        app("plugin", &resolve, world)
    }

    #[test]
    fn exceptions_are_logged_where_the_contract_has_a_log() {
        let app = app_of(include_str!("../../../../../wit/text-processor/world.wit"));
        let log = "def log(text):\n    host_api.log(host_api.LogLevel.ERROR, text)\n";
        assert!(app.contains(log), "{app}");
        assert!(app.contains("sys.excepthook = report\n"), "{app}");
        assert!(app.contains("importlib.import_module(\"plugin\")"), "{app}");
    }

    #[test]
    fn level_may_be_of_another_interface() {
        let app = app_of(
            "package a:b; interface my-levels { enum how-bad { error } }
             interface out { use my-levels.{how-bad as level};
                             log: func(level: level, text: string); }
             world w { import out; }",
        );
        let log = "    out.log(my_levels.HowBad.ERROR, text)\n";
        assert!(app.contains(log), "{app}");
    }

    #[test]
    fn exceptions_of_tasks_are_logged_in_asynchronous_worlds() {
        let log = "interface out { enum level { error } log: func(level: level, text: string); }";
        let patch = "_Loop.poll = reported(_Loop.poll)\n";
        for (function, expected) in [("async func()", true), ("func()", false)] {
            let app = app_of(&format!(
                "package a:b; {log} world w {{ import out; export f: {function}; }}"
            ));
            assert_eq!(app.contains(patch), expected, "{app}");
        }
    }

    #[test]
    fn nothing_is_logged_without_a_log() {
        let app = app_of("package a:b; world w { export f: func(); }");
        assert!(!app.contains("sys.excepthook ="), "{app}");
    }
}

//! JavaScript that a plugin needs for names which QuickJS lacks. Only what a plugin mentions
//! is added to it.

/// A module that defines globals.
struct Prelude {
    name: &'static str,
    /// The globals.
    globals: &'static [&'static str],
    source: &'static str,
}

const PRELUDES: [Prelude; 5] = [
    Prelude {
        name: STREAMS,
        globals: &[],
        source: include_str!("prelude/streams.js"),
    },
    Prelude {
        name: "kumiki:console",
        globals: &["console"],
        source: include_str!("prelude/console.js"),
    },
    Prelude {
        name: "kumiki:clone",
        globals: &["structuredClone"],
        source: include_str!("prelude/clone.js"),
    },
    Prelude {
        name: "kumiki:text",
        globals: &["TextDecoder", "TextEncoder"],
        source: include_str!("prelude/text.js"),
    },
    Prelude {
        name: "kumiki:missing",
        globals: &["setTimeout", "setInterval", "setImmediate", "fetch"],
        source: include_str!("prelude/missing.js"),
    },
];

/// What worlds with asynchronous functions need.
const STREAMS: &str = "kumiki:streams";

/// The name of the module that imports the others, which QuickJS runs.
pub(super) const START: &str = "kumiki:start";

/// Returns the modules to add, the one that QuickJS runs first. `entry` is the author's.
pub(super) fn modules(entry: &str, sources: &[&str], is_async: bool) -> Vec<(String, String)> {
    let mentions = |name: &str| sources.iter().any(|source| source.contains(name));
    let needed = PRELUDES.iter().filter(|prelude| {
        prelude.globals.iter().copied().any(mentions) || (is_async && prelude.name == STREAMS)
    });
    let mut start = String::new();
    let mut modules = Vec::new();
    for prelude in needed {
        start += &format!("import \"{}\";\n", prelude.name);
        modules.push((prelude.name.to_owned(), prelude.source.to_owned()));
    }
    start += &format!("export * from {};\n", serde_json::json!(entry));
    modules.insert(0, (START.to_owned(), start));
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mentioned_is_added() {
        let names = |source: &str| -> Vec<_> {
            let modules = modules("plugin.js", &["", source], false);
            modules.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names("export const a = 1;"), [START]);
        assert_eq!(names("console.log(1)"), [START, "kumiki:console"]);
        assert_eq!(names("new TextEncoder()"), [START, "kumiki:text"]);
    }
}

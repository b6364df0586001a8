//! Parts of TypeScript declarations.

/// A union of types.
pub(super) fn union(cases: impl Iterator<Item = String>) -> String {
    cases.collect::<Vec<_>>().join(" | ")
}

/// The documentation as a comment, on lines of its own.
pub(super) fn docs(docs: &wit_parser::Docs) -> String {
    match &docs.contents {
        None => String::new(),
        Some(text) => {
            let text = text.trim().replace("*/", "* /").replace('\n', "\n * ");
            format!("/**\n * {text}\n */\n")
        }
    }
}

/// Members of an interface, indented.
pub(super) fn lines(items: impl Iterator<Item = String>) -> String {
    indent(&items.collect::<Vec<_>>().join("\n"))
}

/// Indents all lines.
pub(super) fn indent(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {}\n", line.trim_end()));
    lines.collect()
}
